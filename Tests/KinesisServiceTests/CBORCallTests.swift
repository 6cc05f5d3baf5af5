/// The operations in CBOR, as the SDKs for Java call them: answers of a counted length fit their memory whatever the records are.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct CBORCallTests {
    private let kinesis = Harness()

    /// Calls an operation; `read` sees the answer.
    private func call<Result>(
        _ operation: String, expecting status: Int = 200, _ write: (inout WireWriter) -> Void, _ read: (WireValue) throws -> Result
    ) async throws -> Result {
        var writer = WireWriter(.cbor11)
        writer.object { write(&$0) }
        let reply = try await kinesis.reply(operation, writer.bytes, contentType: "application/x-amz-cbor-1.1")
        #expect(reply.status == status, "\(operation)")
        #expect(reply.head.contentType.map { "\($0)" } == "application/x-amz-cbor-1.1")
        return try WireDocument(cbor: reply.body).withRoot(read)
    }

    private func records() async throws -> [(data: [UInt8], key: String, milliseconds: Int64, number: String)] {
        let iterator = try await call("GetShardIterator") { writer in
            writer.field("StreamName", "s")
            writer.field("ShardId", "shardId-000000000000")
            writer.field("ShardIteratorType", "AT_TIMESTAMP")
            writer.field("Timestamp", milliseconds: 1_700_000_000_000)
        } _: {
            try #require($0["ShardIterator"]?.string)
        }
        return try await call("GetRecords") {
            $0.field("ShardIterator", iterator)
        } _: { answer in
            #expect(answer["MillisBehindLatest"]?.numberText == "0")
            #expect(answer["NextShardIterator"]?.string?.isEmpty == false)
            return try #require(answer["Records"]).elements.map { record in
                (
                    [UInt8](try #require(record["Data"]?.blobBytes)), try #require(record["PartitionKey"]?.string),
                    try #require(record["ApproximateArrivalTimestamp"]?.milliseconds),
                    try #require(record["SequenceNumber"]?.string)
                )
            }
        }
    }

    @Test(
        "records of every length go in and come out",
        arguments: [[0], [1, 23, 24, 255, 256], [65_535, 65_536, 1_000_000], [Int](repeating: 3, count: 500)])
    func lengths(_ lengths: [Int]) async throws {
        try await kinesis.create()
        let numbers = try await call("PutRecords") { writer in
            writer.field("StreamName", "s")
            writer.list("Records", lengths.enumerated()) { writer, item in
                writer.object { writer in
                    writer.field("Data", blob: [UInt8](repeating: UInt8(truncatingIfNeeded: item.offset), count: item.element))
                    writer.field("PartitionKey", "clé\"\(item.offset)")
                }
            }
        } _: { answer in
            #expect(answer["FailedRecordCount"]?.numberText == "0")
            return try #require(answer["Records"]).elements.map { try #require($0["SequenceNumber"]?.string) }
        }
        let found = try await records()
        #expect(found.map(\.number) == numbers)
        for (index, record) in found.enumerated() {
            #expect(record.data == [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: lengths[index]))
            #expect(record.key == "clé\"\(index)")
            #expect(record.milliseconds == kinesis.store.now)
        }
    }

    @Test("one record, and what JSON put is read in CBOR")
    func single() async throws {
        try await kinesis.create()
        let number = try await call("PutRecord") { writer in
            writer.field("StreamName", "s")
            writer.field("Data", blob: [0xFF, 0])
            writer.field("PartitionKey", "k")
            writer.field("ExplicitHashKey", "0")
        } _: {
            #expect($0["ShardId"]?.string == "shardId-000000000000")
            return try #require($0["SequenceNumber"]?.string)
        }
        try await kinesis.put("json")
        let found = try await records()
        #expect(found.map(\.data) == [[0xFF, 0], Array("json".utf8)])
        #expect(found.first?.number == number)
    }

    @Test("errors, and answers with times and lists, are CBOR")
    func others() async throws {
        let type = try await call("DescribeStream", expecting: 400) {
            $0.field("StreamName", "absent")
        } _: {
            $0["__type"]?.string
        }
        #expect(type == "ResourceNotFoundException")
        try await kinesis.create()
        try await call("DescribeStream") {
            $0.field("StreamName", "s")
        } _: { answer in
            let description = try #require(answer["StreamDescription"])
            #expect(description["StreamCreationTimestamp"]?.milliseconds != nil)
            #expect(try #require(description["Shards"]).elements.map { $0["ShardId"]?.string } == ["shardId-000000000000"])
            #expect(description["HasMoreShards"]?.bool == false)
        }
    }
}
