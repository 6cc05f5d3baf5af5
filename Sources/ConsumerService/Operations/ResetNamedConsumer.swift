/// ResetNamedConsumer: a consumer is set to another position, or it is shown what that would mean. An operation of Millrace's own.

import AWSWire
import Consumers
import StreamStore

enum ResetNamedConsumer: ConsumerOperation {
    struct Request: WireReadable, ChoosesConsumer {
        var streamName: String?
        var consumerName: String?
        var start: StartRequest?
        var isDryRun: Bool

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            consumerName = try fields.string("ConsumerName")
            start = try fields.structure("StartingPosition")
            isDryRun = try fields.boolean("DryRun") ?? false
        }
    }

    struct Response: AWSResponse {
        var shards: [(shard: ShardDescription, from: ShardPosition?, to: ShardPosition)]

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Shards", shards) { writer, moved in
                    writer.object { writer in
                        writer.field("ShardId", moved.shard.id.description)
                        if let from = moved.from { writer.object("From") { $0.position(from, in: moved.shard) } }
                        writer.object("To") { $0.position(moved.to, in: moved.shard) }
                        // Negative: so many are read again.
                        writer.field("SkippedRecords", moved.from.map { moved.to.nextOffset &- $0.nextOffset })
                    }
                }
            }
        }
    }

    static let rules: [Rule<Request>] =
        Request.consumerRules + [
            .present("startingPosition", \.start), .structure("startingPosition", \.start, StartRequest.rules),
        ]

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> Response {
        let start = try request.start?.start() ?? .trimHorizon
        return try await service.call { () async throws(ConsumerError) -> Response in
            Response(
                shards: try await service.consumers.reset(
                    request.consumer, of: request.stream, to: start, isDryRun: request.isDryRun))
        }
    }
}
