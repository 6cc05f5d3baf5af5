/// DescribeStream: a stream with its shards, in pages (Kinesis API, DescribeStream).

import AWSWire
import StreamStore

enum DescribeStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var limit: Int?
        var exclusiveStartShardID: String?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            limit = try fields.integer("Limit")
            exclusiveStartShardID = try fields.string("ExclusiveStartShardId")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var stream: StreamDescription
        var attributes: StreamAttributes
        var arn: String
        var shards: ArraySlice<ShardDescription>
        var hasMore: Bool

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("StreamDescription") { writer in
                    writer.identity(stream, arn: arn)
                    writer.list("Shards", shards) { writer, shard in writer.shard(shard) }
                    writer.field("HasMoreShards", hasMore)
                    writer.properties(stream, attributes)
                }
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("limit", \.limit, .atLeast(1), .atMost(10_000)),
            .member("exclusiveStartShardId", \.exclusiveStartShardID, .pattern(.name), .minLength(1), .maxLength(128)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
    static let memoryBound = 64 << 10
    static let defaultLimit = 100

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(request)
        // A stream that is being created shows no shards.
        var shards = stream.status == .creating ? [] : stream.shards[...]
        if let text = request.exclusiveStartShardID {
            let start = try kinesis.shardID(text, of: stream.key.name)
            shards = shards.drop { $0.id <= start }
        }
        let page = shards.prefix(request.limit ?? defaultLimit)
        return Response(
            stream: stream, attributes: try await kinesis.attributes(of: stream), arn: kinesis.arn(stream.key.name, call.region),
            shards: page, hasMore: page.count < shards.count)
    }
}
