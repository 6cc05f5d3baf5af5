/// Rows as lines of NDJSON that name their stream and their time.

public import StreamSQL

/// Writes `{"stream": …, "rowtime_ms": …, "row": {…}}`, as `millrace sql replay` prints them.
public struct RowLines: Sendable {
    private let encoders: [String: (prefix: [UInt8], rows: RowEncoder)]

    /// - Parameter schemas: of all streams whose rows may come.
    public init(of schemas: [StreamSchema]) {
        var encoders: [String: (prefix: [UInt8], rows: RowEncoder)] = [:]
        for schema in schemas {
            // The name is written as the value of a row with one column, so that it is escaped as values are.
            let name = ColumnBatch(rowtimes: [0], columns: [Column(.varchar(128), values: [.text(schema.name)])])
            var prefix: [UInt8] = []
            RowEncoder(columns: [ColumnDefinition("stream", .varchar(128))], format: .json).encodeRow(0, of: name, into: &prefix)
            prefix.removeLast()
            encoders[schema.name] = (prefix, RowEncoder(columns: schema.columns, format: .json))
        }
        self.encoders = encoders
    }

    /// Appends a line; nothing for a stream that is not known.
    public func append(_ row: Int, of batch: ColumnBatch, in stream: String, to bytes: inout [UInt8]) {
        guard let encoder = encoders[stream] else { return }
        bytes.append(contentsOf: encoder.prefix)
        bytes.append(contentsOf: ",\"rowtime_ms\":\(batch.rowtime(row)),\"row\":".utf8)
        encoder.rows.encodeRow(row, of: batch, into: &bytes)
        bytes.append(contentsOf: "}\n".utf8)
    }
}
