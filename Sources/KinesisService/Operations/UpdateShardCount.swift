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
        try await scale(stream, to: target, kinesis)
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

    /// Takes the first step before the answer, so that what hinders it is told, and the others too where steps take no time. Where the stream is
    /// UPDATING for a while after each the others are taken as it becomes ACTIVE again.
    private static func scale(_ stream: StreamDescription, to target: Int, _ kinesis: Kinesis) async throws(AWSError) {
        var stream = stream
        while let step = UniformScaling.next(stream.shards, count: target) {
            stream = try await take(step, stream, kinesis)
            guard stream.status == .active else {
                let later = stream
                Task { await goOn(later, to: target, kinesis) }
                return
            }
        }
    }

    private static func take(
        _ step: UniformScaling.Step, _ stream: StreamDescription, _ kinesis: Kinesis
    ) async throws(AWSError) -> StreamDescription {
        do throws(StoreError) {
            switch step {
            case .split(let shard, let key): return try await kinesis.store.splitShard(stream.key, shard, at: key)
            case .merge(let shard, let adjacent): return try await kinesis.store.mergeShards(stream.key, shard, adjacent)
            }
        } catch {
            throw kinesis.reshardError(error, stream: stream.key.name)
        }
    }

    /// The steps after the first, each when the one before has passed. Nothing announces that, so it is asked for now and then.
    private static func goOn(_ stream: StreamDescription, to target: Int, _ kinesis: Kinesis) async {
        while true {
            try? await Task.sleep(for: .milliseconds(250))
            // A stream that is gone, or that another has in hand, is left as it is.
            guard let now = try? await kinesis.store.stream(stream.key), now.id == stream.id else { return }
            guard now.status == .active else {
                if now.status == .updating { continue }
                return
            }
            guard let step = UniformScaling.next(now.shards, count: target) else { return }
            do throws(AWSError) { _ = try await take(step, now, kinesis) } catch {
                if error.name != .resourceInUse { return }
            }
        }
    }
}
