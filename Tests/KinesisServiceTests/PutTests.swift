/// PutRecord and PutRecords.

import AWSWire
import NodeMetrics
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct PutTests {
    private let kinesis = Harness()

    private func entry(_ data: String, _ key: String) -> JSONValue {
        ["Data": .string(Base64.encode(Array(data.utf8))), "PartitionKey": .string(key)]
    }

    @Test("numbers rise, in the shard of the key")
    func rising() async throws {
        try await kinesis.create(shards: 3)
        var last: [String: SequenceNumber] = [:]
        for number in 0..<30 {
            let answer = try await kinesis.call(
                "PutRecord", ["StreamName": "s", "PartitionKey": .string("k\(number % 7)"), "Data": ""])
            let shard = try #require(answer["ShardId"]?.string)
            let text = try #require(answer["SequenceNumber"]?.string)
            let sequence = try #require(SequenceNumber(text))
            #expect(sequence.shard == ShardID(shard))
            if let before = last[shard] { #expect(before < sequence) }
            last[shard] = sequence
            kinesis.store.advance(milliseconds: 1500)
        }
        #expect(last.count > 1)
    }

    @Test("500 records go in with one append, a batch for each shard, and are answered in request order")
    func manyRecords() async throws {
        try await kinesis.create(shards: 4)
        let stream = try await kinesis.description()
        let records = (0..<500).map { entry("r\($0)", "key-\($0)") }
        let answer = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(records)])
        #expect(answer["FailedRecordCount"] == 0)
        #expect(kinesis.store.counts.appends == 1)
        let results = try #require(answer["Records"]?.array)
        #expect(results.count == 500)
        var stored: [String: String] = [:]
        for shard in stream.shards {
            let batches = kinesis.store.batches(of: ShardReference(stream.id, shard.id))
            #expect(batches.count == 1)
            for batch in batches {
                #expect(batch.batch.checkCRC())
                for record in try batch.batch.records() {
                    let number = SequenceNumber(offset: record.offset, in: shard, arrivalMilliseconds: batch.arrivalMilliseconds)
                    stored["\(shard.id) \(number)"] = String(decoding: record.value ?? [], as: UTF8.self)
                    #expect(record.timestamp == kinesis.store.now)
                }
            }
        }
        for (index, result) in results.enumerated() {
            let key = "\(result["ShardId"]?.string ?? "") \(result["SequenceNumber"]?.string ?? "")"
            #expect(stored[key] == "r\(index)")
        }
    }

    @Test("on a store that appends to one shard at a time, each shard's batch is an append, and the answer is the same")
    func oneShardAtATime() async throws {
        let kinesis = Harness(store: MemoryStore(missing: .multiShardAppends))
        try await kinesis.create(shards: 4)
        let records = (0..<50).map { entry("r\($0)", "key-\($0)") }
        let answer = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(records)])
        #expect(answer["FailedRecordCount"] == 0)
        #expect(kinesis.store.counts.appends == 4)
        let numbers = try #require(answer["Records"]?.array).compactMap { $0["SequenceNumber"]?.string }
        #expect(Set(numbers).count == 50)
        kinesis.store.failAppends(1, with: .overloaded)
        #expect(try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(records)])["FailedRecordCount"] == 50)
    }

    @Test("an explicit hash key chooses the shard, and one past the hash space is refused")
    func explicitHashKeys() async throws {
        try await kinesis.create(shards: 2)
        func request(_ hash: String) -> JSONValue {
            ["StreamName": "s", "PartitionKey": "k", "Data": "", "ExplicitHashKey": .string(hash)]
        }
        #expect(try await kinesis.call("PutRecord", request("0"))["ShardId"] == "shardId-000000000000")
        let top = "340282366920938463463374607431768211455"
        #expect(try await kinesis.call("PutRecord", request(top))["ShardId"] == "shardId-000000000001")
        let error = try await kinesis.refused("PutRecord", request("340282366920938463463374607431768211456"))
        #expect(
            error
                == (
                    "InvalidArgumentException",
                    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456"
                ))
        for malformed in ["01", "-1", "", "x", String(repeating: "1", count: 40)] {
            #expect(try await kinesis.refused("PutRecord", request(malformed)).type == "ValidationException")
        }
    }

    @Test("violations of single records are told with their place in the list")
    func violations() async throws {
        try await kinesis.create()
        var error = try await kinesis.refused(
            "PutRecords",
            [
                "StreamName": "s",
                "Records": [entry("a", "k"), ["Data": "", "PartitionKey": ""], ["PartitionKey": "k", "ExplicitHashKey": "01"]],
            ])
        #expect(
            error.message
                == "3 validation errors detected: "
                + "Value '' at 'records.2.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1; "
                + #"Value '01' at 'records.3.member.explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\d{0,38}); "#
                + "Value null at 'records.3.member.data' failed to satisfy constraint: Member must not be null")
        error = try await kinesis.refused("PutRecords", ["StreamName": "s", "Records": []])
        #expect(
            error.message
                == "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"
        )
        error = try await kinesis.refused(
            "PutRecords", ["StreamName": "s", "Records": .array(Array(repeating: entry("", "k"), count: 501))])
        #expect(
            error.message.hasSuffix("at 'records' failed to satisfy constraint: Member must have length less than or equal to 500"))
        error = try await kinesis.refused("PutRecords", ["StreamName": "s"])
        #expect(error.message.hasSuffix("Value null at 'records' failed to satisfy constraint: Member must not be null"))
        error = try await kinesis.refused("PutRecord", [:])
        #expect(
            error.message
                == "2 validation errors detected: Value null at 'partitionKey' failed to satisfy constraint: Member must not be null; Value null at 'data' failed to satisfy constraint: Member must not be null"
        )
        // 256 letters of four bytes each are 512 of Java's characters.
        error = try await kinesis.refused(
            "PutRecord", ["StreamName": "s", "Data": "", "PartitionKey": .string(String(repeating: "😀", count: 256))])
        #expect(error.message.hasSuffix("Member must have length less than or equal to 256"))
        _ = try await kinesis.call(
            "PutRecord", ["StreamName": "s", "Data": "", "PartitionKey": .string(String(repeating: "é", count: 256))])
        #expect(kinesis.store.counts.appends == 1)
    }

    @Test("data and key together stay below the stream's record size, and all records below 5 MiB")
    func sizes() async throws {
        try await kinesis.create()
        func put(_ bytes: Int) -> JSONValue {
            ["StreamName": "s", "PartitionKey": "k", "Data": .string(Base64.encode([UInt8](repeating: 7, count: bytes)))]
        }
        _ = try await kinesis.call("PutRecord", put((1 << 20) - 1))
        #expect(try await kinesis.refused("PutRecord", put(1 << 20)).type == "InvalidArgumentException")
        #expect(
            try await kinesis.refused("PutRecord", put((10 << 20) + 1)).message.hasSuffix(
                "Member must have length less than or equal to 10485760"))
        let record: JSONValue = ["PartitionKey": "k", "Data": .string(Base64.encode([UInt8](repeating: 7, count: (1 << 20) - 1)))]
        let five = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(Array(repeating: record, count: 5))])
        #expect(five["FailedRecordCount"] == 0)
        let six = try await kinesis.refused(
            "PutRecords", ["StreamName": "s", "Records": .array(Array(repeating: record, count: 6))])
        #expect(six == ("InvalidArgumentException", "Records size exceeds 5 MB limit"))
        _ = try await kinesis.call("CreateStream", ["StreamName": "big", "ShardCount": 1, "MaxRecordSizeInKiB": 10240])
        _ = try await kinesis.call(
            "PutRecord",
            [
                "StreamName": "big", "PartitionKey": "k",
                "Data": .string(Base64.encode([UInt8](repeating: 7, count: (10 << 20) - 1))),
            ])
    }

    @Test("when the store has no room, PutRecord fails and PutRecords answers with a failure for each record")
    func overload() async throws {
        try await kinesis.create()
        kinesis.store.failAppends(2, with: .overloaded)
        let rate = "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000."
        #expect(
            try await kinesis.refused("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": ""])
                == ("ProvisionedThroughputExceededException", rate))
        let answer = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": [entry("a", "k"), entry("b", "k")]])
        #expect(answer["FailedRecordCount"] == 2)
        #expect(
            answer["Records"]
                == .array(
                    Array(
                        repeating: ["ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": .string(rate)], count: 2)
                ))
    }

    @Test("a read-only node says why; a shard closed in between is routed anew")
    func storeFailures() async throws {
        try await kinesis.create()
        kinesis.store.failAppends(1, with: .readOnly(reason: "fsync failed"))
        let error = try await kinesis.refused("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": ""], status: 500)
        #expect(error == ("InternalFailure", "The node takes no records: fsync failed"))
        let shard = ShardReference(try await kinesis.description().id, ShardID(0))
        kinesis.store.failAppends(2, with: .shardClosed(shard))
        try await kinesis.put("x")
        kinesis.store.failAppends(3, with: .shardClosed(shard))
        #expect(
            try await kinesis.refused("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": ""], status: 500).type
                == "InternalFailure")
    }

    @Test("a number for ordering must be one, and not from the future")
    func ordering() async throws {
        try await kinesis.create()
        let number = try await kinesis.put("a")
        func request(_ number: String) -> JSONValue {
            ["StreamName": "s", "PartitionKey": "k", "Data": "", "SequenceNumberForOrdering": .string(number)]
        }
        let next = try await kinesis.call("PutRecord", request(number))["SequenceNumber"]?.string
        let (first, second) = (try #require(SequenceNumber(number)), try #require(SequenceNumber(next ?? "")))
        #expect(first < second)
        #expect(
            try await kinesis.refused("PutRecord", request("12345")).message
                == "ExclusiveMinimumSequenceNumber 12345 used in PutRecord on stream s under account 000000000000 is invalid.")
        // One of ours is accepted also where the clock was set back since.
        kinesis.store.now -= 60_000
        _ = try await kinesis.call("PutRecord", request(number))
        let shard = try #require(try await kinesis.store.stream(StreamKey("s")).shards.first)
        let ahead = SequenceNumber(offset: 9, in: shard, arrivalMilliseconds: kinesis.store.now + 3_600_000)
        #expect(try await kinesis.refused("PutRecord", request(ahead.description)).type == "InvalidArgumentException")
        #expect(try await kinesis.refused("PutRecord", request("x")).type == "ValidationException")
    }

    @Test("what is read is counted, and forgotten with the stream")
    func counting() async throws {
        try await kinesis.create()
        try await kinesis.put("abc", key: "k")
        let iterator = try await kinesis.call(
            "GetShardIterator", ["StreamName": "s", "ShardId": "0", "ShardIteratorType": "TRIM_HORIZON"])["ShardIterator"]
        _ = try await kinesis.call("GetRecords", ["ShardIterator": iterator ?? ""])
        var text = await kinesis.metrics.exposition()
        #expect(text.contains("millrace_records_out_total{stream=\"s\"} 1\n"))
        #expect(text.contains("millrace_bytes_out_total{stream=\"s\"} 4\n"))
        #expect(text.contains("millrace_put_duration_seconds_count 1\n"))
        _ = try await kinesis.call("DeleteStream", ["StreamName": "s"])
        text = await kinesis.metrics.exposition()
        #expect(!text.contains("stream=\"s\""))
    }
}
