/// What the service keeps of a stream besides what the store goes by: flags, a policy, registered consumers.

import StreamStore

/// The attributes of one stream. They are kept as a small state under the stream's number, which is never given again: what is left of a deleted
/// stream can never be taken for another's.
struct StreamAttributes: Codable, Hashable, Sendable {
    /// The version of the layout that is written; see `StoredDefinition`.
    static let format = 1

    /// In place of what the stream was created with.
    var mode: StreamMode?
    /// In place of what the stream was created with, in KiB (1024...10240).
    var maxRecordKiB: Int?
    /// What an on-demand stream is to be ready for, in MiB a second.
    var warmThroughputMiBps: Int?
    /// The key that the stream is said to be encrypted with; nil: it is not.
    var keyID: String?
    /// In the order of `ShardMetric.all`.
    var shardMetrics: [String] = []
    /// A resource policy as it was put, in JSON.
    var policy: String?
    /// By name.
    var consumers: [StreamConsumer] = []
    /// How many shards UpdateShardCount was told to make, until they are there; nil: no scaling is under way.
    var targetShardCount: Int?

    init() {}

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        mode = try values.decodeIfPresent(StreamMode.self, forKey: .mode)
        maxRecordKiB = try values.decodeIfPresent(Int.self, forKey: .maxRecordKiB)
        warmThroughputMiBps = try values.decodeIfPresent(Int.self, forKey: .warmThroughputMiBps)
        keyID = try values.decodeIfPresent(String.self, forKey: .keyID)
        shardMetrics = try values.decodeIfPresent([String].self, forKey: .shardMetrics) ?? []
        policy = try values.decodeIfPresent(String.self, forKey: .policy)
        consumers = try values.decodeIfPresent([StreamConsumer].self, forKey: .consumers) ?? []
        targetShardCount = try values.decodeIfPresent(Int.self, forKey: .targetShardCount)
    }

    /// As the API says it.
    var encryptionType: String { keyID == nil ? "NONE" : "KMS" }

    /// Whether what has no bound of its own is larger than in others: consumers with their tags and policies.
    func mayBeLarger(than others: StreamAttributes) -> Bool {
        guard consumers != others.consumers || policy != others.policy else { return false }
        func size(_ attributes: StreamAttributes) -> Int { StoredDefinition.encode(attributes, format: Self.format).count }
        return size(self) > size(others)
    }

    func consumer(named name: String) -> StreamConsumer? { consumers.first { $0.name == name } }

    /// A stream with what was changed since it was created. While its shards are scaled it is UPDATING between two steps too.
    func applied(to stream: StreamDescription) -> StreamDescription {
        guard mode != nil || maxRecordKiB != nil || targetShardCount != nil else { return stream }
        var stream = stream
        stream.mode = mode ?? stream.mode
        stream.maxRecordKiB = maxRecordKiB ?? stream.maxRecordKiB
        if targetShardCount != nil, stream.status == .active { stream.status = .updating }
        return stream
    }
}

/// A registered consumer of a stream (Kinesis API, Consumer).
struct StreamConsumer: Codable, Hashable, Sendable {
    var name: String
    /// Milliseconds since 1970-01-01 UTC; its seconds are part of the ARN.
    var createdMilliseconds: Int64
    var tags: [String: String] = [:]
    /// A resource policy as it was put, in JSON.
    var policy: String?

    var createdSecond: Int64 { createdMilliseconds / 1000 }
    /// What follows the stream's ARN in that of the consumer.
    var path: String { "/consumer/\(name):\(createdSecond)" }
}
