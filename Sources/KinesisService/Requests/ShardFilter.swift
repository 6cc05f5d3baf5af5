/// The ShardFilter of a ListShards request, and what it means at a given time.

import AWSWire
import StreamStore

struct ShardFilter: WireReadable {
    var type: String?
    var shardID: String?
    /// Milliseconds since 1970-01-01 UTC.
    var timestamp: Int64?

    init(_ fields: WireFields) throws(AWSError) {
        type = try fields.string("Type")
        shardID = try fields.string("ShardId")
        timestamp = try fields.timestamp("Timestamp")
    }

    static let rules: [Rule<ShardFilter>] = [
        .member(
            "type", \.type, .notNull,
            .oneOf(["AFTER_SHARD_ID", "AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST", "AT_TIMESTAMP", "FROM_TIMESTAMP"])),
        .member("shardId", \.shardID, .pattern(.name), .minLength(1), .maxLength(128)),
    ]

    /// - Throws: `.invalidArgument` when the type lacks what it needs.
    func selection(_ stream: StreamDescription, now: Int64, _ kinesis: Kinesis) async throws(AWSError) -> ShardSelection {
        let trimHorizon = max(now - Int64(stream.retentionHours) * 3_600_000, stream.createdMilliseconds)
        switch type {
        case "AFTER_SHARD_ID":
            guard let shardID else {
                throw AWSError(.invalidArgument, "ShardId must be specified for a filter of type AFTER_SHARD_ID.")
            }
            return .after(try kinesis.shardID(shardID, of: stream.key.name))
        case "AT_TRIM_HORIZON": return .at(trimHorizon)
        case "FROM_TRIM_HORIZON": return .from(trimHorizon)
        case "AT_LATEST": return .atLatest
        case let type?:
            guard let timestamp else {
                throw AWSError(.invalidArgument, "Timestamp must be specified for a filter of type \(type).")
            }
            if await kinesis.isInFuture(timestamp) {
                throw AWSError(.invalidArgument, "The Timestamp of a shard filter cannot be in the future.")
            }
            let time = max(timestamp, trimHorizon)
            return type == "AT_TIMESTAMP" ? .at(time) : .from(time)
        case nil: return .all
        }
    }
}

extension Kinesis {
    /// Reads a shard id as leniently as AWS does.
    /// - Throws: `.resourceNotFound` when it holds no number.
    func shardID(_ text: String, of stream: String) throws(AWSError) -> ShardID {
        guard let id = ShardID(text) else {
            throw AWSError(
                .resourceNotFound, "Could not find shard \(text) in stream \(stream) under account \(settings.accountID).")
        }
        return id
    }
}
