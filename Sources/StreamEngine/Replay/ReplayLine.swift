/// A line of a replay's input or reference file.

import StreamSQL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Why a line is not what the replay format asks for.
struct LineError: Error, Sendable, Hashable {
    var message: String
    init(_ message: String) { self.message = message }
}

/// The members of a line, of which at most one of `row` and `record` is there.
struct ReplayLine {
    var stream: String?
    var table: String?
    var rowtime: Int64?
    /// The JSON text of `row`.
    var row: [UInt8]?
    var record: [UInt8]?
    var arrival: Int64?
    var partitionKey = ""
    var sequenceNumber: String?
    var shardID = "shardId-000000000000"

    /// - Parameter isReference: the line has `table` and `row`, and nothing else.
    init(_ bytes: UnsafeRawBufferPointer, isReference: Bool = false) throws(LineError) {
        let fields: [JSONField]
        do throws(JSONError) { fields = try JSONField.read(Array(bytes)) } catch {
            throw LineError("not a JSON object: \(error.message)")
        }
        for field in fields {
            switch field.name {
            case "table" where isReference: table = try Self.text(field)
            case "row":
                guard case .object(let text) = field.value else { throw LineError("\"row\" must be an object") }
                row = text
            case _ where isReference: throw LineError("\"\(field.name)\" is not known here")
            case "stream": stream = try Self.text(field)
            case "rowtime_ms": rowtime = try Self.time(field)
            case "record": record = Array(try Self.text(field).utf8)
            case "record_base64":
                guard let data = Data(base64Encoded: try Self.text(field)) else {
                    throw LineError("\"record_base64\" is not Base64")
                }
                record = Array(data)
            case "approximate_arrival_ms": arrival = try Self.time(field)
            case "partition_key": partitionKey = try Self.text(field)
            case "sequence_number": sequenceNumber = try Self.text(field)
            case "shard_id": shardID = try Self.text(field)
            default: throw LineError("\"\(field.name)\" is not known here")
            }
        }
        let data = fields.count { ["row", "record", "record_base64"].contains($0.name) }
        if data > 1 { throw LineError("a line has one of \"row\", \"record\" and \"record_base64\"") }
    }

    static let times = CivilTime.millisecondRange

    private static func text(_ field: JSONField) throws(LineError) -> String {
        guard case .string(let text) = field.value else { throw LineError("\"\(field.name)\" must be a string") }
        return text
    }

    /// Milliseconds since 1970 UTC within the years of the calendar.
    private static func time(_ field: JSONField) throws(LineError) -> Int64 {
        guard case .number(let digits) = field.value, let number = Int64(digits) else {
            throw LineError("\"\(field.name)\" must be a whole number of 64 bits")
        }
        guard times.contains(number) else { throw LineError("\"\(field.name)\" is \(number), outside the years 0001 to 9999") }
        return number
    }

    /// What a decoder is told of the line.
    func source(_ data: Range<Int>, rowtime: Int64, number: Int) -> SourceRecord {
        SourceRecord(
            data: data, rowtime: rowtime, arrivalMilliseconds: arrival, partitionKey: partitionKey,
            sequenceNumber: sequenceNumber ?? String(number), shardID: shardID)
    }
}
