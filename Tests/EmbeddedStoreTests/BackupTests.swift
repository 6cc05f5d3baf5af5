/// Backups: one moment of a running store, restored whole or not at all.

import Catalog
import EmbeddedStore
import Foundation
import Host
import HostSimulation
import RecordBatch
import StreamLog
import StreamStore
import Synchronization
import TarArchive
import Testing

/// A node on a simulated disk. The catalog lies in a directory of its own.
private struct BackupWorld {
    let disk: SimulatedDisk
    let directory: String

    static func options() -> EmbeddedStoreOptions {
        var log = LogOptions()
        log.segmentBytes = 20_000
        log.flushThresholdBytes = 30_000
        log.readThreads = 1
        return EmbeddedStoreOptions(retentionSweepSeconds: nil, log: log)
    }

    func open() async throws -> (store: EmbeddedStore<SimulatedDisk>, recovery: StoreRecovery) {
        try await EmbeddedStore.open(disk: disk, directory: directory, time: TestClock(), options: Self.options())
    }

    static func run(_ test: (BackupWorld) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("backup-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await test(BackupWorld(disk: SimulatedDisk(), directory: directory))
    }

    /// A new world out of an archive.
    func restored(from archive: [UInt8]) throws -> (world: BackupWorld, manifest: BackupManifest) {
        let disk = SimulatedDisk()
        let manifest = try restore(archive, to: disk)
        let copy = directory + "/restored-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try Data(try #require(disk.files["catalog.sqlite"])).write(to: URL(fileURLWithPath: copy + "/catalog.sqlite"))
        return (BackupWorld(disk: disk, directory: copy), manifest)
    }
}

private func restore(_ archive: [UInt8], to disk: SimulatedDisk, pieces: Int = 50_000) throws -> BackupManifest {
    var restore = try StoreRestore(disk: disk)
    do {
        for start in stride(from: 0, to: archive.count, by: pieces) {
            try archive[start..<min(archive.count, start + pieces)].withUnsafeBytes { try restore.consume($0) }
        }
        return try restore.finish()
    } catch {
        restore.abandon()
        throw error
    }
}

extension StoreBackup {
    fileprivate func archive(between: () async throws -> Void = {}) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() {
            bytes += piece
            try await between()
        }
        close()
        return bytes
    }
}

extension EmbeddedStore {
    /// A backup once the one before has let go.
    fileprivate func nextBackup() async throws -> StoreBackup<D> {
        while true {
            do {
                return try await backup()
            } catch {
                guard error == .busy else { throw error }
                await Task.yield()
            }
        }
    }
}

@Suite struct BackupTests {
    private let key = StreamKey("trades")

    /// A backup of a closed store with some records.
    private func archiveOfTwentyBatches(_ world: BackupWorld) async throws -> [UInt8] {
        let store = try await world.open().store
        _ = try await fill(store, batches: 20)
        let archive = try await store.backup().archive()
        await store.close()
        return archive
    }

