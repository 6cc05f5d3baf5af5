/// The records of an application's hidden stream: how far it has come, and from where it can be computed again (DESIGN, decision 7).

package import StreamStore

/// How far an application has read its source, and its clock.
package struct InputProgress: Hashable, Sendable {
    /// The next offset of each shard of the source.
    package var positions: [ShardID: Int64]
    /// The clock of the dataflow, milliseconds since 1970-01-01 UTC; everything that ended by then has been computed.
    package var clockMilliseconds: Int64
    /// Rows of each in-application stream appended to its outputs since the run began: fewer than the input up to here gives when
    /// they did not fit in one append.
    package var outputRows: [String: Int64]

    package init(positions: [ShardID: Int64], clockMilliseconds: Int64, outputRows: [String: Int64] = [:]) {
        self.positions = positions
        self.clockMilliseconds = clockMilliseconds
        self.outputRows = outputRows
    }
}

/// A record of an application's hidden stream.
///
/// A run begins with `.begin`. Each `.commit` stands in the same append as the rows it covers, so either both are there or neither.
/// A `.snapshot` holds the dataflow's whole state at its progress, in parts; it counts once all parts are there. After a crash the last
/// whole snapshot is restored (or the beginning), the input from there to the last commit is computed again, the output rows already
/// appended are dropped, and reading goes on.
package enum StateRecord: Hashable, Sendable {
    case begin(Run, InputProgress)
    case commit(InputProgress)
    case snapshot(Run, InputProgress, part: Int, parts: Int, bytes: [UInt8])

    /// What stays the same for a run.
    package struct Run: Hashable, Sendable {
        /// The definition's `startNumber` when the run began.
        package var startNumber: Int64
        /// A digest of code and schemas: state of another program is not restored.
        package var programDigest: UInt64
        /// Seeds the forests.
        package var seed: UInt64
        /// CURRENT_TIMESTAMP of the run.
        package var startMilliseconds: Int64
        /// The source's identity: positions in another stream of the same name mean nothing.
        package var source: StreamID

        package init(startNumber: Int64, programDigest: UInt64, seed: UInt64, startMilliseconds: Int64, source: StreamID) {
            self.startNumber = startNumber
            self.programDigest = programDigest
            self.seed = seed
            self.startMilliseconds = startMilliseconds
            self.source = source
        }
    }

    /// A hidden stream held bytes that are no state record.
    package struct Malformed: Error, Sendable, Hashable {
        package var reason: String
    }

    private static let version: UInt8 = 1

    /// The record's bytes: version, kind, little-endian fields.
    package func encoded() -> [UInt8] {
        var writer = StateWriter()
        writer.write(Self.version)
        switch self {
        case .begin(let run, let progress):
            writer.write(UInt8(0))
            run.write(to: &writer)
            progress.write(to: &writer)
        case .commit(let progress):
            writer.write(UInt8(1))
            progress.write(to: &writer)
        case .snapshot(let run, let progress, let part, let parts, let bytes):
            writer.write(UInt8(2))
            run.write(to: &writer)
            progress.write(to: &writer)
            writer.write(Int64(part))
            writer.write(Int64(parts))
            writer.write(bytes)
        }
        return writer.bytes
    }

    /// - Throws: `Malformed` for bytes that `encoded()` did not write.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        do {
            var reader = StateReader(bytes)
            let version = try reader.byte()
            guard version == Self.version else { throw Malformed(reason: "state record version \(version), not \(Self.version)") }
            switch try reader.byte() {
            case 0:
                let run = try Run(from: &reader)
                self = .begin(run, try InputProgress(from: &reader))
            case 1:
                self = .commit(try InputProgress(from: &reader))
            case 2:
                let run = try Run(from: &reader)
                let progress = try InputProgress(from: &reader)
                let part = Int(try reader.int64())
                let parts = Int(try reader.int64())
                guard parts > 0, (0..<parts).contains(part) else { throw Malformed(reason: "snapshot part \(part) of \(parts)") }
                self = .snapshot(run, progress, part: part, parts: parts, bytes: try reader.byteString())
            case let kind:
                throw Malformed(reason: "state record kind \(kind)")
            }
        } catch let error as Malformed {
            throw error
        } catch {
            throw Malformed(reason: "\(error)")
        }
    }
}

extension StateRecord.Run {
    fileprivate func write(to writer: inout StateWriter) {
        writer.write(startNumber)
        writer.write(Int64(bitPattern: programDigest))
        writer.write(Int64(bitPattern: seed))
        writer.write(startMilliseconds)
        writer.write(Int64(bitPattern: source.rawValue))
    }

    fileprivate init(from reader: inout StateReader) throws {
        self.init(
            startNumber: try reader.int64(), programDigest: UInt64(bitPattern: try reader.int64()),
            seed: UInt64(bitPattern: try reader.int64()), startMilliseconds: try reader.int64(),
            source: StreamID(UInt64(bitPattern: try reader.int64())))
    }
}

extension InputProgress {
    fileprivate func write(to writer: inout StateWriter) {
        writer.write(clockMilliseconds)
        writer.write(Int64(outputRows.count))
        for (stream, rows) in outputRows.sorted(by: { $0.key < $1.key }) {
            writer.write(Array(stream.utf8))
            writer.write(rows)
        }
        writer.write(Int64(positions.count))
        for (shard, offset) in positions.sorted(by: { $0.key < $1.key }) {
            writer.write(Int64(shard.index))
            writer.write(offset)
        }
    }

    fileprivate init(from reader: inout StateReader) throws {
        clockMilliseconds = try reader.int64()
        let streams = try reader.int64()
        guard (0...10_000).contains(streams) else { throw StateRecord.Malformed(reason: "\(streams) output streams") }
        outputRows = [:]
        for _ in 0..<streams {
            let stream = String(decoding: try reader.byteString(), as: UTF8.self)
            outputRows[stream] = try reader.int64()
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
