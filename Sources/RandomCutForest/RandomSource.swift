/// The forest's own pseudo-random numbers: the same on every machine, one stream per tree.

/// xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded through SplitMix64.
package struct RandomSource: Sendable {
    private(set) var state: (UInt64, UInt64, UInt64, UInt64)

    /// Stream number `stream` of the family that `seed` names.
    package init(seed: UInt64, stream: UInt64) {
        var split = SplitMix64(state: seed)
        var spread = SplitMix64(state: split.next() ^ (stream &* 0xD1B5_4A32_D192_ED03))
        state = (spread.next(), spread.next(), spread.next(), spread.next())
    }

    /// Continues a stream from its saved state; nil for the one state that the generator never leaves.
    init?(state: (UInt64, UInt64, UInt64, UInt64)) {
        guard state.0 | state.1 | state.2 | state.3 != 0 else { return nil }
        self.state = state
    }

    package mutating func next() -> UInt64 {
        let sum = state.0 &+ state.3
        let result = ((sum << 23) | (sum >> 41)) &+ state.0
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = (state.3 << 45) | (state.3 >> 19)
        return result
    }

    /// Uniform in the open interval (0, 1): never 0, never 1, so that its logarithm and that of its complement exist.
    package mutating func unit() -> Double {
        (Double(next() >> 12) + 0.5) * 0x1p-52
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): spreads one seed over many words.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
