/// Records: appended all or nothing, read back, counted, trimmed and aged out.

import EmbeddedStore
import Host
import RecordBatch
import StreamLog
import StreamStore
import Testing

@Suite struct EmbeddedStoreRecordTests {
    private let key = StreamKey("trades")

    @Test("an append to several shards of several streams is read back from each, with one arrival time")
    func append() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let a = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            let b = try await store.createStream(StreamDefinition(key: StreamKey("state", in: .application), shardCount: 1))
            let appended = try await store.append(
                [
                    ShardAppend(a.reference(1), try batch("x", "y")), ShardAppend(b.reference(0), try batch("s")),
                    ShardAppend(a.reference(1), try batch("z")),
                ], fence: nil)
            #expect(appended.map(\.baseOffset) == [0, 0, 2])
            #expect(Set(appended.map(\.arrivalMilliseconds)).count == 1)
            #expect(try await store.values(a.reference(1)) == ["x", "y", "z"])
            #expect(try await store.values(b.reference(0)) == ["s"])
            #expect(try await store.values(a.reference(0)) == [])
            let read = try await store.read(a.reference(1), from: 1, maxBytes: 1)
            #expect(read.batches.map(\.baseOffset) == [0])
            #expect(read.batches.first?.batch.baseOffset == 0)
            #expect(read.bounds == ShardBounds(startOffset: 0, highWatermark: 3))
            #expect(try await store.read(a.reference(1), from: 3, maxBytes: 100).batches.isEmpty)
            #expect(try await store.append([], fence: nil).isEmpty)
            await store.close()
        }
    }

    @Test(
        "batches are found by offsets, each once; those that are trimmed or not there yet are left out", arguments: [false, true])
    func batchesByOffset(fromSegments: Bool) async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            for number in 0..<50 {
                _ = try await store.append(
                    [ShardAppend(stream.reference(), try batch("a\(number)", "b\(number)", "c\(number)"))], fence: nil)
            }
            var (held, shard) = (store, stream.reference())
            if fromSegments {
                await store.close()
                held = try await world.open()
                shard = ShardReference(try await held.stream(key).id, ShardID(0))
            }
            let found = try await held.batches(shard, holding: [0, 1, 2, 7, 99, 100, 149, 150, 1_000])
            #expect(found.map(\.baseOffset) == [0, 6, 99, 147])
            #expect(try found.map { try $0.batch.records().count } == [3, 3, 3, 3])
            try await held.trim(shard, before: 60)
            #expect(try await held.batches(shard, holding: [3, 59, 61]).map(\.baseOffset) == [60])
            await #expect(throws: StoreError.self) {
                _ = try await held.batches(ShardReference(StreamID(.max), ShardID(0)), holding: [1])
            }
            await held.close()
        }
    }

    @Test("an append that names a missing, a closed or a busy shard leaves nothing anywhere")
    func allOrNothing() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            let other = try await store.createStream(StreamDefinition(key: StreamKey("other"), shardCount: 1))
            try await store.deleteStream(other.key)
            for missing in [other.reference(), stream.reference(1), ShardReference(StreamID(.max), ShardID(.max))] {
                await #expect(throws: StoreError.shardNotFound(missing)) {
                    _ = try await store.append(
                        [ShardAppend(stream.reference(), try batch("half")), ShardAppend(missing, try batch("other half"))],
                        fence: nil)
                }
            }
            #expect(try await store.bounds(stream.reference()).highWatermark == 0)
            await store.close()
        }
    }

    @Test("offsets out of range are refused with the bounds; unknown shards are not found, on every call")
    func refusals() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("one", to: stream.reference())
            let bounds = ShardBounds(startOffset: 0, highWatermark: 1)
            for offset in [-1, 2, .max, .min] as [Int64] {
                await #expect(throws: StoreError.offsetOutOfRange(stream.reference(), offset: offset, bounds)) {
                    _ = try await store.read(stream.reference(), from: offset, maxBytes: 100)
                }
            }
            let missing = ShardReference(stream.id, ShardID(9))
            let expected = StoreError.shardNotFound(missing)
            await #expect(throws: expected) { _ = try await store.read(missing, from: 0, maxBytes: 1) }
            await #expect(throws: expected) { _ = try await store.bounds(missing) }
            await #expect(throws: expected) { _ = try await store.firstOffset(missing, arrivedAtOrAfter: 0) }
            await #expect(throws: expected) { try await store.trim(missing, before: 1) }
            await store.close()
        }
    }

    @Test("waiting returns for a record that arrives, for a shard that is missing, and for one that is deleted meanwhile")
    func awaiting() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 2))
            let positions = [stream.reference(0): Int64(0), stream.reference(1): 0]
            let long = Duration.seconds(600)
            async let woken = store.awaitRecords(positions, timeout: long)
            try await store.put("one", to: stream.reference(1))
            #expect(await woken)
            #expect(await store.awaitRecords(positions, timeout: long))
            #expect(await store.awaitRecords([stream.reference(1): 1], timeout: .milliseconds(1)) == false)
            #expect(await store.awaitRecords([stream.reference(7): 0], timeout: long))
            async let ended = store.awaitRecords([stream.reference(0): 0], timeout: long)
            try await store.deleteStream(key)
            _ = await ended
            await store.close()
        }
    }

    @Test("records are found by arrival time, and arrival never lies at or before a settled time told earlier")
    func times() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            let first = try #require(try await store.put("one", to: stream.reference()))
            world.clock.advance(seconds: 10)
            let settled = await store.settledTime()
            world.clock.jumpWall(seconds: -3600)
            let second = try #require(try await store.put("two", to: stream.reference()))
            #expect(second.arrivalMilliseconds > settled)
            #expect(await store.settledTime() >= settled)
            #expect(try await store.firstOffset(stream.reference(), arrivedAtOrAfter: 0) == 0)
            #expect(
                try await store.firstOffset(stream.reference(), arrivedAtOrAfter: first.arrivalMilliseconds + 1) == 1)
            #expect(
                try await store.firstOffset(stream.reference(), arrivedAtOrAfter: second.arrivalMilliseconds + 1) == 2)
            await store.close()
        }
    }

    @Test("traffic counts what went in and out of each stream")
    func traffic() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            let three = try batch("a", "b", "c")
            _ = try await store.append([ShardAppend(stream.reference(), three)], fence: nil)
            _ = try await store.read(stream.reference(), from: 0, maxBytes: 1 << 20)
            _ = try await store.read(stream.reference(), from: 0, maxBytes: 1 << 20)
            let traffic = try #require(store.traffic.first)
            #expect(traffic.key == key)
            #expect(traffic.recordsIn == 3)
            #expect(traffic.bytesIn == UInt64(three.bytes.count))
            #expect(traffic.recordsOut == 6)
            #expect(traffic.bytesOut == 2 * UInt64(three.bytes.count))
            await store.close()
        }
    }

    @Test(
        "a stream's batches are stored compressed as its tags say; all else about them is as it was",
        arguments: [("zstd", CompressionCodec.zstd), ("lz4", .lz4), ("none", .none), ("snappy", .none)])
    func compression(value: String, codec: CompressionCodec) async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(
                StreamDefinition(key: key, shardCount: 2, tags: ["millrace:compression": value]))
            let plain = try await store.createStream(StreamDefinition(key: StreamKey("plain"), shardCount: 1))
            let long = String(repeating: "all the same ", count: 100)
            let own = try batch(long, "own").compressed(with: .gzip)
            _ = try await store.append(
                [
                    ShardAppend(stream.reference(1), try batch("a", long)), ShardAppend(plain.reference(), try batch("p", long)),
                    ShardAppend(stream.reference(1), own), ShardAppend(stream.reference(1), try batch("b", long, "c")),
                    ShardAppend(stream.reference(0), try batch("tiny")),
                ], fence: nil)
            let read = try await store.read(stream.reference(1), from: 0, maxBytes: 1 << 20)
            #expect(read.batches.map(\.batch.codec) == [codec, .gzip, codec])
            #expect(read.batches.map(\.baseOffset) == [0, 2, 4])
            // What a producer's own codec made is not touched, and what would grow is not compressed.
            #expect(read.batches[1].batch == own.settingBaseOffset(2))
            #expect(try await store.read(stream.reference(0), from: 0, maxBytes: 1).batches.map(\.batch.codec) == [.none])
            #expect(try await store.read(plain.reference(), from: 0, maxBytes: 1).batches.map(\.batch.codec) == [.none])
            #expect(try await store.values(stream.reference(1)) == ["a", long, long, "own", "b", long, "c"])
            #expect(try await store.values(plain.reference()) == ["p", long])
            for stored in read.batches { #expect(stored.batch.checkCRC() && stored.batch.baseOffset == stored.baseOffset) }
            // Traffic in counts what came.
            let sent = try [batch("a", long), own, batch("b", long, "c"), batch("tiny")].reduce(0) { $0 + $1.bytes.count }
            #expect(store.traffic.first { $0.key == key }?.bytesIn == UInt64(sent))
            await store.close()

            let again = try await world.open()
            #expect(try await again.values(stream.reference(1)) == ["a", long, long, "own", "b", long, "c"])
            await again.close()
        }
    }

    @Test("a changed tag holds from the next append on, and after the store is opened again")
    func changedCompression() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1, tags: ["team": "a"]))
            let long = String(repeating: "all the same ", count: 100)
            /// The codec of a batch that is appended now.
            func codec(_ store: EmbeddedStore<MemoryDisk>) async throws -> CompressionCodec? {
                let appended = try #require(try await store.put(long, to: stream.reference()))
                return try await store.read(stream.reference(), from: appended.baseOffset, maxBytes: 1).batches.last?.batch.codec
            }
            func set(_ value: String?) async throws {
                #expect(
                    try await store.changeTags(key) { tags in
                        tags["millrace:compression"] = value
                        return true
                    })
            }
            #expect(try await codec(store) == CompressionCodec.none)
            for (value, expected) in [("zstd", CompressionCodec.zstd), ("lz4", .lz4), (nil, .none)] as [(String?, CompressionCodec)]
            {
                try await set(value)
                #expect(try await codec(store) == expected)
            }
            #expect(
                try await !store.changeTags(key) { tags in
                    tags = ["millrace:compression": "zstd"]
                    return false
                })
            #expect(try await codec(store) == CompressionCodec.none)
            try await set("lz4")
            await store.close()
            store = try await world.open()
            #expect(try await store.stream(key).tags == ["team": "a", "millrace:compression": "lz4"])
            #expect(try await codec(store) == .lz4)
            #expect(try await store.values(stream.reference()) == Array(repeating: long, count: 6))
            await store.close()
        }
    }

    @Test("retention by bytes drops the oldest segments of each shard before their hours are over, and only where it is asked for")
    func retentionBytes() async throws {
        try await StoreWorld.run { world in
            var world = world
            world.options.log.segmentBytes = 32 << 10
            world.options.log.flushThresholdBytes = 16 << 10
            let store = try await world.open()
            let bounded = try await store.createStream(
                StreamDefinition(key: key, shardCount: 2, tags: ["millrace:retention-bytes": "200000"]))
            let other = try await store.createStream(StreamDefinition(key: StreamKey("other"), shardCount: 1))
            let filler = String(repeating: "x", count: 5_000)
            for _ in 0..<60 {
                try await store.put(filler, to: bounded.reference(0))
                try await store.put(filler, to: other.reference())
            }
            try await store.put(filler, to: bounded.reference(1))
            world.clock.advance(seconds: 3600)
            await store.maintain()
            let first = try await store.bounds(bounded.reference(0))
            // Half of the bytes belong to each shard: some 20 records stay, and what shares a segment with them.
            #expect(first.highWatermark == 60)
            #expect((20...39).contains(first.startOffset), "\(first)")
            #expect(try await store.values(bounded.reference(0)).count == Int(60 - first.startOffset))
            #expect(try await store.bounds(bounded.reference(1)) == ShardBounds(startOffset: 0, highWatermark: 1))
            #expect(try await store.bounds(other.reference()) == ShardBounds(startOffset: 0, highWatermark: 60))
            _ = try await store.changeTags(other.key) { tags in
                tags["millrace:retention-bytes"] = "1"
                return true
            }
            await store.maintain()
            #expect(try await store.bounds(other.reference()).startOffset > 39)
            #expect(try await store.bounds(bounded.reference(0)) == first)
            // The hours still hold where there is a bound of bytes.
            world.clock.advance(seconds: 25 * 3600)
            await store.maintain()
            #expect(try await store.bounds(bounded.reference(1)).startOffset == 1)
            #expect(store.housekeepingProblem == nil)
            await store.close()
        }
    }

    @Test("retention drops what is older than the stream's hours, of users' streams only, and no clock jump hurries it")
    func retention() async throws {
        try await StoreWorld.run { world in
            var world = world
            world.options.log.segmentBytes = 32 << 10
            world.options.log.flushThresholdBytes = 16 << 10
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1, retentionHours: 24))
            let hidden = try await store.createStream(
                StreamDefinition(key: StreamKey("state", in: .application), shardCount: 1, retentionHours: 24))
            let filler = String(repeating: "x", count: 5_000)
            for _ in 0..<40 {
                try await store.put(filler, to: stream.reference())
                try await store.put(filler, to: hidden.reference())
            }
            world.clock.jumpWall(seconds: 30 * 3600)
            await store.maintain()
            #expect(try await store.bounds(stream.reference()).startOffset == 0)
            world.clock.jumpWall(seconds: -30 * 3600)

            world.clock.advance(seconds: 23 * 3600)
            await store.maintain()
            #expect(try await store.bounds(stream.reference()).startOffset == 0)
            for _ in 0..<40 { try await store.put(filler, to: stream.reference()) }
            world.clock.advance(seconds: 2 * 3600)
            await store.maintain()
            let bounds = try await store.bounds(stream.reference())
            #expect(bounds.highWatermark == 80)
            #expect((1...40).contains(bounds.startOffset))
            #expect(try await store.bounds(hidden.reference()).startOffset == 0)
            #expect(store.housekeepingProblem == nil)
            await store.close()
        }
    }

    @Test("a changed retention holds from the next look on, and after the store is opened again")
    func changedRetention() async throws {
        try await StoreWorld.run { world in
            var world = world
            world.options.log.segmentBytes = 32 << 10
            world.options.log.flushThresholdBytes = 16 << 10
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1, retentionHours: 24))
            let filler = String(repeating: "x", count: 5_000)
            for _ in 0..<40 { try await store.put(filler, to: stream.reference()) }
            #expect(try await store.changeRetention(key) { $0 * 2 } == 48)
            #expect(try await store.changeRetention(key) { _ in nil } == 48)
            await store.close()
            store = try await world.open()
            #expect(try await store.stream(key).retentionHours == 48)
            world.clock.advance(seconds: 30 * 3600)
            for _ in 0..<20 { try await store.put(filler, to: stream.reference()) }
            await store.maintain()
            #expect(try await store.bounds(stream.reference()).startOffset == 0)
            #expect(try await store.changeRetention(key) { _ in 24 } == 24)
            world.clock.advance(seconds: 3600)
            await store.maintain()
            #expect((1...40).contains(try await store.bounds(stream.reference()).startOffset))
            await store.close()
        }
    }

    @Test("after a failed sync appends are refused with a reason, reads go on, and nothing unacknowledged is shown")
    func readOnly() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1))
            try await store.put("kept", to: stream.reference())
            #expect(store.writability == .writable)
            world.disk.failSyncs()
            for _ in 0..<2 {
                do {
                    try await store.put("lost", to: stream.reference())
                    Issue.record("acknowledged without a sync")
                } catch StoreError.readOnly(let reason) {
                    #expect(!reason.isEmpty)
                }
            }
            guard case .readOnly = store.writability else {
                Issue.record("still called writable")
                return
            }
            #expect(try await store.values(stream.reference()) == ["kept"])
            await #expect(throws: StoreError.self) {
                _ = try await store.createStream(StreamDefinition(key: StreamKey("more"), shardCount: 1))
            }
            await store.close()
        }
    }
}
