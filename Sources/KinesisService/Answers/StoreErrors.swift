/// What the store's errors are in the words of the Kinesis API: one table.

import AWSWire
import StreamStore

extension Kinesis {
    func awsError(_ error: StoreError) -> AWSError {
        let account = settings.accountID
        return switch error {
        case .streamNotFound(let key): notFound(key.name)
        case .shardNotFound(let shard):
            AWSError(.resourceNotFound, "Shard \(shard.shard) in a stream under account \(account) does not exist")
        case .streamExists(let key):
            AWSError(.resourceInUse, "Stream \(key.name) under account \(account) already exists.")
        case .streamBusy(let key, let status):
            AWSError(
                .resourceInUse, "Stream \(key.name) under account \(account) not ACTIVE, instead in state \(status.rawValue)")
        case .shardLimitExceeded(let limit, let current, let requested):
            AWSError(
                .limitExceeded,
                "This request would exceed the shard limit for the account \(account) in \(settings.region). Current shard count "
                    + "for the account: \(current). Limit: \(limit). Number of additional shards that would have resulted from "
                    + "this request: \(requested). Refer to the AWS Service Limits page "
                    + "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to "
                    + "request higher limits.")
        case .overloaded:
            AWSError(.provisionedThroughputExceeded, "Rate exceeded: memory for pending appends is used up. Try again.")
        case .readOnly(let reason): AWSError(.internalFailure, "The node takes no records: \(reason)")
        case .damaged(let shard, let from, let through):
            AWSError(
                .internalFailure,
                "Records \(from) to \(through) of shard \(shard.shard) are damaged on disk and quarantined. Read on after them.")
        case .shardClosed(let shard): AWSError(.internalFailure, "Shard \(shard.shard) was closed meanwhile. Try again.")
        case .hashKeyOutsideShard(let shard, let key, let range):
            AWSError(.invalidArgument, "Hash key \(key) does not divide shard \(shard.shard), \(range.start) to \(range.end).")
        case .shardsNotAdjacent(let shard, let adjacent):
            AWSError(.invalidArgument, "Shards \(shard.shard) and \(adjacent) are not adjacent.")
        case .offsetOutOfRange(let shard, let offset, let bounds):
            AWSError(
                .internalFailure,
                "Record \(offset) of shard \(shard.shard) is not among \(bounds.startOffset) to \(bounds.highWatermark).")
        case .conditionFailed(let failure): AWSError(.internalFailure, "The append's condition does not hold: \(failure)")
        case .fenced(let fence, _): AWSError(.internalFailure, "\(fence.owner) has a newer owner.")
        case .failed(let reason): AWSError(.internalFailure, reason)
        }
    }
}
