/// Subscriptions: what the events say, when they come, and how a subscription ends.

import AWSWire
import KinesisService
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

@Suite struct SubscribeTests {
    private let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"

    /// Takes the answer of a call: an error, or a stream whose pieces are asked for one by one.
    private final class Sink: ReplySink {
        enum Answer: Sendable {
            case stream(ReplyHead, ReplyStream)
            case error(type: String, message: String)
        }
        private let done: @Sendable (Answer) -> Void
        init(_ done: @escaping @Sendable (Answer) -> Void) { self.done = done }

        func send(_ head: ReplyHead, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int) {
            let body = [UInt8](unsafeUninitializedCapacity: capacity) { $1 = write(UnsafeMutableRawBufferPointer($0)) }
            let answer = try? JSONValue(parsing: body)
            done(.error(type: answer?["__type"]?.string ?? "", message: answer?["message"]?.string ?? ""))
        }
        func send(_ head: ReplyHead, _ stream: ReplyStream) { done(.stream(head, stream)) }
    }

    private func subscribe(
        _ kinesis: Harness, _ consumer: JSONValue, _ position: JSONValue = ["Type": "TRIM_HORIZON"],
        shard: JSONValue = "shardId-000000000000"
    ) async throws -> Sink.Answer {
        let body = (["ConsumerARN": consumer, "ShardId": shard, "StartingPosition": position] as JSONValue).serialized
        let call = try #require(kinesis.admit("SubscribeToShard", bodyLength: body.count))
        let lease = try #require(kinesis.budget.lease(0))
        return await withCheckedContinuation { continuation in
            body.withUnsafeBytes { body in
                call.start(body, memory: lease, loop: AnswerLoop { $0() }, sink: Sink { continuation.resume(returning: $0) })
            }
        }
    }

    /// A stream of events behind its greeting.
    private func events(_ answer: Sink.Answer) async throws -> ReplyStream {
        guard case .stream(let head, let stream) = answer else {
            Issue.record("\(answer)")
            throw CancellationError()
        }
        #expect("\(try #require(head.contentType))" == "application/vnd.amazon.eventstream")
        let greeting = try #require(try await message(stream))
        #expect(greeting.headers[":event-type"] == "initial-response" && greeting.payload == [:])
        return stream
    }

    private func message(_ stream: ReplyStream) async throws -> EventMessage? {
        try await stream.next().map { try EventMessage($0) }
    }

    /// The message that ends a stream. Where the clock is moved, words that it lives may come before.
    private func ending(_ stream: ReplyStream) async throws -> EventMessage? {
        while let message = try await message(stream) {
            if message.headers[":message-type"] == "exception" { return message }
        }
        return nil
    }

