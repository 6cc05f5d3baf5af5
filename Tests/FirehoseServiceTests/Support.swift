/// Calls of the Firehose API as a client makes them: JSON in, JSON out, through the dispatcher.

import AWSWire
import Delivery
import FirehoseService
import Host
import HostSimulation
import Logging
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

/// Objects that are counted and dropped: what is in them is the business of the room below.
struct NoObjects: ObjectStore {
    struct Upload: ObjectUpload {
        func append(_ bytes: [UInt8]) {}
        func complete() {}
        func abandon() {}
    }
    func begin(bucket: String, key: String) async throws(ObjectStoreError) -> any ObjectUpload { Upload() }
    func holds(bucket: String, key: String) async throws(ObjectStoreError) -> Bool { false }
}

struct Caller {
    static let role = "arn:aws:iam::000000000000:role/millrace"
    let store = MemoryStore()
    let time = SimulatedTime()
    let manager: DeliveryManager
    let dispatcher: AWSDispatcher
    let budget = MemoryBudget(limit: 1 << 30)

    init(deliveryStreamLimit: Int? = nil) {
        manager = DeliveryManager(
            store: store, objects: NoObjects(), time: time, random: SeededRandom(seed: 1),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let firehose = Firehose(
            delivery: manager, clock: time,
            settings: .init(region: "eu-west-1", accountID: "123456789012", deliveryStreamLimit: deliveryStreamLimit))
        dispatcher = AWSDispatcher([firehose.service])
    }

    /// The answer's status, error name and body.
    func call(_ operation: String, _ body: JSONValue) async throws -> (status: Int, error: String?, body: JSONValue) {
        let head = RequestHead(
            method: "POST",
            [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "Firehose_20150804.\(operation)")],
            bodyLength: nil)
        guard case .call(let call) = dispatcher.admit(head) else {
            Issue.record("\(operation) is not in the table")
            return (0, nil, .null)
        }
        let reply = await call.answer(body.serialized, memory: try #require(budget.lease(call.memoryBound)))
        return (reply.status, reply.error?.rawValue, reply.body.isEmpty ? .null : try JSONValue(parsing: reply.body))
    }

    /// The body of an answer that must be a success.
    func success(_ operation: String, _ body: JSONValue) async throws -> JSONValue {
        let answer = try await call(operation, body)
        #expect(answer.status == 200, "\(operation): \(String(decoding: answer.body.serialized, as: UTF8.self))")
        return answer.body
    }

    /// Name and message of an error.
    func failure(_ operation: String, _ body: JSONValue) async throws -> (name: String, message: String) {
        let answer = try await call(operation, body)
        #expect(answer.status != 200, "\(operation) succeeded")
        return (answer.error ?? "", answer.body["message"]?.string ?? answer.body["Message"]?.string ?? "")
    }

    /// An S3 destination, with members set or (null) taken out.
    static func destination(_ changes: [String: JSONValue] = [:]) -> JSONValue {
        var object = JSONObject([
            .init(name: "RoleARN", value: .string(role)), .init(name: "BucketARN", value: "arn:aws:s3:::lake"),
            .init(name: "Prefix", value: "p/"), .init(name: "BufferingHints", value: ["SizeInMBs": 1, "IntervalInSeconds": 60]),
            .init(name: "CompressionFormat", value: "GZIP"),
        ])
        for (name, value) in changes { object[name] = value == .null ? nil : value }
        return .object(object)
    }

    static func creation(_ name: String = "d", _ changes: [String: JSONValue] = [:], extended: [String: JSONValue] = [:])
        -> JSONValue
    {
        var object = JSONObject([
            .init(name: "DeliveryStreamName", value: .string(name)),
            .init(name: "ExtendedS3DestinationConfiguration", value: destination(extended)),
        ])
        for (name, value) in changes { object[name] = value == .null ? nil : value }
        return .object(object)
    }
}
