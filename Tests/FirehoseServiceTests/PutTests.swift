/// PutRecord and PutRecordBatch.

import AWSWire
import Delivery
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite(.timeLimit(.minutes(1))) struct PutTests {
    private func values(_ caller: Caller) async throws -> [[UInt8]] {
        let stream = try await caller.store.stream(StreamKey("d", in: .delivery))
        return try caller.store.batches(of: ShardReference(stream.id, ShardID(0))).flatMap {
            try $0.batch.records().map { $0.value ?? [] }
        }
    }

    @Test("records are stored as they are, in the order of the requests, each with an id of its own")
    func stored() async throws {
        let caller = Caller()
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        let one = try await caller.success("PutRecord", ["DeliveryStreamName": "d", "Record": ["Data": "b25l"]])
        #expect(one["Encrypted"] == false)
        let answer = try await caller.success(
            "PutRecordBatch", ["DeliveryStreamName": "d", "Records": [["Data": "dHdv"], ["Data": ""], ["Data": "dGhyZWU="]]])
        #expect(answer["FailedPutCount"] == 0)
        let identifiers = [one["RecordId"]] + (answer["RequestResponses"]?.array ?? []).map { $0["RecordId"] }
        #expect(identifiers.count == 4 && Set(identifiers).count == 4 && !identifiers.contains(nil))
        #expect(try await values(caller) == ["one", "two", "", "three"].map { Array($0.utf8) })
        await caller.manager.close()
    }

    @Test("500 records of 4 MiB in all are taken, a record or a byte more is not")
    func limits() async throws {
        let caller = Caller()
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        func batch(_ sizes: [Int]) -> JSONValue {
            [
                "DeliveryStreamName": "d",
                "Records": .array(sizes.map { ["Data": .string(Base64.encode([UInt8](repeating: 7, count: $0)))] }),
            ]
        }
        let full = [4_194_304 - 499 * 8388] + [Int](repeating: 8388, count: 499)
        #expect(try await caller.success("PutRecordBatch", batch(full))["RequestResponses"]?.array?.count == 500)
        let large = try await caller.failure("PutRecordBatch", batch([full[0] + 1] + full.dropFirst()))
        #expect(large.name == "InvalidArgumentException")
        let many = try await caller.failure("PutRecordBatch", batch([Int](repeating: 1, count: 501)))
        #expect(many.name == "ValidationException" && many.message.contains("'records' failed"))
        #expect(try await caller.failure("PutRecordBatch", batch([])).name == "ValidationException")
        let wide = try await caller.failure("PutRecordBatch", batch([1, 1_024_001]))
        #expect(wide.name == "ValidationException" && wide.message.contains("records.2.member.data"))
        func single(_ size: Int) -> JSONValue {
            ["DeliveryStreamName": "d", "Record": ["Data": .string(Base64.encode([UInt8](repeating: 7, count: size)))]]
        }
        _ = try await caller.success("PutRecord", single(1_024_000))
        let record = try await caller.failure("PutRecord", single(1_024_001))
        #expect(record.name == "ValidationException" && record.message.contains("record.data"))
        #expect(try await values(caller).count == 501)
        await caller.manager.close()
    }

    @Test(
        "a request without its members is told which are missing",
        arguments: [
            ("PutRecord", ["Record": ["Data": ""]], "deliveryStreamName"), ("PutRecord", ["DeliveryStreamName": "d"], "record"),
            ("PutRecord", ["DeliveryStreamName": "d", "Record": [:]], "record.data"),
            ("PutRecordBatch", ["DeliveryStreamName": "d"], "records"),
            ("PutRecordBatch", ["DeliveryStreamName": "d", "Records": [["Data": ""], [:]]], "records.2.member.data"),
        ] as [(String, JSONValue, String)])
    func missing(operation: String, body: JSONValue, member: String) async throws {
        let failure = try await Caller().failure(operation, body)
        #expect(failure.name == "ValidationException" && failure.message.contains("'\(member)' failed"), "\(failure)")
    }

    @Test("data that is no base64 is refused before anything is stored")
    func badBase64() async throws {
        let failure = try await Caller().failure("PutRecord", ["DeliveryStreamName": "d", "Record": ["Data": "abc"]])
        #expect(failure.name == "SerializationException")
    }

    @Test("puts to a delivery stream that is not there are told so")
    func notFound() async throws {
        for (operation, body) in [("PutRecord", ["Record": ["Data": ""]]), ("PutRecordBatch", ["Records": [["Data": ""]]])]
            as [(String, JSONValue)]
        {
            var object = try #require(body.object)
            object["DeliveryStreamName"] = "none"
            let failure = try await Caller().failure(operation, .object(object))
            #expect(failure == ("ResourceNotFoundException", "Firehose none under account 123456789012 not found."))
        }
    }

    @Test(
        "a node that takes no records says why",
        arguments: [
            (StoreError.readOnly(reason: "the disk is full"), "ServiceUnavailableException"),
            (.overloaded, "ServiceUnavailableException"),
            (.failed("a bug"), "InternalFailure"),
        ])
    func refused(error: StoreError, name: String) async throws {
        let caller = Caller()
        _ = try await caller.success("CreateDeliveryStream", Caller.creation())
        caller.store.refuseAppends(with: error)
        #expect(try await caller.failure("PutRecord", ["DeliveryStreamName": "d", "Record": ["Data": ""]]).name == name)
        #expect(try await values(caller).isEmpty)
        await caller.manager.close()
    }
}
