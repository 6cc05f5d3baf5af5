/// SplitShard: ends a shard and begins two that share its hash keys (Kinesis API, SplitShard).

import AWSWire
import StreamStore

enum SplitShard: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var shardToSplit: String?
        var newStartingHashKey: String?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            shardToSplit = try fields.string("ShardToSplit")
            newStartingHashKey = try fields.string("NewStartingHashKey")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("shardToSplit", \.shardToSplit, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("newStartingHashKey", \.newStartingHashKey, .notNull, .pattern(.hashKey)),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let name = try kinesis.name(of: request)
        let shard = try kinesis.shardID(request.shardToSplit ?? "", of: name)
        let text = request.newStartingHashKey ?? ""
        try await kinesis.checkMayReshard(name, for: "SplitShard")
        guard case .key(let key) = HashKey.parse(explicit: text) else {
            throw AWSError(
                .invalidArgument,
                "Invalid NewStartingHashKey. NewStartingHashKey must be in the range: [0, 2^128-1]. Specified value was \(text)")
        }
        do throws(StoreError) {
            _ = try await kinesis.store.splitShard(StreamKey(name), shard, at: key)
        } catch {
            throw kinesis.reshardError(error, stream: name)
        }
        return Nothing()
    }
}

extension Kinesis {
    /// - Throws: `.validation` for a stream whose shards are the service's to choose; `.resourceInUse` for one that is being scaled, which the
    ///   store does not know of.
    func checkMayReshard(_ name: String, for operation: String) async throws(AWSError) {
        let stream = try await stream(named: name)
        guard stream.mode == .provisioned else {
            throw AWSError(
                .validation,
                "\(operation) is only supported for data streams with the provisioned capacity mode. Stream \(name) is in ON_DEMAND "
                    + "mode.")
        }
        if stream.status == .updating { throw awsError(.streamBusy(stream.key, stream.status)) }
    }

    /// As `awsError`, in the words for those who split or merge.
    func reshardError(_ error: StoreError, stream: String) -> AWSError {
        let account = settings.accountID
        return switch error {
        case .shardNotFound(let shard):
            AWSError(.resourceNotFound, "Could not find shard \(shard.shard) in stream \(stream) under account \(account).")
        case .shardClosed(let shard):
            AWSError(
                .invalidArgument,
                "Shard \(shard.shard) in stream \(stream) under account \(account) has already been merged or split, and thus is not "
                    + "eligible for merging or splitting.")
        case .hashKeyOutsideShard(let shard, let key, let range):
            AWSError(
                .invalidArgument,
                "NewStartingHashKey \(key) used in SplitShard() on shard \(shard.shard) in stream \(stream) under account \(account) is "
                    + "not both greater than one plus the shard's StartingHashKey \(range.start) and less than the shard's EndingHashKey "
                    + "\(range.end).")
        case .shardsNotAdjacent(let shard, let adjacent):
            AWSError(
                .invalidArgument,
                "Shards \(shard.shard) and \(adjacent) in stream \(stream) under account \(account) are not an adjacent pair of shards "
                    + "eligible for merging")
        default: awsError(error)
        }
    }
}
