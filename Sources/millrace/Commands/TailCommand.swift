/// `millrace tail`: prints a stream's records as they come.

import ArgumentParser
import Foundation

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print a stream's records as they come.",
        discussion: """
            Follows all shards until interrupted, or until --limit records were printed. Where a shard was split or merged, its children \
            are read after it, so that records with one partition key come in their order.

            --format data writes each record's bytes as they are, and a line feed after each that is text and does not end with one. \
            --format record is for people: data that is not text stands there as base64:... . With --output ndjson a record is an object \
            with Data where its data is UTF-8, and with DataBase64 where it is not.
            """)
    @Argument(help: "The stream's name.") var stream: String
    @Option(help: "latest, start, an age such as 10m (s, m, h, d), or a sequence number.") var from = "latest"
    @Option(help: "Stop after this many records.") var limit: Int?
    @Option(help: "Lines for people, or one JSON object a record.") var output = TailOutput.table
    @Option(help: "What a line for people holds: time, shard, key and data, or the data alone.") var format = LineFormat.record

    enum LineFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        case record, data
    }

    /// `json` is another word for `ndjson` here: a stream has no end to close a list at.
    enum TailOutput: String, ExpressibleByArgument, CaseIterable, Sendable {
        case table, ndjson, json
    }

    private struct Position {
        var type: String
        var sequenceNumber: String?
        var timestamp: Double?

        /// Where to begin in a shard whose parents were read: what came before an age stays out.
        var ofChildren: Position { timestamp == nil ? Position(type: "TRIM_HORIZON") : self }

        /// The shards to be read from here on, with their parents.
        func shards(of all: [StreamCommand.Description.Shard]) -> [(id: String, parents: [String])] {
            all.filter { type != "LATEST" || $0.SequenceNumberRange.EndingSequenceNumber == nil }.map { shard in
                (shard.ShardId, [shard.ParentShardId, shard.AdjacentParentShardId].compactMap { $0 })
            }
        }
    }

    private struct IteratorRequest: Encodable {
        var StreamName: String
        var ShardId: String
        var ShardIteratorType: String
        var StartingSequenceNumber: String?
        var Timestamp: Double?
    }

    private struct Record: Codable {
        var SequenceNumber: String
        var ApproximateArrivalTimestamp: Double
        var Data: Data
        var PartitionKey: String
    }

    private struct Records: Decodable {
        struct Child: Decodable {
            var ShardId: String
            var ParentShards: [String]
        }
        var Records: [Record]
        var NextShardIterator: String?
        /// At the end of a closed shard.
        var ChildShards: [Child]?
        var MillisBehindLatest: Int64?
    }

    /// A record as `--output ndjson` prints it; data that is not UTF-8 is given in base64.
    private struct Line: Encodable {
        var ShardId: String
        var SequenceNumber: String
        var ApproximateArrivalTimestamp: Double
        var PartitionKey: String
        var Data: String?
        var DataBase64: Data?
    }

    func validate() throws {
        _ = try position()
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit).") }
    }

    private func position() throws -> Position {
        switch from {
        case "latest": return Position(type: "LATEST")
        case "start": return Position(type: "TRIM_HORIZON")
        default:
            if let match = from.wholeMatch(of: /([0-9]{1,9})([smhd])/), let amount = Double(match.1) {
                let unit: Double = ["s": 1, "m": 60, "h": 3600, "d": 86_400][match.2] ?? 1
                return Position(type: "AT_TIMESTAMP", timestamp: Date().timeIntervalSince1970 - amount * unit)
            }
            if from.wholeMatch(of: /[0-9]{20,129}/) != nil { return Position(type: "AT_SEQUENCE_NUMBER", sequenceNumber: from) }
            throw ValidationError("--from takes latest, start, an age such as 10m, or a sequence number, not '\(from)'.")
        }
    }

    func run() async throws {
        let client = ServiceClient()
        let start = try position()
        var shards = start.shards(of: try await StreamCommand.describe(stream, through: client).Shards)
        var reading: [(shard: String, iterator: String)] = []
        var order = ShardOrder()
        if start.sequenceNumber != nil {
            // It belongs to one shard; the others refuse it.
            for shard in shards {
                switch await iterator(shard.id, at: start, client) {
                case .success(let iterator): reading.append((shard.id, iterator))
                case .failure(let failure) where failure.status != .failed: throw failure
                case .failure: break
                }
            }
            shards = reading.map { ($0.shard, []) }
            _ = order.start(shards)
        } else {
            for shard in order.start(shards) { reading.append((shard, try await iterator(shard, at: start, client).get())) }
        }
        guard !reading.isEmpty else { throw CommandFailure(.failed, "No shard of '\(stream)' holds sequence number \(from).") }
        try await follow(&reading, &order, from: start, client)
    }

    private func iterator(_ shard: String, at start: Position, _ client: ServiceClient) async -> Result<String, CommandFailure> {
        struct Answer: Decodable { var ShardIterator: String }
        let request = IteratorRequest(
            StreamName: stream, ShardId: shard, ShardIteratorType: start.type, StartingSequenceNumber: start.sequenceNumber,
            Timestamp: start.timestamp)
        do throws(CommandFailure) {
            return .success(try await client.call(.kinesis, "GetShardIterator", request, as: Answer.self).ShardIterator)
        } catch {
            return .failure(error)
        }
    }

    private func follow(
        _ reading: inout [(shard: String, iterator: String)], _ order: inout ShardOrder, from start: Position,
        _ client: ServiceClient
    ) async throws {
        struct Request: Encodable {
            var ShardIterator: String
            var Limit: Int
        }
        var left = limit ?? .max
        while left > 0, !reading.isEmpty {
            // What may have more at once: records came, or children begin.
            var goesOn = false
            for index in reading.indices.reversed() where left > 0 {
                let (shard, iterator) = reading[index]
                let answer = try await client.call(
                    .kinesis, "GetRecords", Request(ShardIterator: iterator, Limit: min(left, 10_000)), as: Records.self)
                for record in answer.Records.prefix(left) {
                    try write(record, of: shard)
                    goesOn = true
                    left -= 1
                }
                if let next = answer.NextShardIterator {
                    reading[index].iterator = next
                } else {
                    reading.remove(at: index)
                    for child in order.ended(shard, children: (answer.ChildShards ?? []).map { ($0.ShardId, $0.ParentShards) }) {
                        reading.append((child, try await self.iterator(child, at: start.ofChildren, client).get()))
                        goesOn = true
                    }
                }
            }
            if !goesOn, !reading.isEmpty { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    private func write(_ record: Record, of shard: String) throws {
        switch (output, format) {
        case (.ndjson, _), (.json, _):
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(validating: record.Data, as: UTF8.self)
            let line = Line(
                ShardId: shard, SequenceNumber: record.SequenceNumber,
                ApproximateArrivalTimestamp: record.ApproximateArrivalTimestamp, PartitionKey: record.PartitionKey, Data: text,
                DataBase64: text == nil ? record.Data : nil)
            StandardOutput.line(String(decoding: try encoder.encode(line), as: UTF8.self))
        case (.table, .data): StandardOutput.write(RecordText.bytes(record.Data))
        case (.table, .record):
            let time = Date(timeIntervalSince1970: record.ApproximateArrivalTimestamp).formatted(.iso8601)
            StandardOutput.line("\(time)  \(shard)  \(record.PartitionKey)  \(RecordText.text(record.Data))")
        }
    }
}

/// How a record's data looks where people read it.
enum RecordText {
    private static let base64Mark = "base64:"

    /// As a line without its end: the text, or what is not text, or could be taken for such, as `base64:` and its base64.
    static func text(_ data: Data) -> String {
        guard var text = String(validating: data, as: UTF8.self), !isBinary(data), !text.hasPrefix(base64Mark) else {
            return base64Mark + data.base64EncodedString()
        }
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    /// The bytes as they are. Text of whatever encoding ends with a line feed; other bytes end where they end.
    static func bytes(_ data: Data) -> Data {
        data.last == UInt8(ascii: "\n") || isBinary(data) ? data : data + [UInt8(ascii: "\n")]
    }

    /// Whether there are control characters in it that no text has, other than white space and the escape of terminals. No compressed file
    /// and hardly any binary message is without.
    private static func isBinary(_ data: Data) -> Bool {
        data.contains { $0 < 0x20 && !(0x09...0x0D).contains($0) && $0 != 0x1B }
    }
}
