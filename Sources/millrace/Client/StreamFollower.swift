/// Reads all shards of a stream through the Kinesis API, from a position on and for ever.

import ArgumentParser
import Foundation

/// Where to begin to read: a ShardIteratorType with what belongs to it.
struct ReadPosition: Sendable {
    var type: String
    var sequenceNumber: String?
    /// Seconds since 1970-01-01 UTC.
    var timestamp: Double?

    /// Where to begin in a shard whose parents were read: what came before an age stays out.
    fileprivate var ofChildren: ReadPosition { timestamp == nil ? ReadPosition(type: "TRIM_HORIZON") : self }

    /// The shards to be read from here on, with their parents.
    fileprivate func shards(of all: [StreamCommand.Description.Shard]) -> [(id: String, parents: [String])] {
        all.filter { type != "LATEST" || $0.SequenceNumberRange.EndingSequenceNumber == nil }.map { shard in
            (shard.ShardId, [shard.ParentShardId, shard.AdjacentParentShardId].compactMap { $0 })
        }
    }
}

extension ReadPosition {
    /// What a user gives to `--from`: latest, start, an age such as 10m, or a sequence number.
    /// - Throws: `ValidationError`.
    init(_ text: String) throws {
        switch text {
        case "latest": self.init(type: "LATEST")
        case "start": self.init(type: "TRIM_HORIZON")
        default:
            if let match = text.wholeMatch(of: /([0-9]{1,9})([smhd])/), let amount = Double(match.1) {
                let unit: Double = ["s": 1, "m": 60, "h": 3600, "d": 86_400][match.2] ?? 1
                self.init(type: "AT_TIMESTAMP", timestamp: Date().timeIntervalSince1970 - amount * unit)
            } else if text.wholeMatch(of: /[0-9]{20,129}/) != nil {
                self.init(type: "AT_SEQUENCE_NUMBER", sequenceNumber: text)
            } else {
                throw ValidationError("A position is latest, start, an age such as 10m, or a sequence number, not '\(text)'.")
            }
        }
    }
}

/// A record as GetRecords gives it.
struct ReadRecord: Codable, Sendable {
    var SequenceNumber: String
    /// Seconds since 1970-01-01 UTC.
    var ApproximateArrivalTimestamp: Double
    var Data: Data
    var PartitionKey: String
}

/// A reader of a stream. Where a shard was split or merged its children are read after it.
struct StreamFollower {
    /// How long to wait before the next round when the last one gave nothing.
    static let pause = Duration.milliseconds(200)
    private static let mostRecords = 10_000

    private struct Reading {
        var shard: String
        var iterator: String
        /// How far behind its end it was at the last look, in milliseconds; nil before the first.
        var behind: Int64?
    }

    /// What a round came to.
    struct Round {
        var records = 0
        /// There may be more at once: records came, or children begin.
        var goesOn = false
    }

    private let stream: String
    private let start: ReadPosition
    private let client: ServiceClient
    /// A shard is done with when nothing is left of it for a moment.
    private let stopsAtTips: Bool
    private var reading: [Reading] = []
    private var order = ShardOrder()

    /// Whether there is nothing more to read: every shard was read to its end and is closed, or was found without more records once, where
    /// that is where to stop.
    var isAtEnd: Bool { reading.isEmpty }
    /// The shards that are read, and of which nothing was left at the last look.
    var open: [(shard: String, isAtTip: Bool)] { reading.map { ($0.shard, $0.behind == 0) } }

    /// - Parameter stopsAtTips: whether each shard is read to its present end only.
    /// - Throws: `CommandFailure`, also when no shard holds the sequence number of the position.
    init(
        _ stream: String, from start: ReadPosition, stopsAtTips: Bool = false, _ client: ServiceClient
    ) async throws(CommandFailure) {
        (self.stream, self.start, self.client, self.stopsAtTips) = (stream, start, client, stopsAtTips)
        let shards = start.shards(of: try await StreamCommand.describe(stream, through: client).Shards)
        guard let number = start.sequenceNumber else {
            for shard in order.start(shards) { try await begin(shard, at: start) }
            return
        }
        // It belongs to one shard; the others refuse it.
        for shard in shards {
            do throws(CommandFailure) { try await begin(shard.id, at: start) } catch  where error.status == .failed { continue }
        }
        guard !reading.isEmpty else { throw CommandFailure(.failed, "No shard of '\(stream)' holds sequence number \(number).") }
        _ = order.start(reading.map { ($0.shard, []) })
    }

    private struct IteratorRequest: Encodable {
        var StreamName: String
        var ShardId: String
        var ShardIteratorType: String
        var StartingSequenceNumber: String?
        var Timestamp: Double?
    }

    private mutating func begin(_ shard: String, at position: ReadPosition) async throws(CommandFailure) {
        struct Answer: Decodable { var ShardIterator: String }
        let request = IteratorRequest(
            StreamName: stream, ShardId: shard, ShardIteratorType: position.type, StartingSequenceNumber: position.sequenceNumber,
            Timestamp: position.timestamp)
        let answer = try await client.call(.kinesis, "GetShardIterator", request, as: Answer.self)
        reading.append(Reading(shard: shard, iterator: answer.ShardIterator))
    }

    private struct RecordsRequest: Encodable {
        var ShardIterator: String
        var Limit: Int
    }

    private struct RecordsAnswer: Decodable {
        struct Child: Decodable {
            var ShardId: String
            var ParentShards: [String]
        }
        var Records: [ReadRecord]
        var NextShardIterator: String?
        /// At the end of a closed shard.
        var ChildShards: [Child]?
        var MillisBehindLatest: Int64?
    }

    /// Reads once from each shard.
    /// - Parameters:
    ///   - limit: of records in all.
    ///   - take: gets the records of a shard, in their order.
    mutating func read(
        atMost limit: Int = .max, _ take: (_ shard: String, _ records: ArraySlice<ReadRecord>) throws -> Void
    ) async throws -> Round {
        var round = Round()
        for index in reading.indices.reversed() where round.records < limit {
            let shard = reading[index].shard
            let left = limit - round.records
            let answer = try await client.call(
                .kinesis, "GetRecords",
                RecordsRequest(ShardIterator: reading[index].iterator, Limit: min(left, Self.mostRecords)), as: RecordsAnswer.self)
            let records = answer.Records.prefix(left)
            try take(shard, records)
            round.records += records.count
            round.goesOn = round.goesOn || !records.isEmpty
            if let next = answer.NextShardIterator {
                reading[index].iterator = next
                reading[index].behind = answer.MillisBehindLatest ?? 0
                if stopsAtTips, reading[index].behind == 0, round.records < limit { reading.remove(at: index) }
                continue
            }
            reading.remove(at: index)
            for child in order.ended(shard, children: (answer.ChildShards ?? []).map { ($0.ShardId, $0.ParentShards) }) {
                try await begin(child, at: start.ofChildren)
                round.goesOn = true
            }
        }
        return round
    }
}
