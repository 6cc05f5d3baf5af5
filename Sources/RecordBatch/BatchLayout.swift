/// Where the header fields of a batch lie, and integers in network byte order.

/// Byte positions within a v2 batch (Kafka protocol guide, "Record Batch").
enum BatchLayout {
    static let baseOffset = 0
    static let batchLength = 8
    static let leaderEpoch = 12
    static let magic = 16
    static let crc = 17
    /// The CRC covers everything from here on.
    static let attributes = 21
    static let lastOffsetDelta = 23
    static let baseTimestamp = 27
    static let maxTimestamp = 35
    static let producerID = 43
    static let producerEpoch = 51
    static let baseSequence = 53
    static let recordCount = 57
    static let records = 61

    /// `batchLength` counts the bytes after itself.
    static let lengthPrefix = 12
    /// Length, attributes, two deltas, key and value length, header count: a byte each.
    static let smallestRecord = 7
    static let currentMagic: Int8 = 2
}

/// Bits of the batch attributes.
enum BatchAttributes {
    static let codec: Int16 = 0b111
    static let logAppendTime: Int16 = 1 << 3
    static let transactional: Int16 = 1 << 4
    static let control: Int16 = 1 << 5
    static let deleteHorizon: Int16 = 1 << 6
}

extension UnsafeRawBufferPointer {
    /// The big-endian integer at a position. The caller has checked that it lies within.
    func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at position: Int, as type: T.Type = T.self) -> T {
        precondition(position >= 0 && position &+ MemoryLayout<T>.size <= count)
        return T(bigEndian: loadUnaligned(fromByteOffset: position, as: T.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Writes a big-endian integer at a position. The caller has checked that it lies within.
    func setBigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at position: Int) {
        precondition(position >= 0 && position &+ MemoryLayout<T>.size <= count)
        storeBytes(of: value.bigEndian, toByteOffset: position, as: T.self)
    }
}

extension [UInt8] {
    /// `withUnsafeBytes`, keeping the type of what the body throws.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try withUnsafeBufferPointer { bytes throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}
