/// ListNamedConsumers: the named consumers of a stream, or of all, in pages. An operation of Millrace's own.

import AWSWire
import Consumers
import StreamStore

enum ListNamedConsumers: AWSOperation {
    struct Request: WireReadable {
        var streamName: String?
        var nextToken: String?
        var maxResults: Int?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            nextToken = try fields.string("NextToken")
            maxResults = try fields.integer("MaxResults")
        }
    }

    struct Response: AWSResponse {
        var consumers: [ConsumerDescription]
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Consumers", consumers) { writer, consumer in writer.object { $0.summary(consumer) } }
                writer.field("NextToken", nextToken)
            }
        }
    }

    static let rules: [Rule<Request>] = [
        .member("streamName", \.streamName, .pattern(.name), .minLength(1), .maxLength(128)),
        .member("nextToken", \.nextToken, .minLength(1), .maxLength(300)),
        .member("maxResults", \.maxResults, .atLeast(1), .atMost(1_000)),
    ]
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10
    private static let defaultResults = 100

    static func resources(_ request: Request, _ service: ConsumerService) -> [ResourceName] {
        [request.streamName.map(ConsumerService.stream) ?? .all(of: "kinesis")]
    }

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> Response {
        var after: (stream: String, name: String)?
        if let token = request.nextToken {
            let parts = token.split(separator: "/").map(String.init)
            guard parts.count == 2 else { throw AWSError(.invalidArgument, "NextToken \(token) is none of ours.") }
            after = (parts[0], parts[1])
        }
        let (from, limit) = (after, request.maxResults ?? defaultResults)
        return try await service.call { () async throws(ConsumerError) -> Response in
            let page = try await service.consumers.list(of: request.streamName, after: from, limit: limit + 1)
            let last = page.count > limit ? page[limit - 1] : nil
            return Response(
                consumers: Array(page.prefix(limit)), nextToken: last.map { "\($0.stream.name)/\($0.name)" })
        }
    }
}
