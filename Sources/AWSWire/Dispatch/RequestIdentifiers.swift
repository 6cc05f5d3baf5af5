/// Request ids: unique in the process, cheap, of the form that AWS's have.

import Synchronization

/// Makes the values of `x-amzn-RequestId` and `x-amz-id-2`.
public final class RequestIdentifiers: Sendable {
    private let seed: UInt64
    private let counter = Atomic<UInt64>(0)

    /// - Parameter seed: random, so that ids differ between processes.
    public init(seed: UInt64 = .random(in: .min ... .max)) { self.seed = seed }

    /// A UUID of version 4.
    public func requestID() -> String {
        var bytes = self.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = StaticString("0123456789abcdef").utf8Start
        return String(unsafeUninitializedCapacity: 36) { text in
            var position = 0
            for (index, byte) in bytes.enumerated() {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    text[position] = UInt8(ascii: "-")
                    position += 1
                }
                text[position] = digits[Int(byte >> 4)]
                text[position + 1] = digits[Int(byte & 0xF)]
                position += 2
            }
            return position
        }
    }

    /// Base64 of 72 bytes.
    public func extendedID() -> String { Base64.encode(bytes(72)) }

    /// Bytes that look random and do not repeat: a mixed counter (SplitMix64; Steele, Lea and Flood, 2014). They guard nothing.
    private func bytes(_ count: Int) -> [UInt8] {
        let words = (count + 7) / 8
        let first = counter.add(UInt64(words), ordering: .relaxed).oldValue
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words * 8)
        for word in 0..<UInt64(words) {
            var mixed = seed &+ (first &+ word) &* 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
            withUnsafeBytes(of: mixed) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