    private func fill(_ store: EmbeddedStore<SimulatedDisk>, batches: Int = 200) async throws -> StreamDescription {
        let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2, tags: ["a": "b"]))
        for number in 0..<batches {
            try await store.put("left \(number) " + String(repeating: "x", count: 200), to: stream.reference(0))
            if number % 3 == 0 { try await store.put("right \(number)", to: stream.reference(1)) }
        }
        return stream
    }

    @Test("a restored store has the streams, records, fences and definitions of the moment, and nothing later")
    func roundTrip() async throws {
        try await BackupWorld.run { world in
            let store = try await world.open().store
            let stream = try await fill(store)
            let fence = try await store.claim(owner: "x")
            try await store.setDefinitions([(DefinitionKey(.application, "app"), [1, 2, 3])])
            let left = try await store.values(stream.reference(0))
            let right = try await store.values(stream.reference(1))

            let backup = try await store.backup()
            try await store.put("later", to: stream.reference(0))
            try await store.setDefinitions([(DefinitionKey(.application, "app"), [9])])
            _ = try await store.createStream(StreamDefinition(key: StreamKey("later"), shardCount: 1))
            let archive = try await backup.archive()
            await store.close()

            let (other, manifest) = try world.restored(from: archive)
            #expect(manifest.streams == 1 && manifest.records == Int64(left.count + right.count))
            let (again, recovery) = try await other.open()
            #expect(recovery.problems.isEmpty && recovery.log.damages.isEmpty && recovery.log.notes.isEmpty)
            #expect(recovery.log.quarantined.isEmpty && recovery.log.unknownLogs.isEmpty)
            #expect(try await again.streams(in: .stream).map(\.key.name) == ["trades"])
            #expect(try await again.stream(key).tags == ["a": "b"])
            #expect(try await again.values(stream.reference(0)) == left)
            #expect(try await again.values(stream.reference(1)) == right)
            #expect(try await again.definition(DefinitionKey(.application, "app")) == [1, 2, 3])
            let appended = try await again.append([ShardAppend(stream.reference(0), try batch("next"))], fence: fence)
            #expect(appended.map(\.baseOffset) == [Int64(left.count)])
            await again.close()
        }
    }

    @Test("positions in the catalog are never ahead of the records, and appends over two shards are whole, while both are written")
    func oneMoment() async throws {
        try await BackupWorld.run { world in
            let store = try await world.open().store
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            let acknowledged = Mutex(0)
            let writer = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    _ = try await store.append(
                        [
                            ShardAppend(stream.reference(0), try batch("\(number)")),
                            ShardAppend(stream.reference(1), try batch("\(number)")),
                        ],
                        fence: nil)
                    acknowledged.withLock { $0 = number }
                    // A position that covers the record, as a checkpoint does.
                    if number % 5 == 0 {
                        try await store.setDefinitions([(DefinitionKey(.application, "position"), Array("\(number)".utf8))])
                    }
                }
            }
            for _ in 0..<15 {
                let before = acknowledged.withLock { $0 }
                let backup = try await store.nextBackup()
                let after = acknowledged.withLock { $0 }
                let (other, _) = try world.restored(from: try await backup.archive())
                let (again, recovery) = try await other.open()
                #expect(recovery.problems.isEmpty && recovery.log.damages.isEmpty)
                let left = try await again.values(stream.reference(0))
                let right = try await again.values(stream.reference(1))
                let position =
                    try await again.definition(DefinitionKey(.application, "position")).flatMap {
                        Int(String(decoding: $0, as: UTF8.self))
                    } ?? 0
                #expect(left == right && left == (0..<left.count).map { "\($0 + 1)" })
                // One more than is noted may be acknowledged, for it is noted afterwards.
                #expect(left.count >= before && left.count <= after + 1 && position <= left.count)
                await again.close()
            }
            writer.cancel()
            _ = await writer.result
            await store.close()
        }
    }

    @Test("a stream that is deleted during a backup is in it, and its files go afterwards")
    func deletedMeanwhile() async throws {
        try await BackupWorld.run { world in
            let (store, _) = try await world.open()
            let stream = try await fill(store)
            let left = try await store.values(stream.reference(0))
            let backup = try await store.backup()
            try await store.deleteStream(key)
            let archive = try await backup.archive()
            // The next backup begins when this one has let go, and the log's work is done before the store is closed.
            try await store.nextBackup().close()
            await store.close()
            #expect(!world.disk.files.keys.contains { $0.hasPrefix("logs/") })
            let (reopened, recovery) = try await world.open()
            #expect(recovery.problems.isEmpty && recovery.log.unknownLogs.isEmpty && recovery.streamCount == 0)
            await reopened.close()

            let (other, _) = try world.restored(from: archive)
            let again = try await other.open().store
            #expect(try await again.values(stream.reference(0)) == left)
            await again.close()
        }
    }

    @Test("there is one backup at a time, and one that is given up makes room for the next")
    func busy() async throws {
        try await BackupWorld.run { world in
            let store = try await world.open().store
            _ = try await fill(store, batches: 3)
            let first = try await store.backup()
            await #expect(throws: BackupError.busy) { try await store.backup() }
            _ = try await first.next()
            first.close()
            let second = try await store.nextBackup()
            await #expect(throws: BackupError.self) { try await first.next() }
            #expect(try await second.archive().count % 512 == 0)
            await store.close()
        }
    }

    @Test("a backup changed at any byte or cut off anywhere is refused, and leaves nothing behind")
    func changed() async throws {
        try await BackupWorld.run { world in
            let archive = try await archiveOfTwentyBatches(world)
            let disk = SimulatedDisk()
            for place in stride(from: 0, to: archive.count, by: 211) {
                var changed = archive
                changed[place] ^= 1 << UInt8(place % 8)
                #expect(throws: BackupError.self, "byte \(place)") { try restore(changed, to: disk) }
                #expect(throws: BackupError.self, "cut at \(place)") { try restore(Array(archive[..<place]), to: disk) }
                #expect(disk.files.isEmpty)
            }
            #expect(throws: BackupError.self) { try restore(archive + [0], to: disk) }
            #expect(throws: BackupError.self) { try restore([], to: disk) }
            #expect(disk.files.isEmpty)
            _ = try restore(archive, to: disk, pieces: 777)
            #expect(throws: BackupError.notEmpty(["catalog.sqlite", "journal/", "logs/"])) { try restore(archive, to: disk) }
        }
    }

    @Test("what was restored survives a power cut, and one that is cut short has no catalog")
    func durable() async throws {
        try await BackupWorld.run { world in
            let archive = try await archiveOfTwentyBatches(world)
            let disk = SimulatedDisk()
            _ = try restore(archive, to: disk)
            let expected = disk.files
            #expect(disk.crash(keeping: .nothing).files == expected)
            for seed in UInt64(1)...30 {
                let unfinished = SimulatedDisk()
                var run = try StoreRestore(disk: unfinished)
                let part = archive.count * Int(seed) / 31
                try archive[..<part].withUnsafeBytes { try run.consume($0) }
                #expect(unfinished.crash(keeping: .some(seed: seed)).files["catalog.sqlite"] == nil)
            }
        }
    }

    @Test("an archive with files that no backup has, a file twice, or none of ours is refused")
    func foreign() throws {
        func archive(_ paths: [String]) throws -> [UInt8] {
            try paths.reduce(into: []) { bytes, path in bytes += try TarMember(path: path, size: 0, modifiedSeconds: 0).header() }
                + TarMember.end
        }
        for paths in [
            ["lock"], ["secret"], ["buckets/a"], ["journal/a", "journal/a"], ["catalog.sqlite"], ["millrace-backup.json"], [],
        ] {
            let disk = SimulatedDisk()
            #expect(throws: BackupError.self, "\(paths)") { try restore(try archive(paths), to: disk) }
            #expect(disk.files.isEmpty)
        }
    }

    @Test("a full disk refuses the restore and is left as it was")
    func fullDisk() async throws {
        try await BackupWorld.run { world in
            let archive = try await archiveOfTwentyBatches(world)
            let disk = SimulatedDisk()
            disk.quota = archive.count / 2
            #expect(throws: BackupError.self) { try restore(archive, to: disk) }
            #expect(disk.files.isEmpty)
        }
    }

    @Test("a verification names streams and shards, and a lost or foreign catalog")
    func verification() async throws {
        try await BackupWorld.run { world in
            let store = try await world.open().store
            let stream = try await fill(store)
            await store.close()
            func verify() async throws -> (found: [StoreFinding], summary: VerificationSummary) {
                let found = Mutex<[StoreFinding]>([])
                let summary = try await StoreVerification.run(disk: world.disk, directory: world.directory) { event in
                    if case .finding(let finding) = event { found.withLock { $0.append(finding) } }
                }
                return (found.withLock { $0 }, summary)
            }
            let clean = try await verify()
            #expect(clean.found.isEmpty && clean.summary.batches == 267 && clean.summary.damages == 0)
            let path = try #require(world.disk.files.keys.filter { $0.hasSuffix(".segment") }.sorted().first)
            var bytes = try #require(world.disk.files[path])
            bytes[300] ^= 1
            world.disk.set(path, to: bytes)
            let damaged = try await verify()
            #expect(damaged.summary.damages == 1 && damaged.summary.corruptBatches == 1)
            #expect(damaged.found.first?.stream == key && damaged.found.first?.shard == stream.shards.first?.id)
            try FileManager.default.removeItem(atPath: world.directory + "/catalog.sqlite")
            let lost = try await verify()
            #expect(lost.found.contains { $0.finding.kind == .catalog && $0.finding.severity == .damage })
            try Data(repeating: 7, count: 9_000).write(to: URL(fileURLWithPath: world.directory + "/catalog.sqlite"))
            #expect(try await verify().found.contains { $0.finding.kind == .catalog })
        }
    }

    @Test("a verification beside a store whose streams come and go, with records, finds nothing")
    func verificationBesideChanges() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("verify-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let disk = try RealDisk(root: directory)
        let store = try await EmbeddedStore.open(
            disk: disk, directory: directory, time: SystemTime(), options: BackupWorld.options()
        ).store
        let writer = Task {
            var number = 0
            while !Task.isCancelled {
                number += 1
                let stream = try await store.createStream(StreamDefinition(key: StreamKey("s\(number)"), shardCount: 2))
                for record in 0..<40 {
                    try await store.put("\(record) " + String(repeating: "x", count: 500), to: stream.reference(UInt32(record % 2)))
                }
                if number > 3 { try await store.deleteStream(StreamKey("s\(number - 3)")) }
            }
        }
        for _ in 0..<25 {
            let found = Mutex<[StoreFinding]>([])
            let summary = try await StoreVerification.run(disk: try ReadOnlyDisk(root: directory), directory: directory) { event in
                if case .finding(let finding) = event { found.withLock { $0.append(finding) } }
            }
            #expect(found.withLock { $0.isEmpty } && summary.damages == 0, "\(found.withLock { $0.map(\.finding) })")
        }
        writer.cancel()
        _ = await writer.result
        await store.close()
        disk.close()
    }
}
