/// The life of delivery streams: created, put to, deleted, found again.

import Delivery
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
        let fuse = Fuse(after: 4)
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

    @Test("a hidden stream left by a crash is replaced, one without a definition is not touched by a start")
    func leftOver() async throws {
        let world = World()
        let left = try await world.store.createStream(StreamDefinition(key: StreamKey("d", in: .delivery), shardCount: 1))
        let manager = world.manager()
        try await manager.open()
        #expect(try await world.store.stream(StreamKey("d", in: .delivery)).id == left.id)
        try await manager.create(world.definition())
        #expect(try await world.store.stream(StreamKey("d", in: .delivery)).id != left.id)
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
