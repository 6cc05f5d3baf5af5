/// One member of a named consumer: it keeps its leases, reads the shards that it holds, and checkpoints what was taken.

import Foundation

/// Reads a stream together with the other members of a consumer.
struct ConsumerMember {
    private static let mostRecords = 10_000

    private struct Position: Codable {
        var type: String
        var sequenceNumber: String?
        var timestamp: Double?
        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case sequenceNumber = "SequenceNumber"
            case timestamp = "Timestamp"
        }
    }

    /// A shard that it holds.
    private struct Reading {
        var epoch: UInt64
        /// Nil before the first read.
        var iterator: String?
        var position: Position
        var isToBeReleased: Bool
    }

    private let consumer: String
    private let stream: String
    private let member: String
    private let start: Position
    private let leaseSeconds: Int
    private let client: ServiceClient
    private var reading: [String: Reading] = [:]
    private var renewal = ContinuousClock.now

    init(of consumer: String, on stream: String, from start: ReadPosition, leaseSeconds: Int, _ client: ServiceClient) {
        self.consumer = consumer
        self.stream = stream
        self.start = Position(type: start.type, sequenceNumber: start.sequenceNumber, timestamp: start.timestamp)
        self.leaseSeconds = leaseSeconds
        self.client = client
        let host = ProcessInfo.processInfo.hostName.unicodeScalars.filter { $0.isASCII && $0.properties.isAlphabetic }
        member =
            "\(String(String.UnicodeScalarView(host)).prefix(40))-\(ProcessInfo.processInfo.processIdentifier)-"
            + String(UInt32.random(in: .min ... .max), radix: 16)
    }

    // MARK: Leases

    private struct RenewRequest: Encodable {
        var StreamName: String
        var ConsumerName: String
        var MemberName: String
        var LeaseDurationMilliseconds: Int
        var StartingPosition: Position
    }

    private struct RenewAnswer: Decodable {
        struct Lease: Decodable {
            var ShardId: String
            var Epoch: UInt64
            var Release: Bool
            var StartingPosition: Position
        }
        var RenewAfterMilliseconds: Int
        var Leases: [Lease]
    }

    /// Says that it lives, and takes in what it holds.
    private mutating func renew() async throws(CommandFailure) {
        let request = RenewRequest(
            StreamName: stream, ConsumerName: consumer, MemberName: member, LeaseDurationMilliseconds: leaseSeconds * 1000,
            StartingPosition: start)
        let answer = try await client.call(.millrace, "RenewLeases", request, as: RenewAnswer.self)
        renewal = .now + .milliseconds(answer.RenewAfterMilliseconds)
        var held: [String: Reading] = [:]
        for lease in answer.Leases {
            // What it holds already goes on where it is; a new epoch begins at what the server has.
            if var known = reading[lease.ShardId], known.epoch == lease.Epoch {
                known.isToBeReleased = lease.Release
                held[lease.ShardId] = known
            } else {
                held[lease.ShardId] = Reading(epoch: lease.Epoch, position: lease.StartingPosition, isToBeReleased: lease.Release)
            }
        }
        reading = held
    }

    /// Leaves; the others get what it held.
    func leave() async throws(CommandFailure) {
        struct Request: Encodable {
            var StreamName: String
            var ConsumerName: String
            var MemberName: String
        }
        _ = try await client.call(
            .millrace, "LeaveConsumer", Request(StreamName: stream, ConsumerName: consumer, MemberName: member), as: NoAnswer.self)
    }

    // MARK: Reading

    /// Reads once from each shard that it holds, and keeps what was taken.
    /// - Parameter take: gets the records of a shard, in their order; when it returns they count as done with.
    /// - Returns: how many records.
    mutating func read(
        atMost limit: Int, _ take: (_ shard: String, _ records: ArraySlice<ReadRecord>) throws -> Void
    ) async throws -> Int {
        if renewal <= .now { try await renew() }
        var count = 0
        for shard in reading.keys.sorted() where count < limit {
            guard let lease = reading[shard] else { continue }
            if lease.isToBeReleased {
                try await keep(Checkpoint(ShardId: shard, Epoch: lease.epoch, Release: true))
                continue
            }
            count += try await read(shard, lease, atMost: limit - count, take)
            if renewal <= .now { try await renew() }
        }
        return count
    }

    private struct IteratorRequest: Encodable {
        var StreamName: String
        var ShardId: String
        var ShardIteratorType: String
        var StartingSequenceNumber: String?
    }

    private struct RecordsRequest: Encodable {
        var ShardIterator: String
        var Limit: Int
    }

    private struct RecordsAnswer: Decodable {
        var Records: [ReadRecord]
        var NextShardIterator: String?
    }

    private mutating func read(
        _ shard: String, _ lease: Reading, atMost limit: Int,
        _ take: (_ shard: String, _ records: ArraySlice<ReadRecord>) throws -> Void
    ) async throws -> Int {
        let iterator = if let known = lease.iterator { known } else { try await iterator(of: shard, at: lease.position) }
        let request = RecordsRequest(ShardIterator: iterator, Limit: min(limit, Self.mostRecords))
        let read: RecordsAnswer? = try await client.call(.kinesis, "GetRecords", request, orNilFor: "ExpiredIteratorException")
        guard let answer = read else {
            reading[shard]?.iterator = nil
            return 0
        }
        let records = answer.Records.prefix(limit)
        try take(shard, records)
        var checkpoint = Checkpoint(ShardId: shard, Epoch: lease.epoch)
        if let last = records.last {
            checkpoint.SequenceNumber = last.SequenceNumber
            reading[shard]?.position = Position(type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: last.SequenceNumber)
        }
        reading[shard]?.iterator = answer.NextShardIterator
        if answer.NextShardIterator == nil {
            checkpoint.SequenceNumber = nil
            checkpoint.ShardEnd = true
            // Its children may be had at once.
            renewal = .now
        }
        if checkpoint.SequenceNumber != nil || checkpoint.ShardEnd != nil { try await keep(checkpoint) }
        return records.count
    }

    private func iterator(of shard: String, at position: Position) async throws(CommandFailure) -> String {
        struct Answer: Decodable { var ShardIterator: String }
        let request = IteratorRequest(
            StreamName: stream, ShardId: shard, ShardIteratorType: position.type, StartingSequenceNumber: position.sequenceNumber)
        return try await client.call(.kinesis, "GetShardIterator", request, as: Answer.self).ShardIterator
    }

    // MARK: Checkpoints

    private struct Checkpoint: Encodable {
        var ShardId: String
        var Epoch: UInt64
        var SequenceNumber: String?
        var ShardEnd: Bool?
        var Release: Bool?
    }

    private struct CheckpointRequest: Encodable {
        var StreamName: String
        var ConsumerName: String
        var MemberName: String
        var Checkpoints: [Checkpoint]
    }

    /// Keeps a position; a shard that it does not hold any more is let go of.
    private mutating func keep(_ checkpoint: Checkpoint) async throws(CommandFailure) {
        let request = CheckpointRequest(
            StreamName: stream, ConsumerName: consumer, MemberName: member, Checkpoints: [checkpoint])
        let kept: NoAnswer? = try await client.call(.millrace, "CheckpointLeases", request, orNilFor: "LeaseLostException")
        if kept == nil {
            StandardError.print(
                "\(checkpoint.ShardId): another member has it now; what was printed since the last checkpoint may come again.")
            renewal = .now
        }
        if kept == nil || checkpoint.Release == true || checkpoint.ShardEnd == true { reading[checkpoint.ShardId] = nil }
    }
}
