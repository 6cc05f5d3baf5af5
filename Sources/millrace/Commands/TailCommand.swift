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

    private func position() throws -> ReadPosition {
        switch from {
        case "latest": return ReadPosition(type: "LATEST")
        case "start": return ReadPosition(type: "TRIM_HORIZON")
        default:
            if let match = from.wholeMatch(of: /([0-9]{1,9})([smhd])/), let amount = Double(match.1) {
                let unit: Double = ["s": 1, "m": 60, "h": 3600, "d": 86_400][match.2] ?? 1
                return ReadPosition(type: "AT_TIMESTAMP", timestamp: Date().timeIntervalSince1970 - amount * unit)
            }
            if from.wholeMatch(of: /[0-9]{20,129}/) != nil { return ReadPosition(type: "AT_SEQUENCE_NUMBER", sequenceNumber: from) }
            throw ValidationError("--from takes latest, start, an age such as 10m, or a sequence number, not '\(from)'.")
        }
    }

    func run() async throws {
        var follower = try await StreamFollower(stream, from: try position(), ServiceClient())
        var left = limit ?? .max
        while left > 0, !follower.isAtEnd {
            let round = try await follower.read(atMost: left) { shard, records in
                for record in records { try write(record, of: shard) }
            }
            left -= round.records
            if !round.goesOn, !follower.isAtEnd { try await Task.sleep(for: StreamFollower.pause) }
        }
    }

    private func write(_ record: ReadRecord, of shard: String) throws {
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
