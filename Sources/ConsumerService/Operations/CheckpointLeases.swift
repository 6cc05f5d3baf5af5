/// CheckpointLeases: a member keeps how far it has come, with what it writes, or lets go of shards. An operation of Millrace's own.

import AWSWire
import Consumers
import StreamStore

enum CheckpointLeases: ConsumerOperation {
    struct Checkpoint: WireReadable {
        var shardID: String?
        var epoch: Int64?
        var sequenceNumber: String?
        var isEnd: Bool
        var releases: Bool

        init(_ fields: WireFields) throws(AWSError) {
            shardID = try fields.string("ShardId")
            epoch = try fields.long("Epoch")
            sequenceNumber = try fields.string("SequenceNumber")
            isEnd = try fields.boolean("ShardEnd") ?? false
            releases = try fields.boolean("Release") ?? false
        }

        static let rules: [Rule<Checkpoint>] = [
            .member("shardId", \.shardID, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("sequenceNumber", \.sequenceNumber, .pattern(.sequenceNumber)),
        ]

        /// - Throws: `.invalidArgument`.
        func checkpoint() throws(AWSError) -> LeaseCheckpoint {
            guard let shard = ShardID(shardID ?? "") else {
                throw AWSError(.invalidArgument, "ShardId \(shardID ?? "null") is none.")
            }
            guard let epoch, epoch > 0 else { throw AWSError(.invalidArgument, "Epoch: a checkpoint names that of its lease.") }
            return LeaseCheckpoint(shard, epoch: UInt64(epoch), try progress(shard), releases: releases)
        }

        private func progress(_ shard: ShardID) throws(AWSError) -> LeaseCheckpoint.Progress {
            switch (sequenceNumber, isEnd) {
            case (nil, true): return .end
            case (nil, false):
                guard releases else {
                    throw AWSError(.invalidArgument, "A checkpoint of \(shard) has a SequenceNumber, ShardEnd or Release.")
                }
                return .unchanged
            case (_?, true):
                throw AWSError(.invalidArgument, "A checkpoint of \(shard) has a SequenceNumber or ShardEnd, not both.")
            case (let text?, false):
                guard let number = SequenceNumber(text) else { throw AWSError(.invalidArgument, "SequenceNumber \(text) is none.") }
                return .after(number)
            }
        }
    }

    struct Record: WireReadable {
        var streamName: String?
        var partitionKey: String?
        var data: [UInt8]?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            partitionKey = try fields.string("PartitionKey")
            data = try fields.blob("Data")
        }

        static let rules: [Rule<Record>] = [
            .member("streamName", \.streamName, .notNull, .pattern(.name), .minLength(1), .maxLength(128)),
            .member("partitionKey", \.partitionKey, .notNull, .minLength(1), .maxLength(256)),
            .member("data", \.data, .notNull),
        ]
    }

    struct Request: WireReadable, NamesMember {
        var streamName: String?
        var consumerName: String?
        var memberName: String?
        var checkpoints: [Checkpoint]?
        var records: [Record]?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            consumerName = try fields.string("ConsumerName")
            memberName = try fields.string("MemberName")
            checkpoints = try fields.list("Checkpoints")
            records = try fields.list("Records")
        }
    }

    static let rules: [Rule<Request>] =
        Request.memberRules + [
            .present("checkpoints", \.checkpoints),
            .each("checkpoints", \.checkpoints, Checkpoint.rules),
            .each("records", \.records, Record.rules),
            .count("checkpoints", \.checkpoints, 1...10_000), .count("records", \.records, 0...500),
        ]
    /// As PutRecords.
    static let memoryBound = 8 << 20

    /// The streams that are written to ask for what a put asks for.
    static func resources(_ request: Request, _ service: ConsumerService) -> [ResourceName] {
        [ConsumerService.stream(request.stream)]
            + Set((request.records ?? []).compactMap(\.streamName)).sorted().map {
                ResourceName(service: "kinesis", resource: "stream/\($0)", operation: "PutRecords")
            }
    }

    static func run(_ request: Request, _ service: ConsumerService, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let checkpoints = try (request.checkpoints ?? []).map { checkpoint throws(AWSError) in try checkpoint.checkpoint() }
        let outputs = (request.records ?? []).map { record in
            OutputRecord(
                to: StreamKey(record.streamName ?? ""), partitionKey: Array((record.partitionKey ?? "").utf8),
                data: record.data ?? [])
        }
        return try await service.call { () async throws(ConsumerError) -> EmptyObject in
            try await service.consumers.checkpoint(
                checkpoints, by: request.member, of: request.consumer, on: request.stream, outputs: outputs)
            return EmptyObject()
        }
    }
}
