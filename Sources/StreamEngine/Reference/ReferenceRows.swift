/// The bytes of a reference file → the rows of its table.

public import StreamSQL

/// Reads a file of JSON objects or CSV lines by an input schema. One that does not fit in a single place is refused as a whole: a table with rows missing would
/// give wrong joins and no sign of it.
public enum ReferenceRows {
    /// The largest file (Developer Guide, "Limits": 1 GB).
    public static let largestFile = 1_000_000_000

    /// Why a file is no table, in words.
    public struct Refusal: Error, Sendable, Hashable {
        public var message: String
    }

    /// The rows. Their ROWTIMEs mean nothing.
    ///
    /// A JSON file holds objects one after the other, with or without line ends between them, or arrays of objects that the schema's row path leads into.
    public static func decode(_ bytes: [UInt8], schema: InputSchema) throws(Refusal) -> ColumnBatch {
        let decoder: RecordDecoder
        do throws(SchemaError) { decoder = try RecordDecoder(schema, metadata: []) } catch {
            throw Refusal(message: "ReferenceSchema: \(error)")
        }
        let isJSON = schema.recordFormat.recordFormatType == "JSON"
        let content = bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
        let places = isJSON ? values(bytes, from: content) : lines(bytes, from: content, delimiter: lineEnd(schema))
        let records = places.map { SourceRecord(data: $0, rowtime: 0) }
        let (rows, errors) = decoder.decode(records, in: bytes)
        if let error = errors.first {
            let line = 1 + bytes[..<places[error.record].lowerBound].count { $0 == UInt8(ascii: "\n") }
            throw Refusal(message: "line \(line): \(error.message)")
        }
        return rows
    }

    /// The columns of the rows.
    public static func columns(of schema: InputSchema) throws(Refusal) -> [ColumnDefinition] {
        do throws(SchemaError) { return try RecordDecoder(schema, metadata: []).columns } catch {
            throw Refusal(message: "ReferenceSchema: \(error)")
        }
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private static func lineEnd(_ schema: InputSchema) -> [UInt8] {
        switch schema.recordFormat.mappingParameters?.csv?.recordRowDelimiter {
        case nil, "\\n": [UInt8(ascii: "\n")]
        case "\\r\\n": [13, 10]
        case let text?: Array(text.utf8)
        }
    }

    /// Where the lines of CSV lie. A line end within quotes does not end one.
    private static func lines(_ bytes: [UInt8], from first: Int, delimiter: [UInt8]) -> [Range<Int>] {
        guard let last = delimiter.last else { return [first..<bytes.count] }
        var (lines, start, isQuoted) = ([Range<Int>](), first, false)
        bytes.withUnsafeBufferPointer { bytes in
            for place in first..<bytes.count {
                let byte = bytes[place]
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                guard byte == last, !isQuoted, place + 1 - start >= delimiter.count,
                    bytes[(place + 1 - delimiter.count)...place].elementsEqual(delimiter)
                else { continue }
                lines.append(start..<place + 1)
                start = place + 1
            }
        }
        if start < bytes.count { lines.append(start..<bytes.count) }
        return lines
    }

    /// Where the values of JSON on the outermost level lie. What is none is one too, for the decoder to complain of.
    private static func values(_ bytes: [UInt8], from first: Int) -> [Range<Int>] {
        var (values, start, depth, isText, isEscaped) = ([Range<Int>](), first, 0, false, false)
        bytes.withUnsafeBufferPointer { bytes in
            for place in first..<bytes.count {
                let byte = bytes[place]
                if isText {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isText = false
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): isText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    guard depth == 0 else { continue }
                    values.append(start..<place + 1)
                    start = place + 1
                default:
                    // Space between values belongs to none.
                    if depth == 0, place == start, [9, 10, 13, 32].contains(byte) { start = place + 1 }
                }
            }
        }
        if start < bytes.count { values.append(start..<bytes.count) }
        return values
    }
}
