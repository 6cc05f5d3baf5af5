/// UpdateShardCount: splits and merges until a stream has so many shards of the same size (Kinesis API, UpdateShardCount).

import AWSWire
import StreamStore

enum UpdateShardCount: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var targetShardCount: Int?
        var scalingType: String?
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            targetShardCount = try fields.integer("TargetShardCount")
            scalingType = try fields.string("ScalingType")
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }
    }

    struct Response: AWSResponse {
        var name: String
        var arn: String
        var current: Int
        var target: Int

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("StreamName", name)
                writer.field("CurrentShardCount", current)
                writer.field("TargetShardCount", target)
                writer.field("StreamARN", arn)
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            .member("targetShardCount", \.targetShardCount, .notNull, .atLeast(1)),
            .member("scalingType", \.scalingType, .notNull, .oneOf(["UNIFORM_SCALING"])),
        ] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded, .validation]
    static let memoryBound = 64 << 10
    /// More shards than a stream can have.
    private static let mostShards = 10_000

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let stream = try await kinesis.stream(request)
        let (name, current, target) = (stream.key.name, stream.openShardCount, request.targetShardCount ?? 1)
        guard stream.mode == .provisioned else {
            throw AWSError(
                .validation,
                "Request is invalid. Stream \(name) under account \(kinesis.settings.accountID) is in On-Demand mode.")
        }
        try checkLimits(current, target, kinesis)
        guard stream.status == .active else { throw kinesis.awsError(.streamBusy(stream.key, stream.status)) }
        if UniformScaling.next(stream.shards, count: target) != nil {
            let extent = UniformScaling.extent(stream.shards, count: target)
            try await checkRoom(for: extent.peak - current, kinesis)
            try await kinesis.beginScaling(stream, to: target, steps: extent.steps)
        }
        return Response(name: name, arn: kinesis.arn(name, call.region), current: current, target: target)
    }

    private static func checkLimits(_ current: Int, _ target: Int, _ kinesis: Kinesis) throws(AWSError) {
        let counts = "Current open shard count: \(current), Target shard count: \(target)"
        let limit = min(kinesis.settings.shardLimit ?? mostShards, mostShards)
        if target > limit {
            throw AWSError(
                .limitExceeded, "Target shard count or number of open shards cannot be greater than \(limit). \(counts)")
        }
        if target > 2 * current {
            throw AWSError(
                .limitExceeded, "UpdateShardCount cannot scale up over double your current open shard count. \(counts)")
        }
        if 2 * target < current {
            throw AWSError(
                .limitExceeded, "UpdateShardCount cannot scale down below half your current open shard count. \(counts)")
        }
    }

    /// Refuses what would be refused on the way, when the answer is long given.
    private static func checkRoom(for more: Int, _ kinesis: Kinesis) async throws(AWSError) {
        guard let limit = kinesis.settings.shardLimit, more > 0 else { return }
        do throws(StoreError) {
            let streams = try await kinesis.store.streams(in: .stream)
            let open = streams.reduce(0) { $1.status == .deleting ? $0 : $0 + $1.openShardCount }
            if open + more > limit { throw .shardLimitExceeded(limit: limit, current: open, requested: more) }
        } catch {
            throw kinesis.awsError(error)
        }
    }
}
