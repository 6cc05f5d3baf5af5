/// A change of one key as a record of the table's hidden stream. See <doc:LatestValues>.

import RecordBatch

/// What a record of the hidden stream says of its key.
struct LatestRecord {
    /// Of the record's value: its first byte.
    static let format: UInt8 = 1

    private enum Kind {
        static let put: UInt8 = 1
        static let removal: UInt8 = 2
        static let moved: UInt8 = 3
    }

    enum Change {
        /// The key's value is what follows `valueStart`.
        case put
        /// The key is gone.
        case removal
        /// A copy, made by a compaction, of what a record further ahead said.
        case moved
    }

    let change: Change
    /// 1 more than the offset at which the key got this value.
    let revision: Int64
    /// Where the value begins in the record's value.
    let valueStart: Int

    /// Bytes before the value in a record of that kind.
    static func head(_ change: Change, revision: Int64) -> [UInt8] {
        switch change {
        case .put: [format, Kind.put]
        case .removal: [format, Kind.removal]
        case .moved: [format, Kind.moved] + withUnsafeBytes(of: revision.littleEndian, Array.init)
        }
    }

    /// - Throws: `.unknownFormat`, and `.damaged` for what no version of this writes.
    init(_ record: RecordView, in table: String) throws(LatestError) {
        guard record.key != nil, let value = record.value, value.count >= 2 else {
            throw .damaged(table: table, from: record.offset, through: record.offset)
        }
        guard value[0] == Self.format else {
            throw .unknownFormat(table: table, found: Int(value[0]), known: Int(Self.format))
        }
        switch value[1] {
        case Kind.put: (change, revision, valueStart) = (.put, record.offset &+ 1, 2)
        case Kind.removal: (change, revision, valueStart) = (.removal, record.offset &+ 1, 2)
        case Kind.moved where value.count >= 10:
            let stated = Int64(littleEndian: value.loadUnaligned(fromByteOffset: 2, as: Int64.self))
            guard stated > 0, stated <= record.offset else {
                throw .damaged(table: table, from: record.offset, through: record.offset)
            }
            (change, revision, valueStart) = (.moved, stated, 10)
        default: throw .damaged(table: table, from: record.offset, through: record.offset)
        }
    }

    /// What a record counts for in the table's sums, in units of 64 bytes.
    static func units(keyBytes: Int, valueBytes: Int) -> Int {
        min((keyBytes + valueBytes + 32 + 63) / 64, Int(UInt16.max))
    }
}
