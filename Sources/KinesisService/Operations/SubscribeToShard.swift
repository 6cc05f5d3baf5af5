/// SubscribeToShard: pushes a shard's records to a registered consumer as they are committed (Kinesis API, SubscribeToShard).

import AWSWire
import NodeMetrics
import StreamStore

enum SubscribeToShard: DirectOperation {
    struct Position: WireReadable {
        var type: String?
        var sequenceNumber: String?
        /// Milliseconds since 1970-01-01 UTC.
        var timestamp: Int64?

        init(_ fields: WireFields) throws(AWSError) {
            type = try fields.string("Type")
            sequenceNumber = try fields.string("SequenceNumber")
            timestamp = try fields.timestamp("Timestamp")
        }

        static let rules: [Rule<Position>] = [
            .member("type", \.type, .notNull, .oneOf(StartingPoint.kinds)),
            .member("sequenceNumber", \.sequenceNumber, .pattern(.sequenceNumber)),
        ]
    }

    struct Request: WireReadable {
        var consumerARN: String?
        var shardID: String?
        var position: Position?

        init(_ fields: WireFields) throws(AWSError) {
            consumerARN = try fields.string("ConsumerARN")
            shardID = try fields.string("ShardId")
            position = try fields.structure("StartingPosition")
        }
    }

    static let rules: [Rule<Request>] = [
        .member("consumerARN", \.consumerARN, .notNull, .pattern(.consumerARN), .minLength(1), .maxLength(2048)),
        .member("shardId", \.shardID, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
        Rule { request, violations in
            if request.position == nil { violations.add("startingPosition", "null", "Member must not be null") }
        },
        .structure("startingPosition", \.position, Position.rules),
    ]
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .invalidArgument, .resourceInUse, .limitExceeded, .accessDenied, .provisionedThroughputExceeded,
    ]
    static let memoryBound = 64 << 10

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ kinesis: Kinesis) throws(AWSError) -> Request {
        try format.request(Request.self, body, rules: rules)
    }

    static func resources(_ request: borrowing Request, _ kinesis: Kinesis) -> [ResourceName] {
        request.consumerARN.flatMap(KinesisARN.init).map { [kinesis.resource($0)] } ?? []
    }

    static func start(_ request: consuming Request, _ kinesis: Kinesis, _ call: DirectCall) {
        let request = request
        Task {
            let opened: Result<Subscription, AWSError>
            do throws(AWSError) {
                opened = .success(try await open(request, kinesis, call))
            } catch {
                opened = .failure(error)
            }
            call.loop.run {
                switch opened {
                case .success(let subscription): call.succeed(subscription.reply, contentType: EventStreamMessage.contentType)
                case .failure(let error): call.fail(error)
                }
            }
        }
    }

    private static func open(_ request: Request, _ kinesis: Kinesis, _ call: DirectCall) async throws(AWSError) -> Subscription {
        let arn = request.consumerARN ?? ""
        let (stream, found) = try await kinesis.consumer(arn)
        guard let consumer = found else { throw kinesis.consumerNotFound(arn) }
        let (name, account) = (stream.key.name, kinesis.settings.accountID)
        let id = try kinesis.shardID(request.shardID ?? "", of: name)
        guard let shard = stream.shard(id), stream.status != .creating else { throw kinesis.shardMissing(id, stream: name) }
        let status = kinesis.status(of: consumer)
        guard status == "ACTIVE" else {
            throw AWSError(
                .resourceInUse,
                "Consumer \(consumer.name) under stream \(name), account \(account) not ACTIVE, instead in state \(status)")
        }
        let start = StartingPoint(
            type: request.position?.type, sequenceNumber: request.position?.sequenceNumber, timestamp: request.position?.timestamp,
            operation: Self.name)
        let subscription = Subscription(
            SubscriptionName(stream: stream.id, consumer: consumer.path, shard: id), of: stream.key, consumer: consumer.name,
            from: try await start.offset(in: shard, of: stream, kinesis), kinesis, format: call.format, memory: call.memory)
        let another = AWSError(
            .resourceInUse, "Another active subscription exists for this consumer: \(account):\(name):\(id):\(consumer.name)")
        let hold = kinesis.settings.subscriptions.holdMilliseconds
        let minutes = kinesis.metrics.consumer(consumer.name, of: name)
        guard kinesis.subscriptions.begin(subscription, hold: hold, takenOver: another) else {
            minutes.record(kinesis.now) { $0.add(.success, 0) }
            throw another
        }
        minutes.record(kinesis.now) { values in
            values.add(.success, 1)
            values.add(.rateExceeded, 0)
        }
        return subscription
    }
}
