/// The life of delivery streams: created, put to, deleted, found again.

import Delivery
import Host
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct DeliveryManagerTests {
    @Test("a delivery stream is found again by the next start, and its definition is whole")
    func found() async throws {
        let world = World()
        var manager = world.manager()
        var definition = world.definition(compression: .zstd, prefix: "p/")
        definition.attributes = ["Tags": "[]"]
        definition.destination.timeZone = "Asia/Tokyo"
        try await manager.create(definition)
        await manager.close()
        manager = world.manager()
        try await manager.open()
        let again = try manager.describe("d")
        #expect(again.definition.stored() == definition.stored() && !again.isDeleting)
        #expect(again.definition.destination == definition.destination && manager.list().map(\.name) == ["d"])
        await manager.close()
    }

    @Test("records are numbered in the order of the request, and numbers rise")
    func numbers() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition())
        let placed = try await manager.put("d", expectedBytes: 0) { (builder, timestamp) throws(RecordBatchError) in
            for _ in 0..<3 { try builder.append(key: nil, value: [1], timestamp: timestamp) }
        }
        #expect(placed.number(0) < placed.number(1) && placed.number(2).offset == 2)
        await manager.close()
    }

    @Test("of many creations and deletions of one name at once each is done or refused, and the last state is a whole one")
    func races() async throws {
        let world = World()
        let manager = world.manager()
        let definition = world.definition(seconds: 0)
        let counts = await withTaskGroup(of: Int.self) { group in
            for number in 0..<60 {
                group.addTask {
                    do throws(DeliveryError) {
                        if number % 2 == 0 {
                            try await manager.create(definition)
                            return 1
                        }
                        try await manager.delete("d")
                        return -1
                    } catch {
                        switch error {
                        case .notFound, .exists, .busy: return 0
                        default:
                            Issue.record(error)
                            return 0
                        }
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(counts == 0 || counts == 1)
        #expect(manager.list().count == counts)
        #expect(try await world.store.definitions(.deliveryStream).count == counts)
        #expect(try await world.store.streams(in: .delivery).count == counts)
        if counts == 0 { try await manager.create(definition) }
        try await world.put(0..<5, to: manager)
        try await until("it delivers") { world.objects.lines == Array(0..<5) }
        await manager.close()
    }

    @Test("after a deletion puts are refused and nothing of it is left but objects")
    func deletion() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition())
        try await world.put(0..<5, to: manager)
        try await manager.delete("d")
        await #expect(throws: DeliveryError.self) { try await world.put(0..<5, to: manager) }
        await #expect(throws: DeliveryError.self) { try await manager.delete("d") }
        #expect(throws: DeliveryError.self) { try manager.describe("d") }
        #expect(try await world.progress() == nil)
        #expect(try await world.store.streams(in: .delivery).isEmpty)
        await manager.close()
    }

    @Test("a deletion that the store refuses leaves the delivery stream at work")
    func failedDeletion() async throws {
        let world = World()
        let fuse = Fuse(after: 8)
        let manager = world.manager(fuse)
        try await manager.create(world.definition(seconds: 3600))
        // The first round saves where it begins: then the fuse has blown.
        try await until("the store refuses") { fuse.isBlown }
        await #expect(throws: DeliveryError.self) { try await manager.delete("d") }
        #expect(try manager.describe("d").isDeleting == false)
        try await world.put(0..<5, to: manager)
        await manager.close()
    }

    @Test("records put before a deletion do not return under the name")
    func namesAreReused() async throws {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition())
        try await world.put(0..<5, to: manager)
        try await manager.delete("d")
        try await manager.create(world.definition(seconds: 0))
        try await world.put(5..<8, to: manager)
        try await until("delivered") { world.objects.lines == [5, 6, 7] }
        await manager.close()
    }

    @Test("a hidden stream without records, left by a crash, is taken; it is not touched by a start")
    func leftOver() async throws {
        let world = World()
        let left = try await world.store.createStream(StreamDefinition(key: StreamKey("d", in: .delivery), shardCount: 1))
        let manager = world.manager()
        try await manager.open()
        #expect(try await world.store.stream(StreamKey("d", in: .delivery)).id == left.id)
        try await manager.create(world.definition())
        #expect(try await world.store.stream(StreamKey("d", in: .delivery)).id == left.id)
        await manager.close()
    }

    /// A delivery stream with undelivered records, whose definition is then as given.
    private func worldWithRecords(definition: [UInt8]?) async throws -> World {
        let world = World()
        let manager = world.manager()
        try await manager.create(world.definition(seconds: 900))
        try await world.put(0..<5, to: manager)
        await manager.close()
        try await world.store.setDefinitions([(DefinitionKey(.deliveryStream, "d"), definition)])
        return world
    }

    @Test(
        "where a definition is gone or cannot be read nothing is created over the records; only a deletion removes them",
        arguments: [nil, Array("{\"name\":".utf8), []] as [[UInt8]?])
    func acknowledgedRecordsStay(definition: [UInt8]?) async throws {
        let world = try await worldWithRecords(definition: definition)
        let id = try await world.store.stream(StreamKey("d", in: .delivery)).id
        let manager = world.manager()
        try await manager.open()
        await #expect {
            try await manager.create(world.definition())
        } throws: { error in
            if case DeliveryError.taken("d") = error { true } else { false }
        }
        await #expect(throws: DeliveryError.self) { try await world.put(5..<6, to: manager) }
        #expect(throws: DeliveryError.self) { try manager.describe("d") }
        #expect(try await world.store.stream(StreamKey("d", in: .delivery)).id == id)
        #expect(try await world.store.bounds(ShardReference(id, ShardID(0))) == ShardBounds(startOffset: 0, highWatermark: 5))
        #expect(try await world.store.definition(DefinitionKey(.deliveryStream, "d")) == definition)
        try await manager.delete("d")
        try await manager.create(world.definition(seconds: 0))
        try await world.put(7..<8, to: manager)
        try await until("delivered") { world.objects.lines == [7] }
        await manager.close()
    }

    @Test("a definition of another version makes the start fail by name, and stays as it is")
    func unknownFormat() async throws {
        let newer = Array(#"{"formatVersion":3,"name":"d","something":{"else":1}}"#.utf8)
        let world = try await worldWithRecords(definition: newer)
        let manager = world.manager()
        await #expect {
            try await manager.open()
        } throws: { error in
            guard case DeliveryError.unknownFormat(let format) = error else { return false }
            return format == UnknownFormat("the definition of delivery stream d", found: "3", known: "2")
        }
        #expect(try await world.store.definition(DefinitionKey(.deliveryStream, "d")) == newer)
        await manager.close()
    }

    @Test("a definition from before there were versions is read")
    func firstFormat() async throws {
        let stored = world0().stored()
        let bare = Array(String(decoding: stored, as: UTF8.self).replacing(#""formatVersion":1,"#, with: "").utf8)
        #expect(bare.count < stored.count)
        #expect(try DeliveryStreamDefinition(stored: bare).name == "d")
        #expect(try DeliveryProgress(stored: Array(#"{"positions":[0,7],"stream":{"rawValue":3}}"#.utf8)).positions == [0: 7])
    }

    @Test("progress that an earlier build kept in the catalog is taken over once, and its rows stay")
    func takenOver() async throws {
        let world = World()
        let stream = try await world.store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        let shard = ShardReference(stream.id, ShardID(0))
        try await world.append(0..<10, to: shard)
        let old = Array(#"{"positions":[0,4],"stream":{"rawValue":\#(stream.id.rawValue)}}"#.utf8)
        let definition = world.definition(source: .stream(arn: "a/s", roleARN: "r"), seconds: 0)
        try await world.store.setDefinitions([
            (DefinitionKey(.deliveryStream, "d"), definition.stored()), (DefinitionKey(.deliveryProgress, "d"), old),
        ])
        for round in 1...2 {
            let manager = world.manager()
            try await manager.open()
            try await until("delivered") { world.objects.lines.last == round * 10 - 1 }
            await manager.close()
            #expect(try await world.store.definition(DefinitionKey(.deliveryProgress, "d")) == old)
            try await world.append(round * 10..<round * 10 + 10, to: shard)
        }
        #expect(world.objects.lines == Array(4..<20))
    }

    @Test("progress of another version makes the start fail by name")
    func unknownProgress() async throws {
        let world = World()
        try await world.store.setDefinitions([
            (DefinitionKey(.deliveryStream, "d"), world.definition().stored()),
            (DefinitionKey(.deliveryProgress, "d"), Array(#"{"formatVersion":7}"#.utf8)),
        ])
        let manager = world.manager()
        await #expect {
            try await manager.open()
        } throws: { error in
            guard case DeliveryError.unknownFormat(let format) = error else { return false }
            return format == UnknownFormat("the progress of delivery stream d", found: "7", known: "1")
        }
        await manager.close()
    }

    private func world0() -> DeliveryStreamDefinition { World().definition() }

    @Test("a deletion that a stop cut off is ended by the next start", arguments: 1...6)
    func deletionCutOff(steps: Int) async throws {
        let world = World()
        var manager = world.manager()
        try await manager.create(world.definition(seconds: 900))
        try await world.put(0..<5, to: manager)
        await manager.close()
        let fuse = Fuse(after: steps)
        manager = world.manager(fuse)
        try await manager.open()
        let isDeleted = (try? await manager.delete("d")) != nil
        await manager.close()
        manager = world.manager()
        try await manager.open()
        // Either it goes on with all of its records, or nothing of it is left.
        if let found = try? manager.describe("d") {
            #expect(!isDeleted && !found.isDeleting)
            let id = try await world.store.stream(StreamKey("d", in: .delivery)).id
            #expect(try await world.store.bounds(ShardReference(id, ShardID(0))).highWatermark == 5)
        } else {
            #expect(try await world.store.streams(in: .delivery).isEmpty)
            #expect(try await world.store.definition(DefinitionKey(.deliveryStream, "d")) == nil)
        }
        await manager.close()
    }

    @Test("a source stream that is not there and a bucket that is no folder are refused")
    func refusals() async throws {
        let world = World()
        let manager = world.manager()
        await #expect(throws: DeliveryError.self) {
            try await manager.create(world.definition(source: .stream(arn: "arn/none", roleARN: "r")))
        }
        for bucket in ["arn:aws:s3:::..", "arn:aws:s3:::.", "", "arn:aws:s3:::a/b"] {
            var definition = world.definition()
            definition.destination.bucketARN = bucket
            await #expect(throws: DeliveryError.self) { try await manager.create(definition) }
        }
        var definition = world.definition(prefix: "!{timestamp:yyyy}/")
        await #expect(throws: DeliveryError.self) { try await manager.create(definition) }
        for prefix in ["!{timestamp:yyyy}/", "!{firehose:other}"] {
            definition.destination.errorOutputPrefix = prefix
            await #expect(throws: DeliveryError.self) { try await manager.create(definition) }
        }
        definition.destination.errorOutputPrefix = "bad/!{firehose:error-output-type}/"
        try await manager.create(definition)
        #expect(manager.list().count == 1)
        await manager.close()
    }
}
