/// UpdateStreamMode: who chooses a stream's shards, its owner or the service (Kinesis API, UpdateStreamMode).

import AWSWire
import StreamStore

enum UpdateStreamMode: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String? { nil }
        var streamARN: String?
        var mode: StreamModeDetails?
        var warmThroughput: Int?

        init(_ fields: WireFields) throws(AWSError) {
            streamARN = try fields.string("StreamARN")
            mode = try fields.structure("StreamModeDetails")
            warmThroughput = try fields.integer("WarmThroughputMiBps")
        }
    }

    static let rules: [Rule<Request>] = [
        .member(
            "streamARN", \.streamARN, .notNull, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1),
            .maxLength(2048)),
        Rule { request, violations in
            if request.mode == nil { violations.add("streamModeDetails", "null", "Member must not be null") }
        },
        .structure("streamModeDetails", \.mode, StreamModeDetails.rules),
        .member("warmThroughputMiBps", \.warmThroughput, .atLeast(0)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let stream = try await kinesis.stream(request)
        let mode = request.mode?.streamMode.flatMap { StreamMode(rawValue: $0) } ?? .provisioned
        if mode == .provisioned, request.warmThroughput != nil {
            throw AWSError(.validation, "WarmThroughputMiBps can only be specified for a stream in ON_DEMAND mode.")
        }
        try await kinesis.changeAttributes(of: stream) { attributes in
            attributes.mode = mode
            attributes.warmThroughputMiBps =
                mode == .provisioned ? nil : request.warmThroughput ?? attributes.warmThroughputMiBps
        }
        return Nothing()
    }
}
