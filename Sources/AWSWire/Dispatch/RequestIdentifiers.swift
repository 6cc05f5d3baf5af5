/// Request ids: unique in the process, cheap, of the form that AWS's have.

import Synchronization

/// The name of one request, of which both `x-amzn-RequestId` and `x-amz-id-2` are made.
public struct RequestID: Hashable, Sendable {
    let high: UInt64
    let low: UInt64

    /// The characters of `text`.
    public static let textCount = 36
    /// The characters of `extendedText`.
    public static let extendedCount = 96

    /// A UUID of version 4.
    public var text: String { String(unsafeUninitializedCapacity: Self.textCount) { write(to: UnsafeMutableRawBufferPointer($0)) } }
    /// Base64 of 72 bytes.
    public var extendedText: String {
        String(unsafeUninitializedCapacity: Self.extendedCount) { writeExtended(to: UnsafeMutableRawBufferPointer($0)) }
    }

    /// Writes `text` to the first `textCount` bytes; returns how many these are.
    @discardableResult
    public func write(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        precondition(buffer.count >= Self.textCount)
        let digits = StaticString("0123456789abcdef").utf8Start
        // The version and the variant of RFC 9562.
        let words = (high & ~0xF000 | 0x4000, low & ~(0xC0 << 56) | 0x80 << 56)
        var position = 0
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                buffer[position] = UInt8(ascii: "-")
                position &+= 1
            }
            let word = index < 16 ? words.0 : words.1
            buffer[position] = digits[Int(truncatingIfNeeded: word >> UInt64(60 &- 4 &* (index & 15)) & 0xF)]
            position &+= 1
        }
        return position
    }

    /// Writes `extendedText` to the first `extendedCount` bytes; returns how many these are.
    @discardableResult
    public func writeExtended(to buffer: UnsafeMutableRawBufferPointer) -> Int {
        precondition(buffer.count >= Self.extendedCount)
        let letters = StaticString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").utf8Start
        // Eight characters of base64 are six bytes, whatever they are.
        var position = 0
        for round in 0..<UInt64(Self.extendedCount / 8) {
            var word = RequestIdentifiers.mix(high ^ low &+ round)
            for _ in 0..<8 {
                buffer[position] = letters[Int(truncatingIfNeeded: word & 63)]
                word >>= 6
                position &+= 1
            }
        }
        return position
    }
}

/// Makes request ids.
public final class RequestIdentifiers: Sendable {
    private let seed: UInt64
    private let counter = Atomic<UInt64>(0)

    /// - Parameter seed: random, so that ids differ between processes.
    public init(seed: UInt64 = .random(in: .min ... .max)) { self.seed = seed }

    /// The next id.
    public func next() -> RequestID {
        let first = counter.add(2, ordering: .relaxed).oldValue
        return RequestID(
            high: Self.mix(seed &+ first &* 0x9E37_79B9_7F4A_7C15), low: Self.mix(seed &+ (first &+ 1) &* 0x9E37_79B9_7F4A_7C15))
    }

    /// Bits that look random and do not repeat for other input (the finaliser of SplitMix64; Steele, Lea and Flood, 2014). They guard nothing.
    static func mix(_ word: UInt64) -> UInt64 {
        var mixed = word
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
