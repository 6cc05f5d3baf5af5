/// An input schema guessed from a sample of records: what the API's DiscoverInputSchema answers.

/// What a sample of records says of its stream.
public struct InferredSchema: Sendable {
    /// By which all of the sample that was understood can be read.
    public let schema: InputSchema
    /// The rows that the schema makes of the sample, in order, as texts; nil is NULL.
    public let rows: [[String?]]

    /// Looks at records: JSON objects or arrays of them, else lines of delimited fields.
    ///
    /// Of a column the narrowest type is chosen that holds all its values: BOOLEAN, INTEGER, BIGINT, DOUBLE, TIMESTAMP (texts such as
    /// `2016-03-29 10:00:00` or `2016-03-29T10:00:00Z`), else VARCHAR.
    /// - Returns: nil when the sample tells nothing: it is empty, no text, or not alike.
    public init?(records: [[UInt8]]) {
        let records = records.filter { !$0.isEmpty }
        var json = JSONSample()
        for record in records { json.note(record) }
        let schema = json.understood > json.strangers ? json.schema : CSVSample(records: records)?.schema
        guard let schema, let rows = Self.rows(of: records, schema), !rows.isEmpty else { return nil }
        self.schema = schema
        self.rows = rows
    }

    /// Reads the sample as an application would.
    private static func rows(of records: [[UInt8]], _ schema: InputSchema) -> [[String?]]? {
        guard let decoder = try? RecordDecoder(schema, metadata: []) else { return nil }
        var (bytes, places) = ([UInt8](), [SourceRecord]())
        for record in records {
            places.append(SourceRecord(data: bytes.count..<bytes.count + record.count, rowtime: 0))
            bytes += record
        }
        let batch = decoder.decode(places, in: bytes).batch
        return (0..<batch.count).map { row in batch.columns.map { $0.text(row) } }
    }
}
