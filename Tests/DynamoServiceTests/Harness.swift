/// A DynamoDB service on a store in memory, called as the wire calls it.

import AWSWire
import DynamoService
import Host
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
    let dynamo: Dynamo
    private let dispatcher: AWSDispatcher

    init(store: MemoryStore = MemoryStore(), _ configure: (inout Dynamo.Settings) -> Void = { _ in }) {
        self.store = store
        var settings = Dynamo.Settings(region: "us-east-1", accountID: "000000000000")
        settings.options.expiryInterval = .milliseconds(5)
        configure(&settings)
        dynamo = Dynamo(store: store, clock: StoreClock(store: store), settings: settings, metrics: metrics)
        dispatcher = AWSDispatcher([dynamo.service])
    }

    /// Calls an operation with JSON.
    func reply(_ operation: String, _ body: [UInt8]) async throws -> AWSReply {
        let head = RequestHead(
            method: "POST",
            [("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", "DynamoDB_20120810.\(operation)")],
            bodyLength: body.count)
        switch dispatcher.admit(head) {
        case .answer(let reply): return reply
        case .call(let call): return await call.answer(body, memory: try #require(budget.lease(0)))
        }
    }

    @discardableResult
    func call(_ operation: String, _ request: String, expecting status: Int = 200) async throws -> JSONValue {
        let reply = try await reply(operation, Array(request.utf8))
        #expect(reply.status == status, "\(operation): \(String(decoding: reply.body.prefix(1000), as: UTF8.self))")
        return reply.body.isEmpty ? .null : try JSONValue(parsing: reply.body)
    }

    /// A table with the partition key `pk`, and a sort key `sk` where a type is given.
    func table(_ name: String, sort: String? = nil) async throws {
        let sortKey = sort == nil ? "" : #", {"AttributeName": "sk", "KeyType": "RANGE"}"#
        let sortType = sort.map { #", {"AttributeName": "sk", "AttributeType": "\#($0)"}"# } ?? ""
        try await call(
            "CreateTable",
            """
            {"TableName": "\(name)", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}\(sortKey)],
             "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}\(sortType)]}
            """)
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
