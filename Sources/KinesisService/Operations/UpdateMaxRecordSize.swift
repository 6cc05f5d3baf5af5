/// UpdateMaxRecordSize: how large a stream's records may be from now on (Kinesis API, UpdateMaxRecordSize).

import AWSWire
import StreamStore

enum UpdateMaxRecordSize: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String? { nil }
        var streamARN: String?
        var maxRecordKiB: Int?

        init(_ fields: WireFields) throws(AWSError) {
            streamARN = try fields.string("StreamARN")
            maxRecordKiB = try fields.integer("MaxRecordSizeInKiB")
        }
    }

    static let rules: [Rule<Request>] = [
        .member(
            "streamARN", \.streamARN, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1), .maxLength(2048)),
        .member("maxRecordSizeInKiB", \.maxRecordKiB, .notNull, .atLeast(1024), .atMost(10_240)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let stream = try await kinesis.stream(request)
        try await kinesis.changeAttributes(of: stream) { $0.maxRecordKiB = request.maxRecordKiB ?? $0.maxRecordKiB }
        return Nothing()
    }
}
