/// ListShards: the shards of a stream that a filter names, in pages (Kinesis API, ListShards).

import AWSWire
import StreamStore

enum ListShards: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var exclusiveStartShardID: String?
        var maxResults: Int?
        var nextToken: String?
        /// Milliseconds since 1970-01-01 UTC.
        var streamCreationTimestamp: Int64?
        var shardFilter: ShardFilter?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            exclusiveStartShardID = try fields.string("ExclusiveStartShardId")
            maxResults = try fields.integer("MaxResults")
            nextToken = try fields.string("NextToken")
            streamCreationTimestamp = try fields.timestamp("StreamCreationTimestamp")
            shardFilter = try fields.structure("ShardFilter")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var shards: [ShardDescription]
        var nextToken: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Shards", shards) { writer, shard in writer.shard(shard) }
                writer.field("NextToken", nextToken)
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("exclusiveStartShardId", \.exclusiveStartShardID, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("maxResults", \.maxResults, .atLeast(1), .atMost(10_000)),
            .member("nextToken", \.nextToken, .minLength(1), .maxLength(1_048_576)),
            .structure("shardFilter", \.shardFilter, ShardFilter.rules),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .invalidArgument, .limitExceeded, .expiredNextToken, .resourceInUse,
    ]
    /// The longest token that the rules let pass, and what stands around it.
    static let memoryBound = (1 << 20) + (64 << 10)
    static let defaultMaxResults = 1000

    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        guard let token = request.nextToken else { return kinesis.resources(of: request) }
        let opened = try? ShardsPageToken(token, kinesis.tokens, now: 0)
        return opened.map { [kinesis.resource(ofStreamNamed: $0.streamName)] } ?? []
    }

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let now = kinesis.now
        let (stream, selection, after) = try await start(request, kinesis, now)
        var shards = selection.shards(of: stream)
        if let after { shards.removeAll { $0.id <= after } }
        let page = Array(shards.prefix(request.maxResults ?? defaultMaxResults))
        var nextToken: String?
        if page.count < shards.count, let last = page.last {
            nextToken = try ShardsPageToken(
                streamName: stream.key.name, stream: stream.id, after: last.id, filter: selection, createdMilliseconds: now
            ).sealed(kinesis.tokens)
        }
        return Response(shards: page, nextToken: nextToken)
    }

    /// The stream, which of its shards are meant, and after which of them the page begins.
    private static func start(
        _ request: Request, _ kinesis: Kinesis, _ now: Int64
    ) async throws(AWSError) -> (StreamDescription, ShardSelection, ShardID?) {
        if let token = request.nextToken {
            try refuseBesideToken(request)
            let token = try ShardsPageToken(token, kinesis.tokens, now: now)
            let stream = try await listable(token.streamName, kinesis)
            guard stream.id == token.stream else { throw kinesis.notFound(token.streamName) }
            return (stream, token.filter, token.after)
        }
        guard request.streamName != nil || request.streamARN != nil else {
            throw AWSError(.invalidArgument, "Either NextToken or StreamName should be provided.")
        }
        let stream = try await listable(kinesis.name(of: request), kinesis)
        if let stated = request.streamCreationTimestamp, stated / 1000 != stream.createdMilliseconds / 1000 {
            throw kinesis.notFound(stream.key.name)
        }
        let selection = try await request.shardFilter?.selection(stream, now: now, kinesis) ?? .all
        var after: ShardID?
        if let text = request.exclusiveStartShardID { after = try kinesis.shardID(text, of: stream.key.name) }
        return (stream, selection, after)
    }

    private static func refuseBesideToken(_ request: Request) throws(AWSError) {
        let others = [
            ("StreamName", request.streamName != nil), ("StreamARN", request.streamARN != nil),
            ("ExclusiveStartShardId", request.exclusiveStartShardID != nil),
            ("StreamCreationTimestamp", request.streamCreationTimestamp != nil), ("ShardFilter", request.shardFilter != nil),
        ]
        if let other = others.first(where: \.1) {
            throw AWSError(.invalidArgument, "NextToken and \(other.0) cannot be provided together.")
        }
    }

    /// A stream whose shards may be listed: AWS refuses while it is created or deleted.
    private static func listable(_ name: String, _ kinesis: Kinesis) async throws(AWSError) -> StreamDescription {
        let stream = try await kinesis.stream(named: name)
        switch stream.status {
        case .active, .updating: return stream
        case .creating, .deleting: throw kinesis.awsError(.streamBusy(stream.key, stream.status))
        }
    }
}
