/// The records of an application's hidden stream: how far it has come, and from where it can be computed again (DESIGN, decision 9).

package import StreamStore

/// A record of an application's hidden stream.
///
/// A run begins with `.begin`. A `.commit` says that all rows of the input up to a place are durable; it stands in the same append as these
/// rows. Where they are too many for one append they stand before it as `.outgoing` records, and are then copied to their destinations in appends
/// that hold a `.sent` each.
///
/// A snapshot is the dataflow's state at its progress: all of it, or what has changed since the snapshot before. It begins with a `.snapshotHead`;
/// its `.snapshotPiece` records follow while commits go on between them; it counts once its `.snapshotEnd` is there. After a crash the last whole
/// snapshot with the changes that follow it is restored (or the beginning) and the input from there to the last commit is computed again for the
/// sake of the state alone: its rows are dropped, for they are durable already.
package enum StateRecord: Hashable, Sendable {
    case begin(Run, InputProgress)
    case commit(InputProgress)
    /// Rows of one output. Part 0 begins anew: what stands before it since the last commit was not finished.
    case outgoing(part: Int, output: String, OutgoingRows)
    /// How many of the outgoing rows of the last commit were copied, by output.
    case sent([String: Int64])
    /// A whole snapshot in parts without anything between them, as versions 1 and 2 wrote it.
    case snapshot(Run, InputProgress, part: Int, parts: Int, bytes: [UInt8])
    case snapshotHead(Run, InputProgress, isWhole: Bool, bytes: [UInt8])
    case snapshotPiece([UInt8])
    /// - Parameter pieces: how many there are.
    case snapshotEnd(pieces: Int)

    /// What stays the same for a run.
    package struct Run: Hashable, Sendable {
        /// The definition's `startNumber` when the run began.
        package var startNumber: Int64
        /// A digest of code and schemas: state of another program is not restored as a whole.
        package var programDigest: UInt64
        /// Seeds the forests.
        package var seed: UInt64
        /// CURRENT_TIMESTAMP of the run.
        package var startMilliseconds: Int64
        /// The identities of the inputs' sources: positions in another stream of the same name mean nothing.
        package var sources: [StreamID]

        /// Of an application with one input.
        package init(startNumber: Int64, programDigest: UInt64, seed: UInt64, startMilliseconds: Int64, source: StreamID) {
            self.init(
                startNumber: startNumber, programDigest: programDigest, seed: seed, startMilliseconds: startMilliseconds,
                sources: [source])
        }

        package init(startNumber: Int64, programDigest: UInt64, seed: UInt64, startMilliseconds: Int64, sources: [StreamID]) {
            self.startNumber = startNumber
            self.programDigest = programDigest
            self.seed = seed
            self.startMilliseconds = startMilliseconds
            self.sources = sources
        }
    }

    /// A hidden stream held bytes that are no state record, or one of a version that this build does not know.
    package struct Malformed: Error, Sendable, Hashable {
        package var reason: String
    }

    /// 1 counted the rows of each in-application stream in its commits; 1 and 2 wrote snapshots whole. They are read, and what is written behind them
    /// is 3, or 4 where it is of several inputs.
    private static let version: UInt8 = 4

    /// The version that its bytes have: what is of one input is written so that builds which know no other can read it.
    private var ownVersion: UInt8 {
        switch self {
        case .begin(let run, let progress), .snapshot(let run, let progress, _, _, _), .snapshotHead(let run, let progress, _, _):
            run.sources.count != 1 || progress.isOfSeveral ? 4 : 3
        case .commit(let progress): progress.isOfSeveral ? 4 : 3
        case .outgoing, .sent, .snapshotPiece, .snapshotEnd: 3
        }
    }

    /// What a record's bytes are where a later build wrote them; nil for all others, damaged ones included.
    ///
    /// Every version begins with a byte that tells it. Of a snapshot's first part the version of what is inside counts as well. What an earlier build
    /// wrote is for the run: it goes on from it.
    package static func unknownFormat(_ bytes: [UInt8]) -> (found: String, known: String)? {
        guard let found = bytes.first else { return nil }
        if found > version { return ("\(found)", "\(version)") }
        // Of all others only what has a dataflow's head is looked into.
        guard bytes.count > 1, bytes[1] == 2 || bytes[1] == 5 else { return nil }
        let inside: [UInt8]
        switch try? StateRecord(decoding: bytes) {
        case .snapshot(_, _, 0, _, let bytes), .snapshotHead(_, _, _, let bytes): inside = bytes
        default: return nil
        }
        guard let version = DataflowSnapshot.laterVersion(inside) else { return nil }
        return ("\(found), with a snapshot \(version)", "\(found), with a snapshot \(DataflowSnapshot.version)")
    }

    /// The record's bytes: version, kind, little-endian fields.
    package func encoded() -> [UInt8] {
        var writer = StateWriter()
        let version = ownVersion
        writer.write(version)
        switch self {
        case .begin(let run, let progress):
            writer.write(UInt8(0))
            run.write(to: &writer, version: version)
            progress.write(to: &writer, version: version)
        case .commit(let progress):
            writer.write(UInt8(1))
            progress.write(to: &writer, version: version)
        case .snapshot(let run, let progress, let part, let parts, let bytes):
            writer.write(UInt8(2))
            run.write(to: &writer, version: version)
            progress.write(to: &writer, version: version)
            writer.write(Int64(part))
            writer.write(Int64(parts))
            writer.write(bytes)
        case .outgoing(let part, let output, let rows):
            writer.write(UInt8(3))
            writer.write(Int64(part))
            writer.write(output.utf8)
            rows.write(to: &writer)
        case .sent(let counts):
            writer.write(UInt8(4))
            writer.write(Int64(counts.count))
            for (output, rows) in counts.sorted(by: { $0.key < $1.key }) {
                writer.write(output.utf8)
                writer.write(rows)
            }
        case .snapshotHead(let run, let progress, let isWhole, let bytes):
            writer.write(UInt8(5))
            run.write(to: &writer, version: version)
            progress.write(to: &writer, version: version)
            writer.write(isWhole)
            writer.write(bytes)
        case .snapshotPiece(let bytes):
            writer.write(UInt8(6))
            writer.write(bytes)
        case .snapshotEnd(let pieces):
            writer.write(UInt8(7))
            writer.write(Int64(pieces))
        }
        return writer.bytes
    }

    /// - Throws: `Malformed` for bytes that `encoded()` did not write.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        do {
            var reader = StateReader(bytes)
            let version = try reader.byte()
            guard (1...Self.version).contains(version) else {
                throw Malformed(
                    reason: "state record version \(version), and this build reads versions 1 to \(Self.version); "
                        + "let the build that wrote it go on, or start the application with NOW or TRIM_HORIZON")
            }
            self = try Self.read(from: &reader, version: version)
            guard reader.isAtEnd else { throw Malformed(reason: "a state record has bytes left over") }
        } catch let error as Malformed {
            throw error
        } catch {
            throw Malformed(reason: "\(error)")
        }
    }

    private static func read(from reader: inout StateReader, version: UInt8) throws -> StateRecord {
        switch try reader.byte() {
        case 0:
            let run = try Run(from: &reader, version: version)
            return .begin(run, try InputProgress(from: &reader, version: version))
        case 1:
            return .commit(try InputProgress(from: &reader, version: version))
        case 2:
            let run = try Run(from: &reader, version: version)
            let progress = try InputProgress(from: &reader, version: version)
            let part = try reader.int64()
            let parts = try reader.int64()
            guard parts > 0, (0..<parts).contains(part), let part = Int(exactly: part), let parts = Int(exactly: parts) else {
                throw Malformed(reason: "snapshot part \(part) of \(parts)")
            }
            return .snapshot(run, progress, part: part, parts: parts, bytes: try reader.byteString())
        case 3 where version > 1:
            guard let part = Int(exactly: try reader.int64()), part >= 0 else { throw Malformed(reason: "part of outgoing rows") }
            let output = String(decoding: try reader.byteString(), as: UTF8.self)
            return .outgoing(part: part, output: output, try OutgoingRows(from: &reader))
        case 4 where version > 1:
            let count = try reader.int64()
            guard (0...10_000).contains(count) else { throw Malformed(reason: "\(count) outputs") }
            var counts: [String: Int64] = [:]
            for _ in 0..<count {
                let output = String(decoding: try reader.byteString(), as: UTF8.self)
                counts[output] = try reader.int64()
            }
            return .sent(counts)
        case 5 where version > 2:
            let run = try Run(from: &reader, version: version)
            let progress = try InputProgress(from: &reader, version: version)
            return .snapshotHead(run, progress, isWhole: try reader.bool(), bytes: try reader.byteString())
        case 6 where version > 2: return .snapshotPiece(try reader.byteString())
        case 7 where version > 2: return .snapshotEnd(pieces: try reader.number())
        case let kind:
            throw Malformed(reason: "state record kind \(kind)")
        }
    }
}

extension StateRecord.Run {
    fileprivate func write(to writer: inout StateWriter, version: UInt8) {
        writer.write(startNumber)
        writer.write(Int64(bitPattern: programDigest))
        writer.write(Int64(bitPattern: seed))
        writer.write(startMilliseconds)
        if version > 3 { writer.write(Int64(sources.count)) }
        for source in sources { writer.write(Int64(bitPattern: source.rawValue)) }
    }

    fileprivate init(from reader: inout StateReader, version: UInt8) throws {
        self.init(
            startNumber: try reader.int64(), programDigest: UInt64(bitPattern: try reader.int64()),
            seed: UInt64(bitPattern: try reader.int64()), startMilliseconds: try reader.int64(), sources: [])
        let count = version > 3 ? try reader.int64() : 1
        guard (0..<10_000).contains(count) else { throw StateRecord.Malformed(reason: "\(count) sources") }
        for _ in 0..<count { sources.append(StreamID(UInt64(bitPattern: try reader.int64()))) }
    }
}
