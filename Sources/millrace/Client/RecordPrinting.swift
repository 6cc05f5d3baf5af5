/// Prints records of a stream, for people or for programs.

import AggregatedRecords
import ArgumentParser
import Foundation

/// The options of verbs that print records.
struct RecordPrinting: ParsableArguments {
    @Option(help: "Lines for people, or one JSON object a record.") var output = Output.table
    @Option(help: "What a line for people holds: time, shard, key and data, or the data alone.") var format = LineFormat.record

    @Flag(
        help: """
            Take records apart that the Kinesis Producer Library has put together. Each gets the sequence number of the whole, and with \
            --output ndjson its SubSequenceNumber; --limit counts the whole ones.
            """)
    var deaggregate = false

    enum LineFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
        case record, data
    }

    /// `json` is another word for `ndjson` here: a stream has no end to close a list at.
    enum Output: String, ExpressibleByArgument, CaseIterable, Sendable {
        case table, ndjson, json
    }

    /// A record as `--output ndjson` prints it; data that is not UTF-8 is given in base64.
    private struct Line: Encodable {
        var ShardId: String
        var SequenceNumber: String
        /// Of a record that was taken out of another.
        var SubSequenceNumber: Int?
        var ApproximateArrivalTimestamp: Double
        var PartitionKey: String
        var Data: String?
        var DataBase64: Data?
    }

    /// Prints a record, or those that it is made of where they are wanted.
    func write(_ record: ReadRecord, of shard: String) throws {
        guard deaggregate else { return try write(record, of: shard, number: nil) }
        var parts: [ReadRecord] = []
        let isAggregated = record.Data.withUnsafeBytes { data in
            AggregatedRecord.forEachPart(of: data) { part in
                var user = record
                user.Data = Data(data[part.data])
                user.PartitionKey = String(decoding: part.partitionKey, as: UTF8.self)
                parts.append(user)
            }
        }
        if !isAggregated { return try write(record, of: shard, number: nil) }
        for (number, part) in parts.enumerated() { try write(part, of: shard, number: number) }
    }

    private func write(_ record: ReadRecord, of shard: String, number: Int?) throws {
        switch (output, format) {
        case (.ndjson, _), (.json, _):
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(validating: record.Data, as: UTF8.self)
            let line = Line(
                ShardId: shard, SequenceNumber: record.SequenceNumber, SubSequenceNumber: number,
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
