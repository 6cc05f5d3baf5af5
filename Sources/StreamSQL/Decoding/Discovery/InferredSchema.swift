/// An input schema guessed from a sample of records: what the API's DiscoverInputSchema answers.

/// What a sample of records says of its stream.
public struct InferredSchema: Sendable {
    /// Why there is no schema: a record that has no form, or not that of the others.
    public struct Failure: Error, Sendable {
        public var record: [UInt8]
    }

    /// By which the sample can be read, as far as it was understood.
    public let schema: InputSchema
    /// The records at the beginning of the sample that are worth showing: at most 50, of 64 KiB together.
    public let records: [[UInt8]]
    /// The rows that the schema makes of `records`, in order, as texts; nil is NULL.
    public let rows: [[String?]]

    private static let mostShown = 50
    private static let mostShownBytes = 64 << 10
    private static let mostShownValues = 100_000

    /// Looks at records: JSON objects or arrays of them, else lines of delimited fields. It takes up to some microseconds for each value.
    ///
    /// Of a column the narrowest type is chosen that holds all its values: BOOLEAN, INTEGER, BIGINT, DOUBLE, TIMESTAMP (texts such as
    /// `2016-03-29 10:00:00` or `2016-03-29T10:00:00Z`), else VARCHAR.
    /// - Throws: where most of the sample is no text, or not alike.
    public init(of records: [[UInt8]]) throws(Failure) {
        let records = records.filter { !$0.isEmpty }
        var json = JSONSample()
        for record in records { json.note(record) }
        let isJSON = json.understood * 2 > records.count
        guard let schema = isJSON ? json.schema : CSVSample(records: records)?.schema else {
            let stranger = json.rowCounts.firstIndex(of: 0) ?? 0
            throw Failure(record: records.isEmpty ? [] : records[stranger])
        }
        let rowCounts = isJSON ? json.rowCounts : records.map { $0.count(where: { $0 == UInt8(ascii: "\n") }) + 1 }
        let shown = Self.shown(records, rowCounts, columns: schema.recordColumns.count)
        let rows = Self.rows(of: shown, schema)
        guard !rows.isEmpty || shown.isEmpty else { throw Failure(record: shown[0]) }
        (self.schema, self.records, self.rows) = (schema, shown, rows)
    }

    private static func shown(_ records: [[UInt8]], _ rowCounts: [Int], columns: Int) -> [[UInt8]] {
        var (bytes, values) = (0, 0)
        var count = 0
        while count < min(mostShown, records.count) {
            bytes += records[count].count
            values += rowCounts[count] * columns
            if bytes > mostShownBytes || values > mostShownValues { break }
            count += 1
        }
        return Array(records[..<count])
    }

    /// Reads records as an application would.
    private static func rows(of records: [[UInt8]], _ schema: InputSchema) -> [[String?]] {
        guard let decoder = try? RecordDecoder(schema, metadata: []) else { return [] }
        var (bytes, places) = ([UInt8](), [SourceRecord]())
        for record in records {
            places.append(SourceRecord(data: bytes.count..<bytes.count + record.count, rowtime: 0))
            bytes += record
        }
        let batch = decoder.decode(places, in: bytes).batch
        return (0..<min(batch.count, mostShown)).map { row in batch.columns.map { $0.text(row) } }
    }
}
