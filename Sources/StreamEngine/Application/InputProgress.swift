/// How far an application has come in its input.

package import StreamStore

/// A shard of one of an application's inputs.
package struct InputShard: Hashable, Comparable, Sendable {
    /// The input's place among the application's. Inputs are added behind the others and never taken away.
    package var input: Int
    package var shard: ShardID

    package init(_ input: Int, _ shard: ShardID) {
        self.input = input
        self.shard = shard
    }

    package static func < (a: Self, b: Self) -> Bool { (a.input, a.shard) < (b.input, b.shard) }
}

/// How far an application has read its sources, and its clock: what is computed is cut there.
package struct InputProgress: Hashable, Sendable {
    /// The next offset of each shard of the sources.
    package var positions: [InputShard: Int64]
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC; everything that ended by then has been computed.
    package var clockMilliseconds: Int64
    /// Told by state records of version 1 only: how many rows of each in-application stream were appended since the run began. Where one append
    /// could not hold what the input up to here gives, they are fewer than that.
    package var appendedRows: [String: Int64]?

    package init(at positions: [InputShard: Int64], clockMilliseconds: Int64) {
        self.positions = positions
        self.clockMilliseconds = clockMilliseconds
    }

    /// Of an application with one input.
    package init(positions: [ShardID: Int64], clockMilliseconds: Int64) {
        self.init(
            at: Dictionary(uniqueKeysWithValues: positions.map { (InputShard(0, $0.key), $0.value) }),
            clockMilliseconds: clockMilliseconds)
    }

    /// The next offsets of one input.
    func positions(of input: Int) -> [ShardID: Int64] {
        Dictionary(uniqueKeysWithValues: positions.filter { $0.key.input == input }.map { ($0.key.shard, $0.value) })
    }

    /// Whether it is of several inputs.
    var isOfSeveral: Bool { positions.keys.contains { $0.input > 0 } }
}

extension InputProgress {
    /// - Parameter version: of the record; before 4 there was one input.
    func write(to writer: inout StateWriter, version: UInt8) {
        writer.write(clockMilliseconds)
        writer.write(Int64(positions.count))
        for (place, offset) in positions.sorted(by: { $0.key < $1.key }) {
            if version > 3 { writer.write(Int64(place.input)) }
            writer.write(Int64(place.shard.index))
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
            let input = version > 3 ? try reader.int64() : 0
            guard (0..<10_000).contains(input) else { throw StateRecord.Malformed(reason: "input number") }
            guard let shard = UInt32(exactly: try reader.int64()) else { throw StateRecord.Malformed(reason: "shard number") }
            positions[InputShard(Int(input), ShardID(shard))] = try reader.int64()
        }
    }
}
