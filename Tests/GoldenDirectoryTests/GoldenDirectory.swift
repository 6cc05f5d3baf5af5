/// A kept data directory of an earlier build, unpacked, and what is said to be in it. `Tests/GoldenDirectories/make` makes one.

import Foundation
import Host
import RecordBatch
import StreamStore
import Synchronization

/// One of the archives in `Tests/GoldenDirectories`.
struct GoldenDirectory {
    /// What was read of it by the build that made it.
    struct Expected: Decodable {
        struct Digest: Decodable, Hashable {
            var count: Int
            var sha256: String
        }
        struct Window: Decodable, Hashable {
            var k: String
            var n: Int
            var total: Int
        }
        var madeMilliseconds: Int64
        /// By stream and shard; of sequence number, partition key, arrival and data of each record.
        var streams: [String: [String: Digest]]
        /// The rows that the application `counting` owes at the end of its day.
        var windows: [Window]
        /// By delivery stream, of the objects that it still owes.
        var undelivered: [String: Digest]
        var applications: [String: String]
        /// Set where later builds do not go on with the applications' states: what the reason says with which those that ran have stopped.
        var applicationsStop: String?
    }

    let expected: Expected
    /// Holds `data` and `backup.tar`; a copy, to be worked on.
    let place: String
    var data: String { place + "/data" }

    private static let home = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("GoldenDirectories")

    /// All there are, oldest first.
    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: home.path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    init(_ name: String) throws {
        expected = try JSONDecoder().decode(
            Expected.self, from: try Data(contentsOf: Self.home.appendingPathComponent("\(name).json")))
        place = FileManager.default.temporaryDirectory.appendingPathComponent("golden-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-xzf", Self.home.appendingPathComponent("\(name).tar.gz").path, "-C", place]
        try tar.run()
        tar.waitUntilExit()
        guard tar.terminationStatus == 0 else { throw CocoaError(.fileReadCorruptFile) }
    }

    func remove() { try? FileManager.default.removeItem(atPath: place) }

    /// The contents of the objects of a delivery stream, in the order of their names.
    func objects(of delivery: String) -> [UInt8] {
        let directory = "\(data)/buckets/lake/\(delivery)"
        let paths = (FileManager.default.enumerator(atPath: directory)?.allObjects as? [String] ?? []).sorted()
        return paths.reduce(into: []) { $0 += FileManager.default.contents(atPath: "\(directory)/\($1)") ?? Data() }
    }
}

/// Time goes on from where the directory was left, and by leaps.
final class GoldenTime: TimeSource {
    private let start: Int64
    private let began = SystemTime().monotonicNanoseconds()
    private let leaps = Mutex<Int64>(0)

    init(wall: Int64) { start = wall }

    private var leapt: Int64 { leaps.withLock { $0 } }
    private var elapsed: UInt64 { SystemTime().monotonicNanoseconds() - began }
    func wallMilliseconds() -> Int64 { start + Int64(elapsed / 1_000_000) + leapt }
    func monotonicNanoseconds() -> UInt64 { began + elapsed + UInt64(leapt) * 1_000_000 }
    func leap(hours: Int64) { leaps.withLock { $0 += hours * 3_600_000 } }
}

extension GoldenDirectory.Expected.Digest {
    /// Of the pieces one after the other, by the system's own tool.
    init(_ pieces: [[UInt8]]) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("golden-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(pieces.joined()).write(to: file)
        let (tool, output) = (Process(), Pipe())
        tool.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tool.arguments = ["sha256sum", file.path]
        tool.standardOutput = output
        try tool.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        tool.waitUntilExit()
        self.init(count: pieces.count, sha256: String(said.prefix { $0 != " " }))
    }
}

extension StreamStore {
    /// The records of a shard as they are digested.
    func lines(of shard: ShardDescription, in stream: StreamDescription) async throws -> [[UInt8]] {
        let reference = ShardReference(stream.id, shard.id)
        var lines: [[UInt8]] = []
        var offset = try await bounds(reference).startOffset
        while true {
            let read = try await read(reference, from: offset, maxBytes: 1 << 20)
            guard let end = read.batches.last?.endOffset else { return lines }
            for batch in read.batches {
                for record in try batch.batch.records() {
                    let number = SequenceNumber(
                        offset: record.offset, in: shard, arrivalMilliseconds: batch.arrivalMilliseconds)
                    let head = "\(number) \(String(decoding: record.key ?? [], as: UTF8.self)) \(batch.arrivalMilliseconds) "
                    lines.append(Array(head.utf8) + (record.value ?? []) + [UInt8(ascii: "\n")])
                }
            }
            offset = end
        }
    }

    /// The records' data of a stream, all shards together.
    func values(of name: String) async throws -> [[UInt8]] {
        let stream = try await stream(StreamKey(name))
        var values: [[UInt8]] = []
        for shard in stream.shards {
            let reference = ShardReference(stream.id, shard.id)
            var offset = try await bounds(reference).startOffset
            while true {
                let read = try await read(reference, from: offset, maxBytes: 1 << 20)
                guard let end = read.batches.last?.endOffset else { break }
                for batch in read.batches { values += try batch.batch.records().map { $0.value ?? [] } }
                offset = end
            }
        }
        return values
    }
}
