/// A Kinesis service on a store in memory, called as the wire calls it.

import AWSWire
import Host
import KinesisService
import NodeMetrics
import StreamStore
import StreamStoreTesting
import Testing

/// The store's clock, which moves only when the test moves it.
struct StoreClock: TimeSource {
    let store: MemoryStore
    func wallMilliseconds() -> Int64 { store.now }
    func monotonicNanoseconds() -> UInt64 { UInt64(store.now) * 1_000_000 }
}

struct Harness {
    let store: MemoryStore
    let metrics = MetricsRegistry()
    let budget = MemoryBudget(limit: 512 << 20)
    let kinesis: Kinesis
    private let dispatcher: AWSDispatcher

    init(
        store: MemoryStore = MemoryStore(), secret: [UInt8] = [1, 2, 3], streamLimit: Int? = nil,
        _ configure: (inout Kinesis.Settings) -> Void = { _ in }
    ) {
        self.store = store
        var settings = Kinesis.Settings(
            region: "us-east-1", accountID: "000000000000", tokenSecret: secret, streamLimit: streamLimit)
        configure(&settings)
        kinesis = Kinesis(store: store, clock: StoreClock(store: store), settings: settings, metrics: metrics)
        dispatcher = AWSDispatcher([kinesis.service])
    }

    /// A call whose body may be read; nil when the operation is not served.
    /// - Parameter region: that the call is signed for; nil for no signature.
    func admit(
        _ operation: String, contentType: String = "application/x-amz-json-1.1", bodyLength: Int, region: String? = nil
    ) -> AdmittedCall? {
        var fields = [("Content-Type", contentType), ("X-Amz-Target", "Kinesis_20131202.\(operation)")]
        if let region {
            let scope = "AKID/20261121/\(region)/kinesis/aws4_request"
            fields.append(("Authorization", "AWS4-HMAC-SHA256 Credential=\(scope), SignedHeaders=host, Signature=0"))
        }
        guard case .call(let call) = dispatcher.admit(RequestHead(method: "POST", fields, bodyLength: bodyLength)) else {
            return nil
        }
        return call
    }

    /// Calls an operation; the body of the answer, null when it is empty.
    @discardableResult
    func call(
        _ operation: String, _ request: JSONValue, expecting status: Int = 200, region: String? = nil
    ) async throws -> JSONValue {
        let body = request.serialized
        guard let call = admit(operation, bodyLength: body.count, region: region) else {
            Issue.record("\(operation) is not served")
            return .null
        }
        let lease = try #require(budget.lease(0))
        let reply = await call.answer(body, memory: lease)
        let text = String(decoding: reply.body.prefix(1000), as: UTF8.self)
        #expect(reply.status == status, "\(operation): \(text)")
        return reply.body.isEmpty ? .null : try JSONValue(parsing: reply.body)
    }

    /// The answer to a body in some format.
    func reply(_ operation: String, _ body: [UInt8], contentType: String) async throws -> AWSReply {
        let head = RequestHead(
            method: "POST", [("Content-Type", contentType), ("X-Amz-Target", "Kinesis_20131202.\(operation)")],
            bodyLength: body.count)
        switch dispatcher.admit(head) {
        case .answer(let reply): return reply
        case .call(let call): return await call.answer(body, memory: try #require(budget.lease(0)))
        }
    }

    /// Calls an operation that must fail; the type and message of the error.
    func refused(_ operation: String, _ request: JSONValue, status: Int = 400) async throws -> (type: String, message: String) {
        let answer = try await call(operation, request, expecting: status)
        return (answer["__type"]?.string ?? "", answer["message"]?.string ?? answer["Message"]?.string ?? "")
    }

    func create(_ name: String = "s", shards: Int64 = 1) async throws {
        _ = try await call("CreateStream", ["StreamName": .string(name), "ShardCount": .number(String(shards))])
    }

    /// Puts a record and gives its sequence number.
    @discardableResult
    func put(_ text: String, key: String = "k", stream: String = "s") async throws -> String {
        let answer = try await call(
            "PutRecord",
            ["StreamName": .string(stream), "PartitionKey": .string(key), "Data": .string(Base64.encode(Array(text.utf8)))])
        return try #require(answer["SequenceNumber"]?.string)
    }

    func iterator(
        _ type: String = "TRIM_HORIZON", shard: String = "shardId-000000000000", stream: String = "s",
        _ more: [(String, JSONValue)] = []
    ) async throws -> String {
        var request = JSONObject([
            .init(name: "StreamName", value: .string(stream)), .init(name: "ShardId", value: .string(shard)),
            .init(name: "ShardIteratorType", value: .string(type)),
        ])
        for (name, value) in more { request[name] = value }
        return try #require(try await call("GetShardIterator", .object(request))["ShardIterator"]?.string)
    }

    func get(_ iterator: String, limit: Int64? = nil) async throws -> Page {
        var request = JSONObject([.init(name: "ShardIterator", value: .string(iterator))])
        request["Limit"] = limit.map { .number(String($0)) }
        return Page(try await call("GetRecords", .object(request)))
    }

    func description(_ name: String = "s") async throws -> StreamDescription { try await store.stream(StreamKey(name)) }
}

/// A GetRecords answer.
struct Page {
    var answer: JSONValue
    init(_ answer: JSONValue) { self.answer = answer }

    var texts: [String] {
        (answer["Records"]?.array ?? []).map { String(decoding: Base64.decode($0["Data"]?.string ?? "") ?? [], as: UTF8.self) }
    }
    var numbers: [String] { (answer["Records"]?.array ?? []).compactMap { $0["SequenceNumber"]?.string } }
    var next: String? { answer["NextShardIterator"]?.string }
    var lag: Int64? { answer["MillisBehindLatest"]?.integer }
}
