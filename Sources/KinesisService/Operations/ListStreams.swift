/// ListStreams: the streams of the account by name, in pages (Kinesis API, ListStreams).

import AWSWire
import StreamStore

enum ListStreams: AWSOperation {
    struct Request: WireReadable {
        var limit: Int?
        var exclusiveStartStreamName: String?
        var nextToken: String?

        init(_ fields: WireFields) throws(AWSError) {
            limit = try fields.integer("Limit")
            exclusiveStartStreamName = try fields.string("ExclusiveStartStreamName")
            nextToken = try fields.string("NextToken")
        }
    }

    struct Response: AWSResponse {
        var streams: [(stream: StreamDescription, arn: String)]
        /// Nil on the last page.
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("StreamNames", streams.map(\.stream.key.name))
                writer.field("HasMoreStreams", nextToken != nil)
                writer.field("NextToken", nextToken)
                writer.list("StreamSummaries", streams) { writer, entry in
                    writer.object { $0.identity(entry.stream, arn: entry.arn) }
                }
            }
        }
    }

    static let rules: [Rule<Request>] = [
        .member("limit", \.limit, .atLeast(1), .atMost(10_000)),
        .member("exclusiveStartStreamName", \.exclusiveStartStreamName, .pattern(.name), .minLength(1), .maxLength(128)),
        .member("nextToken", \.nextToken, .minLength(1), .maxLength(1_048_576)),
    ]
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { [.all(of: "kinesis")] }
    static let errors: [AWSError.Name] = [.invalidArgument, .expiredNextToken, .limitExceeded]
    /// The longest token that the rules let pass, and what stands around it.
    static let memoryBound = (1 << 20) + (64 << 10)
    static let defaultLimit = 100

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let now = kinesis.now
        var start = request.exclusiveStartStreamName ?? ""
        if let token = request.nextToken { start = try StreamsPageToken.open(token, now: now, kinesis.tokens) }
        let streams: [StreamDescription]
        do throws(StoreError) {
            streams = try await kinesis.store.streams(in: .stream)
        } catch {
            throw kinesis.awsError(error)
        }
        let rest = streams.filter { $0.key.name > start }
        let page = rest.prefix(request.limit ?? defaultLimit)
        var nextToken: String?
        if page.count < rest.count, let last = page.last {
            nextToken = try StreamsPageToken.seal(after: last.key.name, now: now, kinesis.tokens)
        }
        var entries: [(stream: StreamDescription, arn: String)] = []
        for stream in page {
            let attributes = try await kinesis.attributes(of: stream)
            entries.append((attributes.applied(to: stream), kinesis.arn(stream.key.name, call.region)))
        }
        return Response(streams: entries, nextToken: nextToken)
    }
}
