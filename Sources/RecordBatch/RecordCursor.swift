/// Reads the fields of records one after the other; every length is checked against what is left.

/// A position in the bytes of a batch's records.
struct RecordCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    /// Where reading must stop; set to a record's end while that record is read.
    private var end: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    var isAtEnd: Bool { position == end }
    var remaining: Int { end &- position }

    /// The next number, at most 64 bits wide.
    @inline(__always)
    mutating func varlong() throws(RecordBatchError) -> Int64 {
        // Most numbers in records are below 64 and take one byte.
        if position < end {
            let byte = bytes[position]
            if byte < 0x80 {
                position &+= 1
                return Self.unzigzag(UInt64(byte))
            }
        }
        return try longVarint(maxBits: 64)
    }

    /// The next number, at most 32 bits wide.
    @inline(__always)
    mutating func varint() throws(RecordBatchError) -> Int {
        if position < end {
            let byte = bytes[position]
            if byte < 0x80 {
                position &+= 1
                return Int(Self.unzigzag(UInt64(byte)))
            }
            // Lengths of records and their values mostly take two.
            if position &+ 1 < end, bytes[position &+ 1] < 0x80 {
                let value = UInt64(byte & 0x7F) | UInt64(bytes[position &+ 1]) << 7
                position &+= 2
                return Int(Self.unzigzag(value))
            }
        }
        return Int(try longVarint(maxBits: 32))
    }

    @inline(__always)
    mutating func byte() throws(RecordBatchError) -> UInt8 {
        guard position < end else { throw .truncated(needed: 1, available: 0) }
        let byte = bytes[position]
        position &+= 1
        return byte
    }

    /// As many bytes as a length says, which was read before; nil for the length -1.
    @inline(__always)
    mutating func bytes(
        _ length: Int, _ field: RecordBatchError.Field
    ) throws(RecordBatchError) -> UnsafeRawBufferPointer? {
        if length == -1 { return nil }
        guard length >= 0 else { throw .invalid(field, value: Int64(length), rule: "a length is at least -1") }
        guard length <= remaining else { throw .truncated(needed: length, available: remaining) }
        let start = position
        position &+= length
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    /// The bytes from a position to the current one.
    func bytes(from start: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    /// Begins a record: reads its length and stops reading at its end.
    @inline(__always)
    mutating func enterRecord() throws(RecordBatchError) {
        let length = try varint()
        guard length >= 0 else { throw .invalid(.recordLength, value: Int64(length), rule: "a record has a length") }
        guard length <= remaining else { throw .truncated(needed: length, available: remaining) }
        end = position &+ length
    }

    /// Ends a record, all of which must have been read.
    @inline(__always)
    mutating func leaveRecord() throws(RecordBatchError) {
        guard position == end else {
            throw .invalid(.recordLength, value: Int64(end &- position), rule: "that many bytes follow the record's fields")
        }
        end = bytes.count
    }

    @inline(never)
    private mutating func longVarint(maxBits: UInt64) throws(RecordBatchError) -> Int64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else { throw .truncated(needed: 1, available: 0) }
            let byte = bytes[position]
            let part = UInt64(byte & 0x7F)
            guard shift < maxBits, maxBits &- shift >= 7 || part >> (maxBits &- shift) == 0 else {
                throw .invalid(.records, value: Int64(byte), rule: "a number has at most \(maxBits) bits")
            }
            value |= part << shift
            position &+= 1
            if byte < 0x80 { return Self.unzigzag(value) }
            shift &+= 7
        }
    }

    @inline(__always)
    private static func unzigzag(_ value: UInt64) -> Int64 {
        Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
    }
}
