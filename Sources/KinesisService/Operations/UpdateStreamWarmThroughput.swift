/// UpdateStreamWarmThroughput: what an on-demand stream is to be ready for at once (Kinesis API, UpdateStreamWarmThroughput).

import AWSWire
import StreamStore

enum UpdateStreamWarmThroughput: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String?
        var streamARN: String?
        var warmThroughput: Int?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
            warmThroughput = try fields.integer("WarmThroughputMiBps")
        }
    }

    struct Response: AWSResponse {
        var name: String
        var arn: String
        var target: Int
        /// What it was before.
        var current: Int

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("StreamARN", arn)
                writer.field("StreamName", name)
                writer.warmThroughput(target: target, current: current)
            }
        }
    }

    static let rules: [Rule<Request>] =
        [.member("warmThroughputMiBps", \.warmThroughput, .notNull, .atLeast(0))] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(request)
        let name = stream.key.name
        guard stream.mode == .onDemand else {
            throw AWSError(
                .validation,
                "Warm throughput can only be set for a stream in ON_DEMAND mode. Stream \(name) under account "
                    + "\(kinesis.settings.accountID) is in PROVISIONED mode.")
        }
        let before = try await kinesis.attributes(of: stream).warmThroughputMiBps ?? 0
        let target = request.warmThroughput ?? 0
        try await kinesis.changeAttributes(of: stream) { $0.warmThroughputMiBps = target }
        return Response(name: name, arn: kinesis.arn(name, call.region), target: target, current: before)
    }
}