    private func register(_ kinesis: Harness, _ name: String = "c") async throws -> JSONValue {
        let answer = try await kinesis.call("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": .string(name)])
        return try #require(answer["Consumer"]?["ConsumerARN"])
    }

    @Test("records that are there come at once, later ones as they are committed")
    func pushes() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        let first = try await kinesis.put("one")
        let consumer = try await register(kinesis)
        let stream = try await events(try await subscribe(kinesis, consumer))
        let one = try #require(try await message(stream))
        #expect(one.headers[":event-type"] == "SubscribeToShardEvent" && one.headers[":message-type"] == "event")
        #expect(one.headers[":content-type"] == "application/x-amz-json-1.1")
        #expect(one.texts == ["one"] && one.payload["MillisBehindLatest"] == 0)
        #expect(one.payload["ContinuationSequenceNumber"]?.string == first)
        #expect(one.payload["ChildShards"] == nil)
        async let next = message(stream)
        let second = try await kinesis.put("two")
        let two = try #require(try await next)
        #expect(two.texts == ["two"] && two.payload["ContinuationSequenceNumber"]?.string == second)
        stream.close()
        #expect(try await stream.next() == nil)
    }

    @Test("under strict limits a consumer gets 2 MiB a second of a shard, and an event is paid for before the next one")
    func strictLimits() async throws {
        let kinesis = Harness {
            $0.strictLimits = true
            $0.subscriptions.eventBytes = 300_000
        }
        try await kinesis.create()
        let data = JSONValue.string(Base64.encode([UInt8](repeating: 65, count: 299_999)))
        for _ in 0..<3 { try await kinesis.call("PutRecord", ["StreamName": "s", "PartitionKey": "k", "Data": data]) }
        let stream = try await events(try await subscribe(kinesis, try await register(kinesis)))
        let begun = kinesis.store.now
        for number in 0..<3 {
            let next = Task { try await message(stream) }
            let came = Mutex(false)
            let watch = Task {
                _ = try? await next.value
                came.withLock { $0 = true }
            }
            // The store's clock goes on by itself only here.
            while !came.withLock({ $0 }) {
                try await Task.sleep(for: .milliseconds(1))
                if !came.withLock({ $0 }) { kinesis.store.advance(milliseconds: 1) }
            }
            await watch.value
            #expect(try await next.value?.texts.count == 1)
            // 300,000 bytes take 143.05 ms.
            #expect(kinesis.store.now - begun >= Int64(Double(number) * 143.05))
        }
        stream.close()
    }

    @Test("where to go on is told even when there were no records, and going on there misses nothing")
    func heartbeats() async throws {
        let kinesis = Harness {
            $0.subscriptions.heartbeatMilliseconds = 10
            $0.subscriptions.holdMilliseconds = 0
        }
        try await kinesis.create()
        try await kinesis.put("old")
        let consumer = try await register(kinesis)
        let stream = try await events(try await subscribe(kinesis, consumer, ["Type": "LATEST"]))
        let beat = try #require(try await message(stream))
        #expect(beat.texts == [] && beat.payload["MillisBehindLatest"] == 0)
        stream.close()
        try await kinesis.put("new")
        let position = try #require(beat.payload["ContinuationSequenceNumber"])
        let next = try await events(
            try await subscribe(kinesis, consumer, ["Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position]))
        #expect(try await message(next)?.texts == ["new"])
        next.close()
    }

    @Test("a shard that was split ends with its children, and without a place to go on")
    func ends() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        let consumer = try await register(kinesis)
        let stream = try await events(try await subscribe(kinesis, consumer))
        try await kinesis.put("last")
        #expect(try await message(stream)?.texts == ["last"])
        async let end = message(stream)
        try await kinesis.call(
            "SplitShard", ["StreamName": "s", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "1000"])
        let last = try #require(try await end)
        #expect(last.payload["ContinuationSequenceNumber"] == nil && last.payload["MillisBehindLatest"] == 0)
        let children = try #require(last.payload["ChildShards"]?.array)
        #expect(children.map { $0["ShardId"]?.string } == ["shardId-000000000001", "shardId-000000000002"])
        #expect(children.allSatisfy { $0["ParentShards"] == ["shardId-000000000000"] })
        #expect(try await stream.next() == nil)
        let child = try await events(try await subscribe(kinesis, consumer, shard: "shardId-000000000002"))
        try await kinesis.put("in the child")
        #expect(try await message(child)?.texts == ["in the child"])
        child.close()
    }

    @Test("nobody takes a shard over within five seconds; after them the former subscriber is told")
    func takeOver() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        let consumer = try await register(kinesis)
        let first = try await events(try await subscribe(kinesis, consumer))
        guard case .error(let type, let text) = try await subscribe(kinesis, consumer) else {
            return _ = Issue.record("a second subscription was taken")
        }
        #expect(type == "ResourceInUseException")
        #expect(text == "Another active subscription exists for this consumer: 000000000000:s:shardId-000000000000:c")
        // Another consumer has its own.
        let other = try await events(try await subscribe(kinesis, try await register(kinesis, "d")))
        other.close()
        async let told = ending(first)
        kinesis.store.advance(milliseconds: 5000)
        let second = try await events(try await subscribe(kinesis, consumer))
        let end = try #require(try await told)
        #expect(end.headers[":message-type"] == "exception" && end.headers[":exception-type"] == "ResourceInUseException")
        #expect(end.payload["message"]?.string == text)
        #expect(try await first.next() == nil)
        try await kinesis.put("for the second")
        #expect(try await message(second)?.texts == ["for the second"])
        second.close()
    }

    @Test("a subscription lasts five minutes")
    func session() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        let stream = try await events(try await subscribe(kinesis, try await register(kinesis)))
        kinesis.store.advance(milliseconds: 299_999)
        try await kinesis.put("in time")
        #expect(try await message(stream)?.texts == ["in time"])
        kinesis.store.advance(milliseconds: 1)
        try await kinesis.put("too late")
        #expect(try await stream.next() == nil)
    }

    @Test("a consumer that is deregistered, or whose stream is deleted, is told")
    func gone() async throws {
        let kinesis = Harness { $0.subscriptions.holdMilliseconds = 0 }
        try await kinesis.create()
        let consumer = try await register(kinesis)
        let first = try await events(try await subscribe(kinesis, consumer))
        async let told = message(first)
        try await kinesis.call("DeregisterStreamConsumer", ["ConsumerARN": consumer])
        #expect(try await told?.headers[":exception-type"] == "ResourceNotFoundException")
        let second = try await events(try await subscribe(kinesis, try await register(kinesis, "d")))
        async let toldToo = message(second)
        try await kinesis.call("DeleteStream", ["StreamName": "s", "EnforceConsumerDeletion": true])
        #expect(try await toldToo?.headers[":exception-type"] == "ResourceNotFoundException")
        #expect(try await second.next() == nil)
    }

    @Test("what waits holds little memory, and what is large comes in several events")
    func memory() async throws {
        let kinesis = Harness { $0.subscriptions.eventBytes = 10_000 }
        try await kinesis.create()
        for number in 0..<30 { try await kinesis.put("\(number) " + String(repeating: "x", count: 1000)) }
        let stream = try await events(try await subscribe(kinesis, try await register(kinesis)))
        var texts: [String] = []
        var count = 0
        while texts.count < 30 {
            let event = try #require(try await message(stream))
            texts += event.texts
            count += 1
            #expect(event.texts.count < 12)
            #expect((event.payload["MillisBehindLatest"]?.integer == 0) == (texts.count == 30))
        }
        #expect(count >= 3 && texts.map { String($0.prefix(2)) } == (0..<30).map { String("\($0) ".prefix(2)) })
        async let waits = stream.next()
        #expect(kinesis.budget.reserved <= 64 << 10)
        stream.close()
        #expect(try await waits == nil)
    }

    private final class Progress: Sendable {
        let got = Mutex(0)
        /// Whether the peers take what they have.
        let isTaken = Mutex(false)
    }

    @Test("events that wait for slow peers take no more than their part, and go on when one is taken")
    func share() async throws {
        let kinesis = Harness { $0.subscriptions.memoryBytes = 1 << 20 }
        try await kinesis.create()
        try await kinesis.put(String(repeating: "x", count: 250_000))
        var streams: [ReplyStream] = []
        for name in ["a", "b", "c", "d", "e", "f"] {
            streams.append(try await events(try await subscribe(kinesis, try await register(kinesis, name))))
        }
        let progress = Progress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stream in streams {
                group.addTask {
                    if try await stream.next() != nil { progress.got.withLock { $0 += 1 } }
                    while !progress.isTaken.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
                    while try await stream.next() != nil {}
                }
            }
            // As many as there is room for have theirs, then nobody gets any more.
            while progress.got.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            for _ in 0..<30 {
                try await Task.sleep(for: .milliseconds(10))
                #expect(kinesis.budget.reserved <= (1 << 20) + 6 * (16 << 10))
            }
            #expect((1..<4).contains(progress.got.withLock { $0 }))
            progress.isTaken.withLock { $0 = true }
            while progress.got.withLock({ $0 }) < 6 { try await Task.sleep(for: .milliseconds(5)) }
            for stream in streams { stream.close() }
            try await group.waitForAll()
        }
    }

    @Test("a record that is larger than the part of all subscriptions comes all the same")
    func aloneInShare() async throws {
        let kinesis = Harness { $0.subscriptions.memoryBytes = 100_000 }
        try await kinesis.create()
        let text = String(repeating: "x", count: 250_000)
        try await kinesis.put(text)
        let stream = try await events(try await subscribe(kinesis, try await register(kinesis)))
        #expect(try await message(stream)?.texts == [text])
        stream.close()
    }

    @Test("a position that does not fit the shard is refused")
    func positions() async throws {
        let kinesis = Harness()
        try await kinesis.create(shards: 2)
        let consumer = try await register(kinesis)
        let number = JSONValue.string(try await kinesis.put("x"))
        for position: JSONValue in [
            ["Type": "AT_SEQUENCE_NUMBER"], ["Type": "LATEST", "SequenceNumber": number], ["Type": "AT_TIMESTAMP"],
            ["Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "5"],
        ] {
            guard case .error(let type, _) = try await subscribe(kinesis, consumer, position) else {
                Issue.record("\(position)")
                continue
            }
            #expect(type == "InvalidArgumentException")
        }
        guard case .error(let type, _) = try await subscribe(kinesis, consumer, shard: "shardId-000000000009") else {
            return _ = Issue.record("a shard that does not exist")
        }
        #expect(type == "ResourceNotFoundException")
    }
}

