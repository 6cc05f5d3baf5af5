/// `millrace tail`: prints a stream's records as they come.

import ArgumentParser
import Foundation

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Print a stream's records as they come.",
        discussion: "Follows all shards until interrupted, or until --limit records were printed.")
    @Argument(help: "The stream's name.") var stream: String
    @Option(help: "latest, start, an age such as 10m (s, m, h, d), or a sequence number.") var from = "latest"
    @Option(help: "Stop after this many records.") var limit: Int?
    @Option(help: "table or ndjson: one JSON object a record.") var output = ListFormat.table
    @Option(help: "record (time, shard, key, data) or data (the data alone).") var format = LineFormat.record

    enum LineFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        case record, data
    }

    private struct Position {
        var type: String
        var sequenceNumber: String?
        var timestamp: Double?
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
        var Records: [Record]
        var NextShardIterator: String?
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
        guard output != .csv else { throw ValidationError("--output takes table, json or ndjson here, not csv.") }
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
        var iterators: [(shard: String, iterator: String)] = []
        for shard in try await StreamCommand.describe(stream, through: client).Shards {
            switch await iterator(shard.ShardId, at: start, client) {
            case .success(let iterator): iterators.append((shard.ShardId, iterator))
            // A sequence number belongs to one shard; the others refuse it.
            case .failure(let failure) where start.sequenceNumber == nil || failure.status != .failed: throw failure
            case .failure: break
            }
        }
        guard !iterators.isEmpty else { throw CommandFailure(.failed, "No shard of '\(stream)' holds sequence number \(from).") }
        try await follow(&iterators, client)
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

    private func follow(_ iterators: inout [(shard: String, iterator: String)], _ client: ServiceClient) async throws {
        struct Request: Encodable {
            var ShardIterator: String
            var Limit: Int
        }
        var left = limit ?? .max
        while left > 0, !iterators.isEmpty {
            var printed = false
            for index in iterators.indices.reversed() {
                let (shard, iterator) = iterators[index]
                let answer = try await client.call(
                    .kinesis, "GetRecords", Request(ShardIterator: iterator, Limit: min(left, 10_000)), as: Records.self)
                for record in answer.Records.prefix(left) {
                    try write(record, of: shard)
                    printed = true
                    left -= 1
                }
                if let next = answer.NextShardIterator { iterators[index].iterator = next } else { iterators.remove(at: index) }
                if left == 0 { break }
            }
            if !printed { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    private func write(_ record: Record, of shard: String) throws {
        let text = String(validating: record.Data, as: UTF8.self)
        if output == .ndjson || output == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let line = Line(
                ShardId: shard, SequenceNumber: record.SequenceNumber,
                ApproximateArrivalTimestamp: record.ApproximateArrivalTimestamp, PartitionKey: record.PartitionKey, Data: text,
                DataBase64: text == nil ? record.Data : nil)
            StandardOutput.line(String(decoding: try encoder.encode(line), as: UTF8.self))
            return
        }
        var data = text ?? record.Data.base64EncodedString()
        if data.hasSuffix("\n") { data.removeLast() }
        switch format {
        case .data: StandardOutput.line(data)
        case .record:
            let time = Date(timeIntervalSince1970: record.ApproximateArrivalTimestamp).formatted(.iso8601)
            StandardOutput.line("\(time)  \(shard)  \(record.PartitionKey)  \(data)")
        }
    }
}
