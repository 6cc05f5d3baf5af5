/// Kafka's variable-length integers: zigzag, seven bits a byte, low bits first.

/// Sizes and writing; `RecordCursor` reads.
enum Varint {
    /// How many bytes a number takes; 1 ... 10.
    @inline(__always)
    static func size(_ value: Int64) -> Int {
        let bits = 64 &- zigzag(value).leadingZeroBitCount
        return Swift.max(1, (bits &+ 6) / 7)
    }

    /// Writes a number and returns the position after it. The caller has made room.
    @inline(__always)
    static func write(_ value: Int64, to bytes: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        var rest = zigzag(value)
        var position = start
        while rest >= 0x80 {
            bytes[position] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            position &+= 1
        }
        bytes[position] = UInt8(truncatingIfNeeded: rest)
        return position &+ 1
    }

    /// Small magnitudes of either sign become small numbers.
    @inline(__always)
    private static func zigzag(_ value: Int64) -> UInt64 {
        UInt64(bitPattern: (value << 1) ^ (value >> 63))
    }
}
