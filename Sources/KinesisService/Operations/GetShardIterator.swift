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

    static let rules: [Rule<Request>] =
        [
            .member("shardId", \.shardID, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member(
                "shardIteratorType", \.type, .notNull,
                .oneOf(StartingPoint.kinds)),
            .member("startingSequenceNumber", \.startingSequenceNumber, .pattern(.sequenceNumber)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = try kinesis.name(of: request)
        let id = try kinesis.shardID(request.shardID ?? "", of: name)
        let (stream, shard) = try await kinesis.shard(id, ofStreamNamed: name)
        let start = StartingPoint(
            type: request.type, sequenceNumber: request.startingSequenceNumber, timestamp: request.timestamp, operation: Self.name)
        let iterator = ShardIterator(
            streamName: name, shard: ShardReference(stream.id, id), offset: try await start.offset(in: shard, of: stream, kinesis),
            createdMilliseconds: kinesis.now)
        return Response(iterator: try iterator.sealed(kinesis.tokens))
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
