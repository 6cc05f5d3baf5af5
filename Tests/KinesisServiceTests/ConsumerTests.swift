/// Registered consumers through the API.

import AWSWire
import KinesisService
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct ConsumerTests {
    private let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    private func register(_ name: String, _ kinesis: Harness) async throws -> JSONValue {
        let answer = try await kinesis.call("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": .string(name)])
        return try #require(answer["Consumer"])
    }

    @Test("a consumer is registered, described by ARN and by name, and deregistered")
    func life() async throws {
        let kinesis = Harness { $0.lifecycleMilliseconds = 1000 }
        try await kinesis.create()
        let consumer = try await register("c", kinesis)
        #expect(consumer["ConsumerStatus"] == "CREATING")
        let second = kinesis.store.now / 1000
        #expect(consumer["ConsumerARN"] == .string("\(arn.string ?? "")/consumer/c:\(second)"))
        let consumerARN = try #require(consumer["ConsumerARN"])
        func status() async throws -> JSONValue? {
            try await kinesis.call("DescribeStreamConsumer", ["ConsumerARN": consumerARN])["ConsumerDescription"]?["ConsumerStatus"]
        }
        #expect(try await status() == "CREATING")
        kinesis.store.advance(milliseconds: 1000)
        #expect(try await status() == "ACTIVE")
        let byName = try await kinesis.call("DescribeStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"])
        #expect(byName["ConsumerDescription"]?["StreamARN"] == arn)
        let mismatch = try await kinesis.refused("DescribeStreamConsumer", ["ConsumerARN": consumerARN, "ConsumerName": "d"])
        #expect(mismatch.type == "InvalidArgumentException")
        #expect(try await kinesis.call("DeregisterStreamConsumer", ["ConsumerARN": consumerARN]) == .null)
        #expect(
            try await kinesis.refused("DescribeStreamConsumer", ["ConsumerARN": consumerARN]).type == "ResourceNotFoundException")
        try await kinesis.call("DeleteStream", ["StreamName": "s"])
    }

    @Test("consumers are listed by name, in pages that hold for five minutes")
    func pages() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        for number in [3, 1, 4, 0, 2] { _ = try await register("c\(number)", kinesis) }
        var names: [String] = []
        var request: JSONObject = JSONObject([.init(name: "StreamARN", value: arn), .init(name: "MaxResults", value: 2)])
        var token: JSONValue?
        repeat {
            request["NextToken"] = token
            let page = try await kinesis.call("ListStreamConsumers", .object(request))
            let consumers = try #require(page["Consumers"]?.array)
            #expect(consumers.count <= 2)
            names += consumers.compactMap { $0["ConsumerName"]?.string }
            token = page["NextToken"]
        } while token != nil
        #expect(names == ["c0", "c1", "c2", "c3", "c4"])
        let first = try await kinesis.call("ListStreamConsumers", ["StreamARN": arn, "MaxResults": 1])
        kinesis.store.advance(milliseconds: 300_001)
        let late = try await kinesis.refused(
            "ListStreamConsumers", ["StreamARN": arn, "NextToken": try #require(first["NextToken"])])
        #expect(late.type == "ExpiredNextTokenException")
    }

    @Test("a quota is held to where there is one")
    func quota() async throws {
        let kinesis = Harness { $0.consumerLimit = 2 }
        try await kinesis.create()
        for name in ["a", "b"] { _ = try await register(name, kinesis) }
        #expect(
            try await kinesis.refused("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c"]).type
                == "LimitExceededException")
    }

    @Test("one stream's consumers and their tags take their part of what is kept on the node, not all of it")
    func boundOfAttributes() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        try await kinesis.create("t")
        let tags = JSONValue.object(
            JSONObject(
                (0..<50).map {
                    .init(name: "\($0)" + String(repeating: "k", count: 120), value: .string(String(repeating: "v", count: 256)))
                }))
        func registerFat(_ name: String) async throws -> AWSReply {
            let body: JSONValue = ["StreamARN": arn, "ConsumerName": .string(name), "Tags": tags]
            return try await kinesis.reply(
                "RegisterStreamConsumer", body.serialized, contentType: "application/x-amz-json-1.1")
        }
        var refused: AWSReply?
        for number in 0..<20 where refused == nil {
            let reply = try await registerFat("c\(number)")
            if reply.status != 200 { refused = reply }
        }
        let error = try JSONValue(parsing: try #require(refused).body)
        #expect(error["__type"] == "LimitExceededException")
        #expect(error["message"]?.string?.contains("of at most 65536 bytes") == true)
        // What makes it smaller, or has nothing to do with it, goes on.
        try await kinesis.call(
            "UpdateShardCount", ["StreamName": "s", "TargetShardCount": 2, "ScalingType": "UNIFORM_SCALING"])
        try await kinesis.call("DeregisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c0"])
        #expect(try await registerFat("c0").status == 200)
        try await kinesis.call(
            "RegisterStreamConsumer",
            ["StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/t", "ConsumerName": "c"])
    }

    @Test("a token of any length is told to be wrong, not the request to be too long")
    func longToken() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        for length in [1000, 1 << 20] {
            let token = JSONValue.string(String(repeating: "A", count: length))
            for (operation, request) in [
                ("ListStreamConsumers", ["StreamARN": arn, "NextToken": token]), ("ListShards", ["NextToken": token]),
                ("ListStreams", ["NextToken": token]),
            ] as [(String, JSONValue)] {
                let error = try await kinesis.refused(operation, request)
                #expect(error.type == "InvalidArgumentException", "\(operation) \(length)")
            }
        }
    }
}
