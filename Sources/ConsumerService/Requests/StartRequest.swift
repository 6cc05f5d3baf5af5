/// Where a consumer is to begin, as requests say it: the StartingPosition of SubscribeToShard (Kinesis API).

import AWSWire
import Consumers
import StreamStore

struct StartRequest: WireReadable {
    var type: String?
    var sequenceNumber: String?
    /// Milliseconds since 1970-01-01 UTC.
    var timestamp: Int64?

    init(_ fields: WireFields) throws(AWSError) {
        type = try fields.string("Type")
        sequenceNumber = try fields.string("SequenceNumber")
        timestamp = try fields.timestamp("Timestamp")
    }

    static let rules: [Rule<StartRequest>] = [
        .member("type", \.type, .notNull, .oneOf(["LATEST", "AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON"])),
        .member("sequenceNumber", \.sequenceNumber, .pattern(.sequenceNumber)),
    ]

    /// - Throws: `.invalidArgument` for what does not fit together.
    func start() throws(AWSError) -> ConsumerStart {
        switch (type, sequenceNumber, timestamp) {
        case ("TRIM_HORIZON", nil, nil): return .trimHorizon
        case ("LATEST", nil, nil): return .latest
        case ("AT_TIMESTAMP", nil, let timestamp?): return .atTimestamp(timestamp)
        case ("AT_SEQUENCE_NUMBER", let text?, nil):
            guard let number = SequenceNumber(text) else { throw AWSError(.invalidArgument, "SequenceNumber \(text) is none.") }
            return .atSequenceNumber(number)
        default:
            throw AWSError(
                .invalidArgument,
                "StartingPosition \(type ?? "null") takes "
                    + (type == "AT_TIMESTAMP" ? "a Timestamp" : type == "AT_SEQUENCE_NUMBER" ? "a SequenceNumber" : "nothing")
                    + " and nothing else.")
        }
    }
}
