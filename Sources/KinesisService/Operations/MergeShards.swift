/// MergeShards: ends two shards whose hash keys adjoin and begins one that takes both's (Kinesis API, MergeShards).

import AWSWire
import StreamStore

enum MergeShards: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var shardToMerge: String?
        var adjacentShardToMerge: String?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            shardToMerge = try fields.string("ShardToMerge")
            adjacentShardToMerge = try fields.string("AdjacentShardToMerge")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("shardToMerge", \.shardToMerge, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("adjacentShardToMerge", \.adjacentShardToMerge, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let name = try kinesis.name(of: request)
        let shard = try kinesis.shardID(request.shardToMerge ?? "", of: name)
        let adjacent = try kinesis.shardID(request.adjacentShardToMerge ?? "", of: name)
        try await kinesis.checkMayReshard(name, for: "MergeShards")
        do throws(StoreError) {
            _ = try await kinesis.store.mergeShards(StreamKey(name), shard, adjacent)
        } catch {
            throw kinesis.reshardError(error, stream: name)
        }
        return Nothing()
    }
}
