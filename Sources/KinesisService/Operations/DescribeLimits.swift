/// DescribeLimits: how many shards and on-demand streams there are, and may be (Kinesis API, DescribeLimits).

import AWSWire
import StreamStore

/// The request of an operation that has no parameters.
struct NoParameters: WireReadable {
    init(_ fields: WireFields) {}
}

enum DescribeLimits: AWSOperation {
    struct Response: AWSResponse {
        var shardLimit: Int
        var openShards: Int
        var onDemandStreams: Int
        var onDemandStreamLimit: Int

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("ShardLimit", shardLimit)
                writer.field("OpenShardCount", openShards)
                writer.field("OnDemandStreamCount", onDemandStreams)
                writer.field("OnDemandStreamCountLimit", onDemandStreamLimit)
            }
        }
    }

    typealias Request = NoParameters
    static let rules: [Rule<Request>] = []
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { [.all(of: "kinesis")] }
    static let errors: [AWSError.Name] = [.limitExceeded]
    static let memoryBound = 64 << 10
    /// The largest number that the answer may hold: what is said where there is no limit.
    private static let most = 1_000_000

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let streams: [StreamDescription]
        do throws(StoreError) { streams = try await kinesis.store.streams(in: .stream) } catch { throw kinesis.awsError(error) }
        var (openShards, onDemand) = (0, 0)
        for stream in streams where stream.status != .deleting {
            if try await kinesis.attributes(of: stream).applied(to: stream).mode == .onDemand { onDemand += 1 }
            openShards += stream.openShardCount
        }
        return Response(
            shardLimit: min(kinesis.settings.shardLimit ?? most, most), openShards: min(openShards, most),
            onDemandStreams: min(onDemand, most), onDemandStreamLimit: min(kinesis.settings.streamLimit ?? most, most))
    }
}
