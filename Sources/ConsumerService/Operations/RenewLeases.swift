/// RenewLeases: a member joins, or says that it lives, and is told what it may read. An operation of Millrace's own.

import AWSWire
import Consumers
import StreamStore

enum RenewLeases: ConsumerOperation {
    struct Request: WireReadable, NamesMember {
        var streamName: String?
        var consumerName: String?
        var memberName: String?
        var leaseDuration: Int?
        var start: StartRequest?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            consumerName = try fields.string("ConsumerName")
            memberName = try fields.string("MemberName")
            leaseDuration = try fields.integer("LeaseDurationMilliseconds")
            start = try fields.structure("StartingPosition")
        }
    }

    struct Response: AWSResponse {
        var membership: Membership
        var stream: StreamDescription?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("LeaseDurationMilliseconds", membership.leaseMilliseconds)
                writer.field("RenewAfterMilliseconds", membership.renewAfterMilliseconds)
                writer.field("MemberCount", membership.members)
                writer.list("Leases", membership.leases) { writer, lease in
                    writer.object { writer in
                        writer.field("ShardId", lease.shard.description)
                        writer.field("Epoch", lease.epoch)
                        writer.field("Release", lease.isToBeReleased)
                        writer.object("StartingPosition") { $0.position(lease.position, in: stream?.shard(lease.shard)) }
                    }
                }
            }
        }
    }

    static let rules: [Rule<Request>] =
        Request.memberRules + [
            .member(
                "leaseDurationMilliseconds", \.leaseDuration, .atLeast(Int(NamedConsumers.leaseMilliseconds.lowerBound)),
                .atMost(Int(NamedConsumers.leaseMilliseconds.upperBound))),
            .structure("startingPosition", \.start, StartRequest.rules),
        ]

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> Response {
        let start = try request.start?.start() ?? .trimHorizon
        return try await service.call { () async throws(ConsumerError) -> Response in
            let membership = try await service.consumers.renew(
                request.member, of: request.consumer, on: request.stream, start: start,
                leaseMilliseconds: request.leaseDuration.map(Int64.init) ?? NamedConsumers.defaultLeaseMilliseconds)
            return Response(membership: membership, stream: try await service.consumers.description(of: request.stream))
        }
    }
}

extension WireWriter {
    /// The members of a StartingPosition, as GetShardIterator and SubscribeToShard take it.
    mutating func position(_ position: ShardPosition, in shard: ShardDescription?) {
        let number = shard.flatMap { position.sequenceNumber(in: $0) }
        field("Type", number == nil ? "TRIM_HORIZON" : "AFTER_SEQUENCE_NUMBER")
        field("SequenceNumber", number?.description)
    }
}
