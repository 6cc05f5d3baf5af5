/// DescribeStreamConsumer: a registered consumer (Kinesis API, DescribeStreamConsumer).

import AWSWire
import StreamStore

enum DescribeStreamConsumer: AWSOperation {
    struct Response: AWSResponse {
        var consumer: StreamConsumer
        var streamARN: String
        var status: String

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.consumer("ConsumerDescription", consumer, streamARN: streamARN, status: status, namesStream: true)
            }
        }
    }

    typealias Request = ConsumerRequest
    static let rules = Request.consumerRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let (stream, consumer) = try await kinesis.consumer(request)
        return Response(
            consumer: consumer, streamARN: kinesis.arn(stream.key.name, call.region), status: kinesis.status(of: consumer))
    }
}
