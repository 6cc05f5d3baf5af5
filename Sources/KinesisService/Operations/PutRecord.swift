/// PutRecord: appends one record; it is durable when the answer is sent (Kinesis API, PutRecord).

import AWSWire
import StreamStore

enum PutRecord: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var sequenceNumberForOrdering: String?
        var entry: PutEntry
        /// Holds the parts of the record.
        var arena: [UInt8] = []
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            sequenceNumberForOrdering = try fields.string("SequenceNumberForOrdering")
            arena.reserveCapacity(fields.bodyLength)
            entry = try PutEntry(fields, arena: &arena)
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var shard: ShardDescription
        var sequenceNumber: SequenceNumber

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("ShardId", shard.id.description)
                writer.field("SequenceNumber", appendingPlain: { sequenceNumber.appendDigits(to: &$0) })
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("sequenceNumberForOrdering", \.sequenceNumberForOrdering, .pattern(.sequenceNumber)),
            Rule { request, violations in request.entry.check(request.arena, &violations) },
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    /// Room for 10 MiB of data in base64, and for some more, so that too much gets the error that says so.
    static let memoryBound = 16 << 20

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = try kinesis.name(of: request)
        if let text = request.sequenceNumberForOrdering { try check(ordering: text, name, kinesis) }
        switch try await kinesis.put([request.entry], request.arena, toStreamNamed: name) {
        case .appended(let shards, let places, let appended):
            guard let place = places.first else { throw AWSError(.internalFailure, "The record has no place.") }
            let (shard, result) = (shards[place.batch], appended[place.batch])
            return Response(
                shard: shard,
                sequenceNumber: SequenceNumber(
                    offset: result.baseOffset + Int64(place.index), in: shard, arrivalMilliseconds: result.arrivalMilliseconds))
        case .throttled(let shards):
            throw AWSError(
                .provisionedThroughputExceeded, kinesis.rateExceeded(shards.first ?? ShardID(0), stream: name))
        }
    }

    private static func check(ordering text: String, _ stream: String, _ kinesis: Kinesis) throws(AWSError) {
        guard let number = SequenceNumber(text), number.arrivalSecond <= kinesis.now / 1000 else {
            throw AWSError(
                .invalidArgument,
                "ExclusiveMinimumSequenceNumber \(text) used in PutRecord on stream \(stream) under account "
                    + "\(kinesis.settings.accountID) is invalid.")
        }
    }
}

extension Kinesis {
    func rateExceeded(_ shard: ShardID, stream: String) -> String {
        "Rate exceeded for shard \(shard) in stream \(stream) under account \(settings.accountID)."
    }
}
