/// DescribeStreamSummary: a stream without its shards (Kinesis API, DescribeStreamSummary).

import AWSWire
import StreamStore

enum DescribeStreamSummary: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var stream: StreamDescription
        var arn: String

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("StreamDescriptionSummary") { writer in
                    writer.identity(stream, arn: arn)
                    writer.properties(stream)
                    writer.field("OpenShardCount", stream.status == .creating ? 0 : stream.openShards.count)
                    // Registered consumers do not exist yet.
                    writer.field("ConsumerCount", 0)
                    writer.field("MaxRecordSizeInKiB", stream.maxRecordKiB)
                }
            }
        }
    }

    static let rules = Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(request)
        return Response(stream: stream, arn: kinesis.arn(stream.key.name))
    }
}
