/// How far an application has come in its input.

package import StreamStore

/// How far an application has read its source, and its clock: what is computed is cut there.
package struct InputProgress: Hashable, Sendable {
    /// The next offset of each shard of the source.
    package var positions: [ShardID: Int64]
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC; everything that ended by then has been computed.
    package var clockMilliseconds: Int64
    /// Told by state records of version 1 only: how many rows of each in-application stream were appended since the run began. Where one append
    /// could not hold what the input up to here gives, they are fewer than that.
    package var appendedRows: [String: Int64]?

    package init(positions: [ShardID: Int64], clockMilliseconds: Int64) {
        self.positions = positions
        self.clockMilliseconds = clockMilliseconds
    }
}

extension InputProgress {
    func write(to writer: inout StateWriter) {
        writer.write(clockMilliseconds)
        writer.write(Int64(positions.count))
        for (shard, offset) in positions.sorted(by: { $0.key < $1.key }) {
            writer.write(Int64(shard.index))
            writer.write(offset)
        }
    }

    init(from reader: inout StateReader, version: UInt8) throws {
        clockMilliseconds = try reader.int64()
        if version == 1 {
            let streams = try reader.int64()
            guard (0...10_000).contains(streams) else { throw StateRecord.Malformed(reason: "\(streams) output streams") }
            var rows: [String: Int64] = [:]
            for _ in 0..<streams {
                let stream = String(decoding: try reader.byteString(), as: UTF8.self)
                rows[stream] = try reader.int64()
            }
            appendedRows = rows
        }
        let count = try reader.int64()
        guard (0...1_000_000).contains(count) else { throw StateRecord.Malformed(reason: "\(count) shard positions") }
        positions = [:]
        for _ in 0..<count {
            guard let shard = UInt32(exactly: try reader.int64()) else { throw StateRecord.Malformed(reason: "shard number") }
            positions[ShardID(shard)] = try reader.int64()
        }
    }
}
