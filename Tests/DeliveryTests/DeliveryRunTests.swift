/// Records to objects, end to end over a store in memory: each record in exactly one object.

import Delivery
import Foundation
import Host
import HostSimulation
import RecordBatch
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct DeliveryRunTests {
    @Test("an object is cut when its time is up, not before, and holds the records in order")
    func byTime() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition(prefix: "p/"))
        try await world.put(0..<10, to: manager)
        world.advance(milliseconds: 30_000)
        try await world.put(10..<20, to: manager)
        try await until("both batches are counted") { manager.statistics()[0].bufferedBytes == 50 }
        #expect(world.objects.objects.isEmpty && manager.statistics()[0].oldestMilliseconds == World.start)
        world.advance(milliseconds: 30_000)
        try await until("an object") { world.objects.objects.count == 1 }
        let (key, bytes) = try #require(world.objects.objects.first)
        #expect(key.hasPrefix("lake/p/2023/11/14/22/d-1-2023-11-14-22-13-20-"))
        #expect(String(decoding: bytes, as: UTF8.self) == (0..<20).map { "\($0)\n" }.joined())
        try await until("the statistics") {
            manager.statistics()[0].deliveredRecords == 20 && manager.statistics()[0].bufferedBytes == 0
        }
        await manager.close()
    }

    @Test("objects are cut by size at the record that reaches it, also inside a batch")
    func bySize() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition())
        // 5 batches of 100 records of 10 KB: 5 MB, so 4 objects and a rest.
        for batch in 0..<5 { try await world.put(batch * 100 + 1000..<batch * 100 + 1100, to: manager, padding: 9995) }
        try await until("four objects") { world.objects.objects.count == 4 }
        // 105 records of 10,000 bytes are the first that reach 1,048,576.
        #expect(world.objects.objects.values.allSatisfy { $0.count == 1_050_000 })
        world.advance(milliseconds: 60_000)
        try await until("the rest") { world.objects.objects.count == 5 }
        #expect(world.objects.text.split(separator: "\n").map { Int($0.drop { $0 == " " }) ?? 0 }.sorted() == Array(1000..<1500))
        await manager.close()
    }

    @Test("a stop cuts nothing early and the next start goes on with the time of the oldest record")
    func stop() async throws {
        let world = World()
        var manager = world.manager()
        try await manager.create(world.definition())
        try await world.put(0..<10, to: manager)
        try await until("counted") { manager.statistics()[0].bufferedBytes > 0 }
        await manager.close()
        #expect(world.objects.objects.isEmpty)
        // Puts are durable all the same.
        try await world.put(10..<20, to: manager)
        world.advance(milliseconds: 3_600_000)
        manager = world.manager()
        try await manager.open()
        try await until("one object of all") { world.objects.lines == Array(0..<20) }
        #expect(world.objects.objects.count == 1)
        await manager.close()
    }

    @Test("stopped dead at any step and begun anew, every record is in exactly one object")
    func stoppedDead() async throws {
        var steps = 2
        while steps < 60 {
            let world = World()
            let fuse = Fuse(after: steps)
            var manager = world.manager()
            try await manager.create(world.definition(seconds: 0))
            await manager.close()
            for batch in 0..<3 { try await world.put(batch * 50..<batch * 50 + 50, to: manager) }
            manager = world.manager(fuse)
            try await manager.open()
            try await until("the end of the run") { fuse.isBlown || world.objects.lines.count == 150 }
            let more = manager
            async let closing: Void = manager.close()
            try await world.put(150..<200, to: more)
            await closing
            let isThrough = !fuse.isBlown
            manager = world.manager()
            try await manager.open()
            try await until("all records") { world.objects.lines.count >= 200 }
            try await until("no plan is left") {
                let progress = try await world.progress()
                return progress?.planned == nil && progress?.positions == [0: 200]
            }
            await manager.close()
            #expect(world.objects.lines == Array(0..<200), "after \(steps) steps")
            #expect(world.objects.state.withLock { $0.unfinished } == 0)
            if isThrough { break }
            steps += 1
        }
        #expect(steps > 6 && steps < 60)
    }

    @Test("a destination that fails for a while gets everything once")
    func failingDestination() async throws {
        let world = World()
        let manager = world.manager()
        world.objects.state.withLock { $0.failures = 4 }
        try await manager.create(world.definition(seconds: 0))
        try await world.put(0..<10, to: manager)
        try await until("it is told") { manager.statistics()[0].trouble?.contains("not now") ?? false }
        try await world.put(10..<20, to: manager)
        try await until("all") { world.objects.lines == Array(0..<20) }
        try await until("no trouble") { manager.statistics()[0].trouble == nil }
        #expect(world.objects.state.withLock { $0.writes.values.allSatisfy { $0 == 1 } })
        await manager.close()
    }

    @Test("a delivery stream that will never get on says why and does not try for ever; what is put to it stays")
    func stoppedForGood() async throws {
        let world = World()
        let first = world.manager()
        try await first.create(world.definition(seconds: 0))
        try await world.put(0..<10, to: first)
        try await until("delivered") { world.objects.lines == Array(0..<10) }
        await first.close()
        try await world.setProgress(stored: Array("later".utf8))
        let second = world.manager()
        try await second.open()
        try await until("it is told") { second.statistics()[0].trouble?.hasPrefix("stopped: how far it has come") ?? false }
        #expect(try second.describe("d").trouble == second.statistics()[0].trouble)
        try await world.put(10..<20, to: second)
        let reads = world.store.counts.reads
        world.advance(milliseconds: 100_000)
        await second.close()
        #expect(world.store.counts.reads == reads && world.objects.lines == Array(0..<10))
        let third = world.manager()
        try await world.store.deleteStream(StreamKey("d", in: .delivery))
        try await third.open()
        try await until("it is told") { third.statistics().first?.trouble == "stopped: its records are gone" }
        await third.close()
    }

    @Test("a source stream is delivered from its creation on, all shards, children of a split after their parent")
    func source() async throws {
        let world = World()
        let stream = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 2))
        let shards = (0..<4).map { ShardReference(stream.id, ShardID($0)) }
        try await world.append(0..<5, to: shards[0])
        let manager = world.manager()
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
        try await manager.create(world.definition(source: .stream(arn: arn, roleARN: "r")))
        try await world.append(10..<20, to: shards[0])
        try await world.append(20..<30, to: shards[1])
        let children = [2, 3].map { ShardDescription(id: ShardID($0), hashKeyRange: .all, createdSecond: 0, parent: ShardID(0)) }
        try world.store.close(shards[0], children: children)
        try await world.append(30..<40, to: shards[2])
        try await world.append(40..<50, to: shards[3])
        try await until("all are counted") { manager.statistics()[0].bufferedBytes == 120 }
        world.advance(milliseconds: 60_000)
        try await until("an object") { world.objects.objects.count == 1 }
        #expect(world.objects.text == (10..<50).map { "\($0)\n" }.joined())
        await #expect(throws: DeliveryError.self) { try await world.put(0..<1, to: manager) }
        await manager.close()
    }

    @Test("a compressed source is delivered as it was put, and buffered by the size of its data", arguments: ["zstd", "lz4"])
    func compressedSource(codec: String) async throws {
        let world = World()
        let stream = try await world.store.createStream(
            StreamDefinition(key: StreamKey("s"), shardCount: 1, tags: ["millrace:compression": codec]))
        let shard = ShardReference(stream.id, ShardID(0))
        let manager = world.manager()
        try await manager.create(world.definition(source: .stream(arn: "a/s", roleARN: "r")))
        for batch in 1..<5 { try await world.append(batch * 100..<batch * 100 + 100, to: shard) }
        #expect(world.store.batches(of: shard).allSatisfy { "\($0.batch.codec)" == codec })
        try await until("all are counted") { manager.statistics()[0].bufferedBytes == 400 * 4 }
        world.advance(milliseconds: 60_000)
        try await until("an object") { world.objects.objects.count == 1 }
        #expect(world.objects.text == (100..<500).map { "\($0)\n" }.joined())
        await manager.close()
    }

    @Test("records that are gone or damaged are left out, and the rest is delivered once")
    func gaps() async throws {
        let world = World()
        let stream = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        let shard = ShardReference(stream.id, ShardID(0))
        var manager = world.manager()
        try await manager.create(world.definition(source: .stream(arn: "a/s", roleARN: "r")))
        await manager.close()
        for batch in 0..<6 { try await world.append(batch * 10..<batch * 10 + 10, to: shard) }
        try await world.store.trim(shard, before: 10)
        world.store.damage(shard, from: 30, through: 39)
        world.advance(milliseconds: 60_000)
        manager = world.manager()
        try await manager.open()
        try await until("the rest") { world.objects.lines == Array(10..<30) + Array(40..<60) }
        #expect(manager.statistics()[0].lostRecords == 20)
        await manager.close()
    }

    @Test(
        "a planned object whose records were removed meanwhile is kept as it is when it was written, else written of what is left")
    func gapInPlan() async throws {
        for wasWritten in [false, true] {
            let world = World()
            let stream = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let shard = ShardReference(stream.id, ShardID(0))
            var manager = world.manager()
            try await manager.create(world.definition(source: .stream(arn: "a/s", roleARN: "r"), seconds: 0))
            await manager.close()
            for batch in 0..<3 { try await world.append(batch * 10..<batch * 10 + 10, to: shard) }
            let plan = PlannedObject(key: "planned", spans: [0: OffsetSpan(from: 0, to: 25)])
            try await world.setProgress(stored: DeliveryProgress(stream: stream.id, positions: [0: 0], planned: plan).stored())
            let whole = (0..<25).map { "\($0)\n" }.joined()
            if wasWritten { world.objects.state.withLock { $0.objects["lake/planned"] = Array(whole.utf8) } }
            try await world.store.trim(shard, before: 10)
            manager = world.manager()
            try await manager.open()
            try await until("both objects") { world.objects.objects.count == 2 }
            #expect(world.objects.lines == Array(wasWritten ? 0..<30 : 10..<30))
            await manager.close()
        }
    }

    @Test("a source stream that was deleted and made anew is delivered from its beginning")
    func anew() async throws {
        let world = World()
        _ = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        let manager = world.manager()
        try await manager.create(world.definition(source: .stream(arn: "a/s", roleARN: "r"), seconds: 0))
        try await world.store.deleteStream(StreamKey("s"))
        try await until("it is told") { manager.statistics()[0].trouble != nil }
        let stream = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        try await world.append(0..<7, to: ShardReference(stream.id, ShardID(0)))
        try await until("delivered") { world.objects.lines == Array(0..<7) }
        await manager.close()
    }

    @Test("delivered records of the hidden stream are let go after an hour")
    func trimmed() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition(seconds: 0))
        let stream = try await world.store.stream(manager.streamKey("d"))
        let shard = ShardReference(stream.id, ShardID(0))
        try await world.put(0..<10, to: manager)
        try await until("delivered") { world.objects.lines.count == 10 }
        #expect(try await world.store.bounds(shard).startOffset == 0)
        world.advance(milliseconds: 3_600_001)
        try await world.put(10..<20, to: manager)
        try await until("let go") { try await world.store.bounds(shard).startOffset == 10 }
        await manager.close()
    }

    @Test("objects are what the usual tools read", arguments: [(ObjectCompression.gzip, "gzip"), (.zstd, "zstd"), (.lz4, "lz4")])
    func formats(compression: ObjectCompression, tool: String) async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition(seconds: 0, compression: compression))
        try await world.put(0..<1000, to: manager)
        try await until("an object") { world.objects.objects.count == 1 }
        await manager.close()
        let (key, bytes) = try #require(world.objects.objects.first)
        #expect(key.hasSuffix(compression.fileExtension) && !compression.fileExtension.isEmpty)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("millrace-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [tool, "-dc"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let plain = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(String(decoding: plain, as: UTF8.self) == (0..<1000).map { "\($0)\n" }.joined())
    }

    @Test("over a real folder each record is in one object, in files of their own names")
    func directory() async throws {
        let world = World()
        let disk = SimulatedDisk()
        let threads = IOThreads(name: "test", count: 1)
        defer { threads.close() }
        let manager = world.manager(objects: DirectoryObjectStore(disk: disk, threads: threads))
        try await manager.create(world.definition(seconds: 0, prefix: "raw/"))
        for batch in 0..<3 {
            try await world.put(batch * 10..<batch * 10 + 10, to: manager)
            try await until("an object") { disk.files.count == batch + 1 }
        }
        await manager.close()
        let after = disk.crash(keeping: .nothing).files
        #expect(after.keys.allSatisfy { $0.hasPrefix("buckets/lake/raw/2023/11/14/22/d-1-") })
        let text = after.values.map { String(decoding: $0, as: UTF8.self) }.joined()
        #expect(text.split(separator: "\n").compactMap { Int($0) }.sorted() == Array(0..<30))
    }
}
