/// Batches for the tests, and means to change their bytes.

import RecordBatch

/// A batch with keys and values of one byte, a millisecond apart from 10 000 on.
func batch(count: Int, headers: [RecordHeader] = []) throws -> RecordBatch {
    var builder = RecordBatchBuilder(baseTimestamp: 10_000)
    for index in 0..<count {
        try builder.append(
            key: [UInt8(index)], value: [UInt8(index), 9], timestamp: 10_000 + Int64(index), headers: headers)
    }
    return try builder.finish()
}

/// Writes a big-endian field.
func set<T: FixedWidthInteger>(_ bytes: inout [UInt8], _ position: Int, _ value: T) {
    withUnsafeBytes(of: value.bigEndian) { bytes.replaceSubrange(position..<position + $0.count, with: $0) }
}

/// Makes the CRC right again.
func sign(_ bytes: inout [UInt8]) {
    set(&bytes, 17, CRC32C.checksum(Array(bytes[21...])))
}
