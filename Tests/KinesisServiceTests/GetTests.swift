/// GetShardIterator and GetRecords.

import AWSWire
import KinesisService
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct GetTests {
    private let kinesis = Harness()

    private func request(_ type: String, _ more: [(String, JSONValue)] = [], shard: String = "shardId-000000000000") -> JSONValue {
        var request = JSONObject([
            .init(name: "StreamName", value: "s"), .init(name: "ShardId", value: .string(shard)),
            .init(name: "ShardIteratorType", value: .string(type)),
        ])
        for (name, value) in more { request[name] = value }
        return .object(request)
    }

    @Test("each of the five iterator types begins where it says")
    func types() async throws {
        try await kinesis.create()
        var numbers: [JSONValue] = []
        for number in 0..<4 {
            numbers.append(.string(try await kinesis.put("r\(number)")))
            kinesis.store.advance(milliseconds: 1000)
        }
        func read(_ type: String, _ more: [(String, JSONValue)] = []) async throws -> [String] {
            try await kinesis.get(kinesis.iterator(type, more)).texts
        }
        #expect(try await read("TRIM_HORIZON") == ["r0", "r1", "r2", "r3"])
        #expect(try await read("LATEST") == [])
        #expect(try await read("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", numbers[2])]) == ["r2", "r3"])
        #expect(try await read("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", numbers[2])]) == ["r3"])
        #expect(try await read("AT_TIMESTAMP", [("Timestamp", .number("1700000001.000"))]) == ["r1", "r2", "r3"])
        #expect(try await read("AT_TIMESTAMP", [("Timestamp", .number("1700000001.001"))]) == ["r2", "r3"])
        #expect(try await read("AT_TIMESTAMP", [("Timestamp", 0)]) == ["r0", "r1", "r2", "r3"])
        let starting = SequenceNumber.starting(try await kinesis.description().shards[0]).description
        #expect(try await read("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", .string(starting))]).count == 4)
        #expect(try await read("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", .string(starting))]).count == 4)
    }

    @Test("after the wall clock was set back, our own numbers and times are still accepted")
    func clockSetBack() async throws {
        try await kinesis.create()
        kinesis.store.advance(milliseconds: 5_000)
        let number = try await kinesis.put("r0")
        kinesis.store.now -= 3_600_000
        for (type, field, value) in [
            ("AT_SEQUENCE_NUMBER", "StartingSequenceNumber", .string(number)),
            ("AT_TIMESTAMP", "Timestamp", .number("1700000005.000")),
        ] as [(String, String, JSONValue)] {
            #expect(try await kinesis.get(kinesis.iterator(type, [(field, value)])).texts == ["r0"])
        }
        _ = try await kinesis.call(
            "PutRecord",
            ["StreamName": "s", "PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": .string(number)])
        _ = try await kinesis.call(
            "ListShards",
            ["StreamName": "s", "ShardFilter": ["Type": "AT_TIMESTAMP", "Timestamp": .number("1700000005.000")]])
        // What lies past both clocks is still refused.
        let error = try await kinesis.refused(
            "GetShardIterator",
            [
                "StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "AT_TIMESTAMP",
                "Timestamp": .number("1700000007.000"),
            ])
        #expect(error.type == "InvalidArgumentException")
    }

    @Test("records come with number, arrival, data and key; the next iterator goes on after them")
    func records() async throws {
        try await kinesis.create()
        let number = try await kinesis.put("hé\"llo", key: "clé\"")
        kinesis.store.advance(milliseconds: 123)
        try await kinesis.put("")
        kinesis.store.advance(milliseconds: 1000)
        let first = try await kinesis.get(kinesis.iterator(), limit: 1)
        let record = first.answer["Records"]?.array?.first
        #expect(record?["SequenceNumber"] == .string(number))
        #expect(record?["ApproximateArrivalTimestamp"] == 1_700_000_000)
        #expect(record?["PartitionKey"] == "clé\"")
        #expect(first.texts == ["hé\"llo"])
        #expect(first.lag == 1123)
        let second = try await kinesis.get(try #require(first.next))
        #expect(second.texts == [""])
        #expect(second.answer["Records"]?.array?.first?["ApproximateArrivalTimestamp"] == .number("1700000000.123"))
        #expect(second.lag == 0)
        let third = try await kinesis.get(try #require(second.next))
        #expect(third.texts == [] && third.lag == 0)
        try await kinesis.put("more")
        #expect(try await kinesis.get(try #require(third.next)).texts == ["more"])
    }

    @Test("a limit cuts inside a batch and nothing is lost or doubled")
    func limits() async throws {
        try await kinesis.create()
        let all = (0..<57).map { "r\($0)" }
        for start in stride(from: 0, to: 57, by: 19) {
            let records = all[start..<(start + 19)].map { text -> JSONValue in
                ["Data": .string(Base64.encode(Array(text.utf8))), "PartitionKey": "k"]
            }
            _ = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(records)])
        }
        for limit: Int64 in [1, 7, 19, 20, 56, 57, 10_000] {
            var seen: [String] = []
            var iterator = try await kinesis.iterator()
            repeat {
                let page = try await kinesis.get(iterator, limit: limit)
                #expect(page.texts.count <= limit)
                seen += page.texts
                iterator = try #require(page.next)
                #expect((page.lag == 0) == (seen.count == all.count))
            } while seen.count < all.count
            #expect(seen == all)
        }
    }

    @Test("an answer holds at most 10 MiB, and the rest follows")
    func tenMebibytes() async throws {
        try await kinesis.create()
        let data = Base64.encode([UInt8](repeating: 1, count: 1_000_000))
        for _ in 0..<5 {
            let records = JSONValue.array(Array(repeating: ["Data": .string(data), "PartitionKey": "k"], count: 5))
            _ = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": records])
        }
        var counts: [Int] = []
        var page = try await kinesis.get(kinesis.iterator())
        counts.append(page.numbers.count)
        while page.lag != 0 {
            page = try await kinesis.get(try #require(page.next))
            counts.append(page.numbers.count)
        }
        #expect(counts == [10, 10, 5])
    }

    @Test("records of a compressed batch are served like others")
    func compressed() async throws {
        try await kinesis.create()
        let stream = try await kinesis.description()
        var builder = RecordBatchBuilder(baseTimestamp: 1, codec: .zstd)
        for number in 0..<100 { try builder.append(key: nil, value: Array("r\(number)".utf8), timestamp: 1) }
        _ = try await kinesis.store.append([ShardAppend(ShardReference(stream.id, ShardID(0)), try builder.finish())], fence: nil)
        let page = try await kinesis.get(kinesis.iterator(), limit: 60)
        #expect(page.texts == (0..<60).map { "r\($0)" })
        #expect(try await kinesis.get(try #require(page.next)).texts == (60..<100).map { "r\($0)" })
        #expect(page.answer["Records"]?.array?.first?["PartitionKey"] == "")
    }

    @Test("many small compressed batches are served in one answer, within the memory that they need")
    func manyCompressed() async throws {
        for codec in [CompressionCodec.zstd, .lz4] {
            let kinesis = Harness()
            try await kinesis.create()
            let shard = ShardReference(try await kinesis.description().id, ShardID(0))
            let text = String(repeating: "again ", count: 50)
            for number in 0..<300 {
                var builder = RecordBatchBuilder(baseTimestamp: 1, codec: codec)
                try builder.append(key: Array("k".utf8), value: Array("\(number) \(text)".utf8), timestamp: 1)
                _ = try await kinesis.store.append([ShardAppend(shard, try builder.finish())], fence: nil)
            }
            #expect(try await kinesis.get(kinesis.iterator()).texts == (0..<300).map { "\($0) \(text)" })
            #expect(kinesis.budget.reserved == 0)
        }
    }

    @Test("compressed records count by their own size: an answer holds at most 10 MiB of them, and the rest follows")
    func tenMebibytesCompressed() async throws {
        try await kinesis.create()
        let shard = ShardReference(try await kinesis.description().id, ShardID(0))
        for _ in 0..<5 {
            var builder = RecordBatchBuilder(baseTimestamp: 1, codec: .zstd)
            for _ in 0..<5 { try builder.append(key: nil, value: [UInt8](repeating: 1, count: 1_000_000), timestamp: 1) }
            _ = try await kinesis.store.append([ShardAppend(shard, try builder.finish())], fence: nil)
        }
        var counts: [Int] = []
        var iterator = try await kinesis.iterator()
        while counts.reduce(0, +) < 25 {
            let page = try await kinesis.get(iterator)
            try #require(!page.numbers.isEmpty)
            counts.append(page.numbers.count)
            iterator = try #require(page.next)
        }
        #expect(counts == [10, 10, 5])
    }

    @Test("iterators are distinct, short, survive a restart, and bear quotes around them")
    func iterators() async throws {
        let name = String(repeating: "n", count: 128)
        try await kinesis.create(name)
        let first = try await kinesis.iterator(stream: name)
        let second = try await kinesis.iterator(stream: name)
        #expect(first != second)
        #expect(first.utf8.count <= 512)
        try await kinesis.put("x", stream: name)
        let restarted = Harness(store: kinesis.store)
        #expect(try await restarted.get(first).texts == ["x"])
        #expect(try await restarted.get("\"\(second)\"").texts == ["x"])
        let other = Harness(store: kinesis.store, secret: [9])
        #expect(
            try await other.refused("GetRecords", ["ShardIterator": .string(first)]) == (
                "InvalidArgumentException", "Invalid ShardIterator."
            ))
    }

    @Test("iterators that were changed or made up are refused")
    func forged() async throws {
        try await kinesis.create()
        let iterator = try await kinesis.iterator()
        let bytes = try #require(Base64.decode(iterator))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            let error = try await kinesis.refused("GetRecords", ["ShardIterator": .string(Base64.encode(changed))])
            #expect(error == ("InvalidArgumentException", "Invalid ShardIterator."))
        }
        for text in ["AAAA", "x", "\"\"", "\"", iterator + "AAAA"] {
            #expect(try await kinesis.refused("GetRecords", ["ShardIterator": .string(text)]).type == "InvalidArgumentException")
        }
        let long = try await kinesis.refused("GetRecords", ["ShardIterator": .string(String(repeating: "A", count: 513))])
        #expect(long.type == "ValidationException")
        try await kinesis.create("t", shards: 2)
        let shards = try await kinesis.call("ListShards", ["StreamName": "t", "MaxResults": 1])
        let token = try #require(shards["NextToken"])
        #expect(try await kinesis.refused("GetRecords", ["ShardIterator": token]).type == "InvalidArgumentException")
    }

    @Test("an iterator lives 300 seconds to the millisecond")
    func expiry() async throws {
        try await kinesis.create()
        let iterator = try await kinesis.iterator()
        kinesis.store.advance(milliseconds: 300_000)
        _ = try await kinesis.get(iterator)
        kinesis.store.advance(milliseconds: 1)
        let error = try await kinesis.refused("GetRecords", ["ShardIterator": .string(iterator)])
        #expect(
            error
                == (
                    "ExpiredIteratorException",
                    "Iterator expired. The iterator was created at time Tue Nov 14 22:13:20 UTC 2023 while right now it is Tue Nov 14 22:18:20 UTC 2023 which is further in the future than the tolerated delay of 300000 milliseconds."
                ))
    }

    @Test("at the end of a closed shard there is no next iterator, and its children are named")
    func closedShard() async throws {
        try await kinesis.create()
        for text in ["a", "b"] { try await kinesis.put(text) }
        let stream = try await kinesis.description()
        let middle = HashKeyRange.all.end / 2
        try kinesis.store.close(
            ShardReference(stream.id, ShardID(0)),
            children: [
                ShardDescription(
                    id: ShardID(1), hashKeyRange: .init(start: 0, end: middle), createdSecond: 1_700_000_001, parent: ShardID(0)),
                ShardDescription(
                    id: ShardID(2), hashKeyRange: .init(start: middle + 1, end: .max), createdSecond: 1_700_000_001,
                    parent: ShardID(0)),
            ])
        let first = try await kinesis.get(kinesis.iterator(), limit: 1)
        #expect(first.texts == ["a"])
        #expect(first.answer["ChildShards"] == nil)
        let last = try await kinesis.get(try #require(first.next))
        #expect(last.texts == ["b"])
        #expect(last.next == nil && last.lag == 0)
        let children = try #require(last.answer["ChildShards"]?.array)
        #expect(children.map { $0["ShardId"] } == ["shardId-000000000001", "shardId-000000000002"])
        #expect(children[0]["ParentShards"] == ["shardId-000000000000"])
        #expect(children[1]["HashKeyRange"]?["EndingHashKey"] == "340282366920938463463374607431768211455")
        let afterEnd = try await kinesis.get(kinesis.iterator("LATEST"))
        #expect(afterEnd.next == nil)
    }

    @Test("what the trim horizon has passed is skipped silently")
    func trimmed() async throws {
        try await kinesis.create()
        for text in ["a", "b", "c"] { try await kinesis.put(text) }
        let iterator = try await kinesis.iterator()
        try await kinesis.store.trim(ShardReference(try await kinesis.description().id, ShardID(0)), before: 2)
        #expect(try await kinesis.get(iterator).texts == ["c"])
        #expect(try await kinesis.get(kinesis.iterator()).texts == ["c"])
    }

    @Test("damage is served up to, reported with the number to go on after, and never skipped")
    func damage() async throws {
        try await kinesis.create()
        for text in ["a", "b", "c"] { try await kinesis.put(text) }
        kinesis.store.damage(ShardReference(try await kinesis.description().id, ShardID(0)), from: 1, through: 1)
        let page = try await kinesis.get(kinesis.iterator())
        #expect(page.texts == ["a"])
        #expect((page.lag ?? 0) > 0)
        let error = try await kinesis.refused("GetRecords", ["ShardIterator": .string(try #require(page.next))], status: 500)
        #expect(error.type == "InternalFailure")
        #expect(error.message.contains("Records 1 to 1 of shard shardId-000000000000 in stream s are damaged"))
        let number = try #require(error.message.split(separator: " ").last?.dropLast())
        let after = try await kinesis.iterator("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", .string(String(number)))])
        #expect(try await kinesis.get(after).texts == ["c"])
    }

    @Test("an iterator of a deleted stream does not read the next one of its name")
    func deleted() async throws {
        try await kinesis.create()
        let iterator = try await kinesis.iterator()
        _ = try await kinesis.call("DeleteStream", ["StreamName": "s"])
        let gone = ("ResourceNotFoundException", "Shard shardId-000000000000 in stream s under account 000000000000 does not exist")
        #expect(try await kinesis.refused("GetRecords", ["ShardIterator": .string(iterator)]) == gone)
        try await kinesis.create()
        try await kinesis.put("new")
        #expect(try await kinesis.refused("GetRecords", ["ShardIterator": .string(iterator)]) == gone)
    }

    @Test("when memory is used up, GetRecords is throttled")
    func memory() async throws {
        try await kinesis.create()
        try await kinesis.put("x")
        let iterator = try await kinesis.iterator()
        // In small leases, for large ones leave something.
        var everything = try (0..<(kinesis.budget.limit >> 20)).map { _ in try #require(kinesis.budget.lease(1 << 20)) }
        let error = try await kinesis.refused("GetRecords", ["ShardIterator": .string(iterator)])
        #expect(error.type == "ProvisionedThroughputExceededException")
        #expect(everything.count << 20 == kinesis.budget.limit)
        everything = []
        #expect(try await kinesis.get(iterator).texts == ["x"])
    }

    @Test("shard ids are read leniently, and unknown ones are refused")
    func shardIDs() async throws {
        try await kinesis.create(shards: 2)
        for id in ["shardId-1", "1", "anything-000000000001"] {
            _ = try await kinesis.iterator(shard: id)
        }
        var error = try await kinesis.refused("GetShardIterator", request("LATEST", shard: "shardId-000000000002"))
        #expect(
            error == (
                "ResourceNotFoundException", "Shard shardId-000000000002 in stream s under account 000000000000 does not exist"
            ))
        for id in ["shardId-2147483648", "shardId-x", "x"] {
            error = try await kinesis.refused("GetShardIterator", request("LATEST", shard: id))
            #expect(error == ("ResourceNotFoundException", "Could not find shard \(id) in stream s under account 000000000000."))
        }
    }

    @Test("starting points that do not go together with the type or the shard are refused in AWS's words")
    func wrongStarts() async throws {
        try await kinesis.create(shards: 2)
        let either =
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "
        let number =
            try await kinesis.call("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": "", "ExplicitHashKey": "0"])[
                "SequenceNumber"] ?? ""
        var error = try await kinesis.refused("GetShardIterator", request("LATEST", [("StartingSequenceNumber", number)]))
        #expect(error == ("InvalidArgumentException", either + "Request specified LATEST and also a StartingSequenceNumber."))
        error = try await kinesis.refused("GetShardIterator", request("AT_SEQUENCE_NUMBER"))
        #expect(
            error == ("InvalidArgumentException", either + "Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber."))
        error = try await kinesis.refused(
            "GetShardIterator", request("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", number)], shard: "shardId-000000000001"))
        #expect(
            error.message
                == "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001"
        )
        error = try await kinesis.refused("GetShardIterator", request("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", "5")]))
        #expect(
            error.message
                == "StartingSequenceNumber 5 used in GetShardIterator on shard shardId-000000000000 in stream s under account 000000000000 is invalid."
        )
        _ = try await kinesis.call("DeleteStream", ["StreamName": "s"])
        kinesis.store.advance(milliseconds: 5000)
        try await kinesis.create(shards: 2)
        error = try await kinesis.refused("GetShardIterator", request("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", number)]))
        #expect(error.message.hasSuffix("is invalid because it did not come from this stream."))
        error = try await kinesis.refused("GetShardIterator", request("AT_TIMESTAMP"))
        #expect(error.message.hasPrefix("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP."))
        error = try await kinesis.refused("GetShardIterator", request("AT_TIMESTAMP", [("Timestamp", 1_800_000_000)]))
        #expect(
            error.message
                == "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: 1800000000000, currentTimestampInMillis: 1700000005000"
        )
        error = try await kinesis.refused("GetShardIterator", ["StreamName": "s"])
        #expect(error.message.hasPrefix("2 validation errors detected: Value null at 'shardId'"))
        error = try await kinesis.refused("GetShardIterator", request("SOMETIME"))
        #expect(
            error.message.hasSuffix(
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
            ))
    }

    @Test("an ARN beside an iterator must be its stream's")
    func arn() async throws {
        try await kinesis.create()
        let iterator = JSONValue.string(try await kinesis.iterator())
        _ = try await kinesis.call(
            "GetRecords", ["ShardIterator": iterator, "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s"])
        let error = try await kinesis.refused(
            "GetRecords", ["ShardIterator": iterator, "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/t"])
        #expect(error.type == "InvalidArgumentException")
    }

    @Test("where the settings say so an answer waits for records, and comes with them")
    func longPoll() async throws {
        let kinesis = Harness { $0.getRecordsWaitMilliseconds = 60_000 }
        try await kinesis.create()
        let iterator = try await kinesis.iterator("LATEST")
        async let page = kinesis.get(iterator)
        while kinesis.store.counts.waits == 0 { await Task.yield() }
        try await kinesis.put("awaited")
        #expect(try await page.texts == ["awaited"])
    }
}
