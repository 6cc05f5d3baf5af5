/// ListStreamConsumers: the registered consumers of a stream by name, in pages (Kinesis API, ListStreamConsumers).

import AWSWire
import StreamStore

enum ListStreamConsumers: AWSOperation {
    struct Request: WireReadable {
        var streamARN: String?
        var nextToken: String?
        var maxResults: Int?
        /// Milliseconds since 1970-01-01 UTC.
        var streamCreationTimestamp: Int64?

        init(_ fields: WireFields) throws(AWSError) {
            streamARN = try fields.string("StreamARN")
            nextToken = try fields.string("NextToken")
            maxResults = try fields.integer("MaxResults")
            streamCreationTimestamp = try fields.timestamp("StreamCreationTimestamp")
        }
    }

    struct Response: AWSResponse {
        var consumers: [(consumer: StreamConsumer, status: String)]
        var streamARN: String
        /// Nil on the last page.
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Consumers", consumers) { writer, entry in
                    writer.consumer(entry.consumer, streamARN: streamARN, status: entry.status)
                }
                writer.field("NextToken", nextToken)
            }
        }
    }

    static let rules: [Rule<Request>] = [
        .member(
            "streamARN", \.streamARN, .notNull, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1),
            .maxLength(2048)),
        .member("nextToken", \.nextToken, .minLength(1), .maxLength(1_048_576)),
        .member("maxResults", \.maxResults, .atLeast(1), .atMost(10_000)),
    ]
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        request.streamARN.flatMap(KinesisARN.init).map { [kinesis.resource(ofStreamNamed: $0.stream)] } ?? []
    }
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .expiredNextToken, .limitExceeded]
    /// The longest token that the rules let pass, and what stands around it.
    static let memoryBound = (1 << 20) + (64 << 10)
    /// However many are asked for.
    static let mostResults = 100

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let now = kinesis.now
        let stream = try await kinesis.stream(arn: request.streamARN ?? "")
        var start = ""
        if let text = request.nextToken {
            if request.streamCreationTimestamp != nil {
                throw AWSError(.invalidArgument, "NextToken and StreamCreationTimestamp cannot be provided together.")
            }
            let token = try ConsumersPageToken(text, kinesis.tokens, now: now)
            guard token.stream == stream.id else { throw PageToken.invalid }
            start = token.after
        } else if let stated = request.streamCreationTimestamp, stated / 1000 != stream.createdMilliseconds / 1000 {
            throw kinesis.notFound(stream.key.name)
        }
        let rest = try await kinesis.attributes(of: stream).consumers.filter { $0.name > start }
        let page = rest.prefix(min(request.maxResults ?? mostResults, mostResults))
        var nextToken: String?
        if page.count < rest.count, let last = page.last {
            nextToken = try ConsumersPageToken(stream: stream.id, after: last.name, createdMilliseconds: now).sealed(kinesis.tokens)
        }
        return Response(
            consumers: page.map { ($0, kinesis.status(of: $0)) }, streamARN: kinesis.arn(stream.key.name, call.region),
            nextToken: nextToken)
    }
}
