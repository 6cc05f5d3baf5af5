/// The answer to a query on its way: columns, rows, how far it has come, how it ended, each in a frame.

public import StreamSQL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How the rows of an answer are written.
public enum QueryRowFormat: String, Sendable, CaseIterable {
    /// An object a line.
    case ndjson
    /// A line a row; NULL is nothing, empty text is in quotes.
    case csv
    /// Cells between `cellEnd`, rows between `rowEnd`; NULL is `null`. For whoever lays out a table.
    case cells

    public static let cellEnd: UInt8 = 0x1F
    public static let rowEnd: UInt8 = 0x1E
    public static let null: UInt8 = 0x00
}

/// A frame: a byte for its kind, four for the length of its content, little-endian, the content.
public enum QueryFrame: Sendable {
    /// What the columns of the rows are called, and their types.
    case columns([Column])
    case rows([UInt8])
    case progress(Progress)
    case end(End)
    /// It ended early, in words.
    case failure(String)

    public struct Column: Codable, Sendable, Hashable {
        public var name: String
        public var type: String
    }

    public struct Progress: Codable, Sendable, Hashable {
        public var records: Int64
        public var bytes: Int64
    }

    public struct End: Codable, Sendable, Hashable {
        /// Rows of the streams that were read.
        public var records: Int64
        /// Records and rows that failed and are not in the result.
        public var failures: Int
        public var first: String?
    }

    private static let headBytes = 5

    public var encoded: [UInt8] {
        let (kind, content): (Character, [UInt8]) =
            switch self {
            case .columns(let columns): ("C", Self.json(columns))
            case .rows(let bytes): ("R", bytes)
            case .progress(let progress): ("P", Self.json(progress))
            case .end(let end): ("E", Self.json(end))
            case .failure(let reason): ("X", Array(reason.utf8))
            }
        var bytes = [kind.asciiValue ?? 0]
        withUnsafeBytes(of: UInt32(content.count).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes + content
    }

    private static func json(_ value: some Encodable) -> [UInt8] { (try? JSONEncoder().encode(value)).map(Array.init) ?? [] }

    /// Takes the first whole frame off bytes; nil where there is none yet.
    /// - Throws: for bytes that are no frames.
    public static func take(from bytes: inout [UInt8]) throws -> QueryFrame? {
        guard bytes.count >= headBytes else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[$1 + 1]) << (8 * $1) }
        guard bytes.count >= headBytes + length else { return nil }
        let content = Array(bytes[headBytes..<headBytes + length])
        let kind = bytes[0]
        bytes.removeFirst(headBytes + length)
        let decoder = JSONDecoder()
        switch Character(Unicode.Scalar(kind)) {
        case "C": return .columns(try decoder.decode([Column].self, from: Data(content)))
        case "R": return .rows(content)
        case "P": return .progress(try decoder.decode(Progress.self, from: Data(content)))
        case "E": return .end(try decoder.decode(End.self, from: Data(content)))
        default: return .failure(String(decoding: content, as: UTF8.self))
        }
    }
}

/// Writes the events of a query as frames.
public struct QueryFrameEncoder: Sendable {
    private let format: QueryRowFormat
    private let rows: RowEncoder
    private let columns: [ColumnDefinition]

    public init(_ columns: [ColumnDefinition], _ format: QueryRowFormat) {
        self.columns = columns
        self.format = format
        rows = RowEncoder(columns: columns, format: format == .csv ? .csv : .json)
    }

    /// The first frame.
    public var head: [UInt8] {
        QueryFrame.columns(columns.map { QueryFrame.Column(name: $0.name, type: "\($0.type)") }).encoded
    }

    /// The frames of an event; rows in pieces.
    public func encode(_ event: StoredQuery.Event) -> [UInt8] {
        switch event {
        case .progress(let records, let bytes): QueryFrame.progress(.init(records: records, bytes: bytes)).encoded
        case .end(let records, let failures, let first):
            QueryFrame.end(.init(records: records, failures: failures, first: first)).encoded
        case .rows(let batch): QueryFrame.rows(content(batch)).encoded
        }
    }

    private func content(_ batch: ColumnBatch) -> [UInt8] {
        var bytes: [UInt8] = []
        switch format {
        case .ndjson:
            rows.encode(batch, pieceBytes: 1 << 20) { piece, ends in
                var start = 0
                for end in ends {
                    bytes += piece[start..<end]
                    bytes.append(UInt8(ascii: "\n"))
                    start = end
                }
            }
        case .csv: rows.encode(batch, pieceBytes: 1 << 20) { piece, _ in bytes += piece }
        case .cells:
            for row in 0..<batch.count {
                for column in batch.columns {
                    if let text = column.text(row) { bytes += text.utf8 } else { bytes.append(QueryRowFormat.null) }
                    bytes.append(QueryRowFormat.cellEnd)
                }
                bytes.append(QueryRowFormat.rowEnd)
            }
        }
        return bytes
    }
}
