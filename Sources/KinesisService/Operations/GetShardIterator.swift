/// GetShardIterator: where in a shard reading begins (Kinesis API, GetShardIterator).

import AWSWire
import StreamStore

enum GetShardIterator: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var shardID: String?
        var type: String?
        var startingSequenceNumber: String?
        var streamName: String?
        var streamARN: String?
        /// Milliseconds since 1970-01-01 UTC.
        var timestamp: Int64?

        init(_ fields: WireFields) throws(AWSError) {
            shardID = try fields.string("ShardId")
            type = try fields.string("ShardIteratorType")
            startingSequenceNumber = try fields.string("StartingSequenceNumber")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
            timestamp = try fields.timestamp("Timestamp")
        }
    }

    struct Response: AWSResponse {
        var iterator: String

        func write(to writer: inout WireWriter) {
            writer.object { $0.field("ShardIterator", iterator) }
        }
    }

    /// The iterator types.
    enum Kind: String {
        case afterSequenceNumber = "AFTER_SEQUENCE_NUMBER"
        case latest = "LATEST"
        case atTimestamp = "AT_TIMESTAMP"
        case atSequenceNumber = "AT_SEQUENCE_NUMBER"
        case trimHorizon = "TRIM_HORIZON"
    }

    static let rules: [Rule<Request>] =
        [
            .member("shardId", \.shardID, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member(
                "shardIteratorType", \.type, .notNull,
                .oneOf(["AFTER_SEQUENCE_NUMBER", "LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"])),
            .member("startingSequenceNumber", \.startingSequenceNumber, .pattern(.sequenceNumber)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = try kinesis.name(of: request)
        let id = try kinesis.shardID(request.shardID ?? "", of: name)
        let (stream, shard) = try await kinesis.shard(id, ofStreamNamed: name)
        let iterator = ShardIterator(
            streamName: name, shard: ShardReference(stream.id, id), offset: try await offset(request, stream, shard, kinesis),
            createdMilliseconds: kinesis.now)
        return Response(iterator: try iterator.sealed(kinesis.tokens))
    }

    private static func offset(
        _ request: Request, _ stream: StreamDescription, _ shard: ShardDescription, _ kinesis: Kinesis
    ) async throws(AWSError) -> Int64 {
        let kind = request.type.flatMap(Kind.init(rawValue:)) ?? .trimHorizon
        let number = try startingNumber(request, kind, stream, shard, kinesis)
        let reference = ShardReference(stream.id, shard.id)
        let time = kind == .atTimestamp ? try await time(request, kinesis) : nil
        do throws(StoreError) {
            if let time { return try await kinesis.store.firstOffset(reference, arrivedAtOrAfter: time) }
            let bounds = try await kinesis.store.bounds(reference)
            switch (kind, number) {
            case (.afterSequenceNumber, let number?): return min(number.firstOffsetAfter, bounds.highWatermark)
            case (.atSequenceNumber, let number?): return min(number.firstOffsetAtOrAfter, bounds.highWatermark)
            case (.latest, _): return bounds.highWatermark
            default: return bounds.startOffset
            }
        } catch {
            throw kinesis.awsError(error)
        }
    }

    private static func time(_ request: Request, _ kinesis: Kinesis) async throws(AWSError) -> Int64 {
        guard let timestamp = request.timestamp else {
            throw AWSError(
                .invalidArgument,
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp "
                    + "parameter.")
        }
        if await kinesis.isInFuture(timestamp) {
            throw AWSError(
                .invalidArgument,
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                    + "\(timestamp), currentTimestampInMillis: \(kinesis.now)")
        }
        return timestamp
    }

    /// The number to start from, if the type wants one.
    private static func startingNumber(
        _ request: Request, _ kind: Kind, _ stream: StreamDescription, _ shard: ShardDescription, _ kinesis: Kinesis
    ) throws(AWSError) -> SequenceNumber? {
        let wantsNumber = kind == .atSequenceNumber || kind == .afterSequenceNumber
        guard let text = request.startingSequenceNumber else {
            if wantsNumber { throw wrongCombination(kind, "no") }
            return nil
        }
        guard wantsNumber else { throw wrongCombination(kind, "also a") }
        let usage =
            "StartingSequenceNumber \(text) used in GetShardIterator on shard \(shard.id) in stream \(stream.key.name) under account "
            + "\(kinesis.settings.accountID) is invalid"
        guard let number = SequenceNumber(text) else { throw AWSError(.invalidArgument, usage + ".") }
        guard number.shard == shard.id else {
            throw AWSError(
                .invalidArgument,
                "Invalid StartingSequenceNumber. It encodes \(number.shard), while it was used in a call to a shard with \(shard.id)"
            )
        }
        guard number.belongs(to: shard) else {
            throw AWSError(.invalidArgument, usage + " because it did not come from this stream.")
        }
        return number
    }

    private static func wrongCombination(_ kind: Kind, _ article: String) -> AWSError {
        AWSError(
            .invalidArgument,
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or "
                + "LATEST and no StartingSequenceNumber. Request specified \(kind.rawValue) and \(article) StartingSequenceNumber.")
    }
}

extension Kinesis {
    /// A shard and its stream. Of a stream that does not exist, or not yet, AWS says that the shard does not exist.
    func shard(
        _ id: ShardID, ofStreamNamed name: String
    ) async throws(AWSError) -> (StreamDescription, ShardDescription) {
        let found: Result<StreamDescription, AWSError>
        do throws(AWSError) {
            found = .success(try await stream(named: name))
        } catch {
            found = .failure(error)
        }
        return try shard(id, ofStreamNamed: name, found).get()
    }

    /// The same, found at once where the store can tell; `answer` is called once, on the loop.
    func shard(
        _ id: ShardID, ofStreamNamed name: String, on loop: AnswerLoop,
        _ answer: @escaping @Sendable (Result<(StreamDescription, ShardDescription), AWSError>) -> Void
    ) {
        stream(named: name, on: loop) { answer(shard(id, ofStreamNamed: name, $0)) }
    }

    private func shard(
        _ id: ShardID, ofStreamNamed name: String, _ found: Result<StreamDescription, AWSError>
    ) -> Result<(StreamDescription, ShardDescription), AWSError> {
        switch found {
        case .success(let stream):
            if stream.status != .creating, let shard = stream.shard(id) { return .success((stream, shard)) }
        case .failure(let error):
            guard error.name == .resourceNotFound else { return .failure(error) }
        }
        return .failure(shardMissing(id, stream: name))
    }

    func shardMissing(_ shard: ShardID, stream: String) -> AWSError {
        AWSError(
            .resourceNotFound, "Shard \(shard) in stream \(stream) under account \(settings.accountID) does not exist")
    }
}
