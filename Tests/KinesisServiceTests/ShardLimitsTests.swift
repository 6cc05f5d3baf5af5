/// What AWS allows a shard a second, where it is asked for.

import AWSWire
import KinesisService
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ShardLimitsTests {
    private let kinesis = Harness { $0.strictLimits = true }
    private let exceeded = "ProvisionedThroughputExceededException"

    private func record(_ bytes: Int, _ hashKey: String = "0") -> JSONValue {
        [
            "PartitionKey": "k", "ExplicitHashKey": .string(hashKey),
            "Data": .string(Base64.encode([UInt8](repeating: 65, count: bytes - 1))),
        ]
    }

    private func put(_ records: [JSONValue]) async throws -> [JSONValue] {
        let answer = try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(records)])
        let results = try #require(answer["Records"]?.array)
        #expect(answer["FailedRecordCount"]?.integer == Int64(results.count { $0["ErrorCode"] != nil }))
        return results
    }

    @Test("a shard takes 1,000 records a second, and each that is too many is refused by itself")
    func records() async throws {
        try await kinesis.create(shards: 2)
        let other = "340282366920938463463374607431768211455"
        for _ in 0..<2 {
            #expect(try await put([JSONValue](repeating: record(10), count: 499)).allSatisfy { $0["ErrorCode"] == nil })
        }
        let mixed = try await put([record(10), record(10, other), record(10), record(10), record(10, other)])
        #expect(mixed.map { $0["ErrorCode"]?.string } == [nil, nil, nil, exceeded, nil])
        #expect(
            mixed[3]["ErrorMessage"]?.string
                == "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.")
        #expect(mixed[3]["SequenceNumber"] == nil && mixed[4]["ShardId"] == "shardId-000000000001")
        // What was taken is there, in the order of the call.
        #expect(
            try await kinesis.get(kinesis.iterator(shard: "shardId-000000000001")).numbers
                == [1, 4].compactMap { mixed[$0]["SequenceNumber"]?.string })
        let none = try await put([record(10), record(10)])
        #expect(none.allSatisfy { $0["ErrorCode"]?.string == exceeded })
        #expect(
            try await kinesis.refused("PutRecord", ["StreamName": "s", "PartitionKey": "k", "ExplicitHashKey": "0", "Data": ""])
                .type == exceeded)
        kinesis.store.advance(milliseconds: 10)
        #expect(try await put([JSONValue](repeating: record(10), count: 11)).count { $0["ErrorCode"] == nil } == 10)
    }

    @Test("a shard takes 1 MiB a second")
    func bytes() async throws {
        try await kinesis.create()
        let results = try await put([JSONValue](repeating: record(256 << 10), count: 5))
        #expect(results.map { $0["ErrorCode"] == nil } == [true, true, true, true, false])
        kinesis.store.advance(milliseconds: 249)
        #expect(try await put([record(256 << 10)]).first?["ErrorCode"]?.string == exceeded)
        kinesis.store.advance(milliseconds: 1)
        #expect(try await put([record(256 << 10)]).first?["ErrorCode"] == nil)
    }

    @Test("a shard gives 5 answers a second, and 2 MiB")
    func reads() async throws {
        try await kinesis.create()
        for _ in 0..<8 {
            _ = try await put([record(1 << 20)])
            kinesis.store.advance(milliseconds: 1000)
        }
        let empty = try await kinesis.iterator("LATEST")
        for _ in 0..<5 { _ = try await kinesis.get(empty) }
        let refused = try await kinesis.refused("GetRecords", ["ShardIterator": .string(empty)])
        #expect(refused.type == exceeded)
        #expect(refused.message == "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000.")
        kinesis.store.advance(milliseconds: 1000)
        #expect(try await kinesis.get(kinesis.iterator()).texts.count == 8)
        kinesis.store.advance(milliseconds: 3999)
        #expect(try await kinesis.refused("GetRecords", ["ShardIterator": .string(empty)]).type == exceeded)
        kinesis.store.advance(milliseconds: 1)
        #expect(try await kinesis.get(empty).texts.isEmpty)
    }
}
