/// How far an application has come in its input.

package import StreamStore

/// How far an application has read its source, and its clock: what is computed is cut there.
package struct InputProgress: Hashable, Sendable {
    /// The next offset of each shard of the source.
    package var positions: [ShardID: Int64]
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC; everything that ended by then has been computed.
    package var clockMilliseconds: Int64

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

    init(from reader: inout StateReader) throws {
        clockMilliseconds = try reader.int64()
        let count = try reader.int64()
        guard (0...1_000_000).contains(count) else { throw StateRecord.Malformed(reason: "\(count) shard positions") }
        positions = [:]
        for _ in 0..<count {
            guard let shard = UInt32(exactly: try reader.int64()) else { throw StateRecord.Malformed(reason: "shard number") }
            positions[ShardID(shard)] = try reader.int64()
        }
    }
}
