/// Directories that earlier builds left: every format that ever landed is opened, and what was in it is there.

import Delivery
import EmbeddedStore
import Foundation
import Host
import Logging
import RecordBatch
import StreamEngine
import StreamLog
import StreamStore
import Testing

@Suite(.serialized) struct GoldenDirectoryTests {
    private typealias Store = EmbeddedStore<RealDisk>

    /// Waits for what the node does in tasks of its own.
    private func until(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func expectRecords(_ store: Store, _ golden: GoldenDirectory) async throws {
        for (name, shards) in golden.expected.streams {
            let stream = try await store.stream(StreamKey(name))
            #expect(Set(stream.shards.map(\.id.description)) == Set(shards.keys), "\(name)")
            for shard in stream.shards {
                let found = try GoldenDirectory.Expected.Digest(await store.lines(of: shard, in: stream))
                #expect(found == shards[shard.id.description], "\(name) \(shard.id)")
            }
        }
        #expect(try await Set(store.streams(in: .stream).map(\.key.name)) == Set(golden.expected.streams.keys))
    }

    @Test("there is one")
    func kept() { #expect(!GoldenDirectory.names.isEmpty) }

    @Test("its records are there, and its backup can be restored", arguments: GoldenDirectory.names)
    func records(name: String) async throws {
        let golden = try GoldenDirectory(name)
        defer { golden.remove() }
        try await expectRecords(in: golden.data, golden)
        let restored = golden.place + "/restored"
        try restore(golden.place + "/backup.tar", to: restored)
        try await expectRecords(in: restored, golden)
    }

    private func expectRecords(in directory: String, _ golden: GoldenDirectory) async throws {
        let time = GoldenTime(wall: golden.expected.madeMilliseconds)
        // Twice: what the first opening has migrated, the second one finds.
        for _ in 0..<2 {
            let disk = try RealDisk(root: directory)
            let (store, recovery) = try await Store.open(
                disk: disk, directory: directory, time: time, options: EmbeddedStoreOptions(retentionSweepSeconds: nil))
            #expect(recovery.log.damages.isEmpty && recovery.log.quarantined.isEmpty && recovery.problems.isEmpty)
            try await expectRecords(store, golden)
            await store.close()
            disk.close()
        }
    }

    private func restore(_ archive: String, to directory: String) throws {
        let disk = try RealDisk(root: directory)
        defer { disk.close() }
        var restore = try StoreRestore(disk: disk)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
        try bytes.withUnsafeBytes { try restore.consume($0) }
        _ = try restore.finish()
    }

    @Test(
        "its applications go on in the middle of their windows, its delivery streams where they were",
        arguments: GoldenDirectory.names)
    func work(name: String) async throws {
        let golden = try GoldenDirectory(name)
        defer { golden.remove() }
        let time = GoldenTime(wall: golden.expected.madeMilliseconds)
        let disk = try RealDisk(root: golden.data)
        let store = try await Store.open(
            disk: disk, directory: golden.data, time: time, options: EmbeddedStoreOptions(retentionSweepSeconds: nil)
        ).store
        let threads = IOThreads(name: "archive", count: 1)
        let logger = Logger(label: "golden")
        let deliveries = DeliveryManager(
            store: store, objects: DirectoryObjectStore(disk: disk, threads: threads), time: time, random: SystemRandom(),
            logger: logger)
        let applications = ApplicationManager(
            store: store, time: time, random: SystemRandom(), resolve: { $0.key }, logger: logger)
        let quick = golden.objects(of: "quick")
        try await deliveries.open()
        try await applications.open()
        try await expectRunning(applications, golden)

        if golden.expected.applicationsStop == nil { try await expectWindows(store, golden, time) }
        // The day ends, and so does the time that delivery streams wait.
        time.leap(hours: 25)
        if golden.expected.applicationsStop == nil { try await expectRows(store, golden) }
        for (delivery, digest) in golden.expected.undelivered {
            try await until("the objects of \(delivery)") {
                try GoldenDirectory.Expected.Digest([golden.objects(of: delivery)]).sha256 == digest.sha256
            }
        }
        #expect(golden.objects(of: "quick") == quick)
        await applications.close()
        await deliveries.close()
        await store.close()
        threads.close()
        disk.close()
    }

    private func expectWindows(_ store: Store, _ golden: GoldenDirectory, _ time: GoldenTime) async throws {
        // A score for each new reading: the forest goes on.
        let scored = try await store.values(of: "scored").count
        let source = try await store.stream(StreamKey("source"))
        var builder = RecordBatchBuilder(baseTimestamp: time.wallMilliseconds())
        for number in 0..<10 {
            try builder.append(
                key: Array("k".utf8), value: Array(#"{"k":"z","v":\#(number)}"#.utf8), timestamp: time.wallMilliseconds())
        }
        _ = try await store.append([ShardAppend(ShardReference(source.id, ShardID(0)), try builder.finish())], fence: nil)
        try await until("a score for each new reading") { try await store.values(of: "scored").count >= scored + 10 }
        #expect(try await store.values(of: "scored").count == scored + 10)
    }

    private func expectRows(_ store: Store, _ golden: GoldenDirectory) async throws {
        try await until("the rows of the day") { try await store.values(of: "counted").count >= golden.expected.windows.count + 1 }
        let rows = try await store.values(of: "counted").map {
            try JSONDecoder().decode(GoldenDirectory.Expected.Window.self, from: Data($0))
        }
        #expect(Set(rows) == Set(golden.expected.windows + [.init(k: "z", n: 10, total: 45)]))
    }

    private func expectRunning(_ applications: ApplicationManager, _ golden: GoldenDirectory) async throws {
        for (name, status) in golden.expected.applications {
            if status == "RUNNING", let reason = golden.expected.applicationsStop {
                // By name, with what is to be done; the state stays as it is.
                try await until("\(name) has stopped") { await applications.trouble(name)?.contains(reason) ?? false }
                continue
            }
            try await until("\(name) is \(status)") { try await applications.definition(name).1.rawValue == status }
        }
    }
}
