/// CreateStream: makes a stream whose shards share the hash space evenly (Kinesis API, CreateStream).

import AWSWire
import StreamStore

enum CreateStream: AWSOperation {
    struct Request: WireReadable {
        var shardCount: Int?
        var streamName: String?
        var mode: StreamModeDetails?
        var tags: TextMap?
        var warmThroughput: Int?
        var maxRecordKiB: Int?

        init(_ fields: WireFields) throws(AWSError) {
            shardCount = try fields.integer("ShardCount")
            streamName = try fields.string("StreamName")
            mode = try fields.structure("StreamModeDetails")
            tags = try fields.map("Tags")
            warmThroughput = try fields.integer("WarmThroughputMiBps")
            maxRecordKiB = try fields.integer("MaxRecordSizeInKiB")
        }
    }

    static let rules: [Rule<Request>] = [
        .member("shardCount", \.shardCount, .atLeast(1), .atMost(100_000)),
        .member("streamName", \.streamName, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
        .structure("streamModeDetails", \.mode, StreamModeDetails.rules),
        .member("tags", \.tags, .minLength(1), .maxLength(200), .keyLengths(1...128), .valueLengths(0...256)),
        .member("warmThroughputMiBps", \.warmThroughput, .atLeast(0)),
        .member("maxRecordSizeInKiB", \.maxRecordKiB, .atLeast(1024), .atMost(10_240)),
    ]
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] {
        [kinesis.resource(ofStreamNamed: request.streamName ?? "")]
    }
    static let errors: [AWSError.Name] = [.invalidArgument, .limitExceeded, .resourceInUse]
    static let memoryBound = 256 << 10

    /// What an on-demand stream begins with, and one of which no count is said.
    static let defaultShardCount = 4

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let mode = request.mode?.streamMode.flatMap { StreamMode(rawValue: $0) } ?? .provisioned
        if mode == .onDemand, request.shardCount != nil {
            throw AWSError(.invalidArgument, "ShardCount cannot be specified for a stream in ON_DEMAND mode.")
        }
        if mode == .provisioned, request.warmThroughput != nil {
            throw AWSError(.invalidArgument, "WarmThroughputMiBps can only be specified for a stream in ON_DEMAND mode.")
        }
        let tags = request.tags?.entries ?? [:]
        try Tags.check(tags)
        let definition = StreamDefinition(
            key: StreamKey(request.streamName ?? ""), shardCount: request.shardCount ?? defaultShardCount, mode: mode,
            maxRecordKiB: request.maxRecordKiB ?? 1024, tags: tags)
        try await checkLimit(definition.key, kinesis)
        do throws(StoreError) {
            let stream = try await kinesis.store.createStream(definition)
            if let throughput = request.warmThroughput {
                _ = try await kinesis.attributes.change(of: stream.id, { $0 }) { (attributes) throws(StoreError) in
                    attributes.warmThroughputMiBps = throughput
                }
            }
        } catch {
            throw kinesis.awsError(error)
        }
        return Nothing()
    }

    private static func checkLimit(_ key: StreamKey, _ kinesis: Kinesis) async throws(AWSError) {
        guard let limit = kinesis.settings.streamLimit else { return }
        let streams: [StreamDescription]
        do throws(StoreError) { streams = try await kinesis.store.streams(in: .stream) } catch { throw kinesis.awsError(error) }
        // A name that is taken is the better reason.
        guard streams.count >= limit, !streams.contains(where: { $0.key == key }) else { return }
        let settings = kinesis.settings
        throw AWSError(
            .limitExceeded,
            "This request would exceed the stream limit for the account \(settings.accountID) in \(settings.region). Current stream "
                + "count for the account: \(streams.count). Limit: \(limit).")
    }
}

/// How a stream's capacity is managed (Kinesis API, StreamModeDetails).
struct StreamModeDetails: WireReadable {
    var streamMode: String?

    init(_ fields: WireFields) throws(AWSError) { streamMode = try fields.string("StreamMode") }

    static let rules: [Rule<StreamModeDetails>] = [
        .member("streamMode", \.streamMode, .notNull, .oneOf(["ON_DEMAND", "PROVISIONED"]))
    ]
}
