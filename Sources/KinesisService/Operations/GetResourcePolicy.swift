/// GetResourcePolicy: who may do what with a stream or a consumer (Kinesis API, GetResourcePolicy).

import AWSWire
import StreamStore

enum GetResourcePolicy: AWSOperation {
    struct Response: AWSResponse {
        var policy: String

        func write(to writer: inout WireWriter) {
            writer.object { $0.field("Policy", policy) }
        }
    }

    typealias Request = ResourceRequest
    static let rules = Request.resourceRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let (stream, consumer) = try await kinesis.resource(request)
        let policy = consumer == nil ? try await kinesis.attributes(of: stream).policy : consumer?.policy
        // What AWS answers where there is none.
        return Response(policy: policy ?? "{}")
    }
}
