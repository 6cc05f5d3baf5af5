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
        var attributes: StreamAttributes
        var arn: String

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("StreamDescriptionSummary") { writer in
                    writer.identity(stream, arn: arn)
                    writer.properties(stream, attributes)
                    writer.field("OpenShardCount", stream.status == .creating ? 0 : stream.openShards.count)
                    writer.field("ConsumerCount", attributes.consumers.count)
                    if let throughput = attributes.warmThroughputMiBps {
                        writer.warmThroughput(target: throughput, current: throughput)
                    }
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
        return Response(
            stream: stream, attributes: try await kinesis.attributes(of: stream), arn: kinesis.arn(stream.key.name, call.region))
    }
}
