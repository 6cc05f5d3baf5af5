/// A message authentication code for short messages: SipHash-2-4 with 128 bits (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input
/// PRF", 2012; the longer output is the authors' later addition).

/// Makes codes under one key of 128 bits. A code of a few dozen bytes takes some tens of nanoseconds.
package struct SipHash: Sendable {
    private let key: (UInt64, UInt64)

    package init(key: (UInt64, UInt64)) { self.key = key }

    /// The code of a message: two words, the first one first in memory.
    package func code(_ message: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        var state = State(key)
        let whole = message.count & ~7
        for position in stride(from: 0, to: whole, by: 8) {
            state.absorb(UInt64(littleEndian: message.loadUnaligned(fromByteOffset: position, as: UInt64.self)))
        }
        // What is left, and the length in the highest byte.
        var last = UInt64(truncatingIfNeeded: message.count) << 56
        for position in whole..<message.count { last |= UInt64(message[position]) << UInt64(8 * (position - whole)) }
        state.absorb(last)
        return state.finish()
    }

    private struct State {
        private var v0, v1, v2, v3: UInt64

        init(_ key: (UInt64, UInt64)) {
            v0 = 0x736F_6D65_7073_6575 ^ key.0
            // The last constant's difference marks the longer output.
            v1 = 0x646F_7261_6E64_6F6D ^ key.1 ^ 0xEE
            v2 = 0x6C79_6765_6E65_7261 ^ key.0
            v3 = 0x7465_6462_7974_6573 ^ key.1
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            for _ in 0..<2 { round() }
            v0 ^= word
        }

        mutating func finish() -> (UInt64, UInt64) {
            v2 ^= 0xEE
            for _ in 0..<4 { round() }
            let first = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<4 { round() }
            return (first, v0 ^ v1 ^ v2 ^ v3)
        }

        private mutating func round() {
            v0 &+= v1
            v2 &+= v3
            v1 = Self.rotate(v1, 13) ^ v0
            v3 = Self.rotate(v3, 16) ^ v2
            v0 = Self.rotate(v0, 32)
            v2 &+= v1
            v0 &+= v3
            v1 = Self.rotate(v1, 17) ^ v2
            v3 = Self.rotate(v3, 21) ^ v0
            v2 = Self.rotate(v2, 32)
        }

        private static func rotate(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }
    }
}
