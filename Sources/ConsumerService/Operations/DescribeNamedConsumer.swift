/// DescribeNamedConsumer: a consumer's members, and how far it is behind in each shard. An operation of Millrace's own.

import AWSWire
import Consumers
import StreamStore

enum DescribeNamedConsumer: ConsumerOperation {
    typealias Request = ConsumerRequest
    static let rules = Request.consumerRules

    struct Response: AWSResponse {
        var consumer: ConsumerDescription

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("Consumer") { writer in
                    writer.summary(consumer)
                    writer.list("Members", consumer.members)
                    writer.list("Shards", consumer.shards) { writer, shard in writer.object { $0.progress(shard) } }
                }
            }
        }
    }

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> Response {
        try await service.call { () async throws(ConsumerError) -> Response in
            Response(consumer: try await service.consumers.describe(request.consumer, of: request.stream))
        }
    }
}

extension WireWriter {
    mutating func summary(_ consumer: ConsumerDescription) {
        field("ConsumerName", consumer.name)
        field("StreamName", consumer.stream.name)
        field("ConsumerCreationTimestamp", milliseconds: consumer.createdMilliseconds)
        field("LeaseDurationMilliseconds", consumer.leaseMilliseconds)
        field("MemberCount", consumer.members.count)
        field("LagRecords", consumer.shards.reduce(Int64(0)) { $0 &+ $1.lagRecords })
        field("LagMilliseconds", consumer.shards.map(\.lagMilliseconds).max() ?? 0)
        field("StuckSince", milliseconds: consumer.shards.compactMap(\.stuckSince).min())
    }

    mutating func progress(_ shard: ShardProgress) {
        field("ShardId", shard.shard.description)
        field("Owner", shard.owner)
        field("Epoch", shard.epoch)
        field("SequenceNumber", shard.checkpoint?.description)
        field("CheckpointTimestamp", milliseconds: shard.position.changedMilliseconds)
        field("Ended", shard.position.isEnded)
        field("WaitsForParents", shard.waitsForParents)
        field("LagRecords", shard.lagRecords)
        field("LagMilliseconds", shard.lagMilliseconds)
        field("StuckSince", milliseconds: shard.stuckSince)
    }
}