/// A message of an event stream, taken apart by the book.
struct EventMessage {
    var headers: [String: String] = [:]
    var payload: JSONValue

    struct Malformed: Error {}

    init(_ bytes: [UInt8]) throws {
        func number(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        guard bytes.count >= 16, number(0) == bytes.count, number(8) == Self.crc(bytes[..<8]),
            number(bytes.count - 4) == Self.crc(bytes[..<(bytes.count - 4)])
        else { throw Malformed() }
        var place = 12
        let end = 12 + number(4)
        func text(_ count: Int) -> String {
            defer { place += count }
            return String(decoding: bytes[place..<place + count], as: UTF8.self)
        }
        while place < end {
            let length = Int(bytes[place])
            place += 1
            let name = text(length)
            guard bytes[place] == 7 else { throw Malformed() }
            let count = Int(bytes[place + 1]) << 8 | Int(bytes[place + 2])
            place += 3
            headers[name] = text(count)
        }
        payload = try JSONValue(parsing: Array(bytes[end..<(bytes.count - 4)]))
    }

    var texts: [String] {
        (payload["Records"]?.array ?? []).map { String(decoding: Base64.decode($0["Data"]?.string ?? "") ?? [], as: UTF8.self) }
    }

    /// Bit by bit, as RFC 1952 has it.
    private static func crc(_ bytes: ArraySlice<UInt8>) -> Int {
        var register: UInt32 = .max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
        }
        return Int(~register)
    }
}
