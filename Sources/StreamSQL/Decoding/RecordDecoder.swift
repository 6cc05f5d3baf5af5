/// Records of a source → rows of its in-application stream.

/// Decodes records by an input schema. A value without state: one serves a whole input.
public struct RecordDecoder: Sendable {
    /// The columns of the rows: the mapped ones in the schema's order, then metadata.
    public let columns: [ColumnDefinition]
    private let mappedTypes: [SQLType]
    private let metadata: [MetadataColumn]
    private let format: Format

    private enum Format: Sendable {
        case json(JSONRowPlan)
        case csv(CSVFormat)
    }

    /// - Parameter metadata: which facts about the record become columns. A mapped column of the same name takes their place.
    /// - Throws: `SchemaError` for the first field that is wrong.
    public init(_ schema: InputSchema, metadata: [MetadataColumn] = MetadataColumn.allCases) throws(SchemaError) {
        if let encoding = schema.recordEncoding, !["UTF-8", "UTF8"].contains(encoding.uppercased()) {
            throw SchemaError("RecordEncoding", "'\(encoding)' is not UTF-8")
        }
        var mapped: [ColumnDefinition] = []
        for (index, column) in schema.recordColumns.enumerated() {
            mapped.append(try Self.definition(column, index, after: mapped))
        }
        guard (1...1000).contains(mapped.count) else {
            throw SchemaError("RecordColumns", "\(mapped.count) columns; from 1 to 1000 are possible")
        }
        mappedTypes = mapped.map(\.type)
        self.metadata = metadata.filter { fact in !mapped.contains { $0.name == fact.rawValue } }
        columns = mapped + self.metadata.map(\.column)
        let parameters = schema.recordFormat.mappingParameters
        switch schema.recordFormat.recordFormatType {
        case "JSON":
            if parameters?.csv != nil {
                throw SchemaError("RecordFormat.MappingParameters.CSVMappingParameters", "does not go with records of type JSON")
            }
            format = .json(try JSONRowPlan(schema, types: mappedTypes))
        case "CSV":
            if parameters?.json != nil {
                throw SchemaError("RecordFormat.MappingParameters.JSONMappingParameters", "does not go with records of type CSV")
            }
            format = .csv(try CSVFormat(parameters?.csv ?? .init()))
        case let other: throw SchemaError("RecordFormat.RecordFormatType", "'\(other)' is neither JSON nor CSV")
        }
    }

    private static func definition(
        _ column: InputSchema.RecordColumn, _ index: Int, after earlier: [ColumnDefinition]
    ) throws(SchemaError) -> ColumnDefinition {
        let field = "RecordColumns[\(index)]"
        guard !column.name.isEmpty, column.name.unicodeScalars.count <= 128 else {
            throw SchemaError("\(field).Name", "a name has 1 to 128 characters")
        }
        guard column.name != "ROWTIME" else { throw SchemaError("\(field).Name", "every stream has a ROWTIME already") }
        guard !earlier.contains(where: { $0.name == column.name }) else {
            throw SchemaError("\(field).Name", "'\(column.name)' occurs more than once")
        }
        do throws(SQLType.ParseError) {
            return ColumnDefinition(column.name, try SQLType(parsing: column.sqlType))
        } catch {
            throw SchemaError("\(field).SqlType", error.message)
        }
    }

    /// Decodes records whose data lies in one buffer. A record gives none, one or several rows, all of its ROWTIME; one that does not fit
    /// the schema gives no rows but an error. Data outside the buffer counts as not fitting.
    public func decode(
        _ records: some Collection<SourceRecord>, in buffer: UnsafeRawBufferPointer
    ) -> (batch: ColumnBatch, errors: [RecordError]) {
        var builder = ColumnBatchBuilder(columns.map(\.type), capacity: records.count)
        var errors: [RecordError] = []
        var reader = RecordReader()
        for (index, record) in records.enumerated() {
            let start = builder.count
            let isInside = record.data.lowerBound >= 0 && record.data.upperBound <= buffer.count
            let data = UnsafeRawBufferPointer(rebasing: isInside ? buffer[record.data] : buffer[0..<0])
            do throws(RowFailure) {
                switch format {
                case .json(let plan): try plan.decode(data, record.rowtime, into: &builder, &reader)
                case .csv(let format): try format.decode(data, record.rowtime, mappedTypes, into: &builder, &reader)
                }
                for (offset, fact) in metadata.enumerated() {
                    for _ in start..<builder.count { fact.append(record, to: &builder.columns[mappedTypes.count + offset]) }
                }
            } catch {
                builder.truncate(to: start)
                errors.append(
                    RecordError(
                        record: index, rowsBefore: start, rowtime: record.rowtime, name: error.name,
                        message: String(error.message.prefix(4096)), data: Array(data.prefix(24_576))))
            }
        }
        return (builder.finish(), errors)
    }

    /// Decodes records whose data lies in one array.
    public func decode(
        _ records: some Collection<SourceRecord>, in bytes: [UInt8]
    ) -> (batch: ColumnBatch, errors: [RecordError]) {
        bytes.withUnsafeBytes { decode(records, in: $0) }
    }
}

/// Buffers that are used again from record to record.
struct RecordReader {
    let tokenizer = JSONTokenizer()
    var scratch: [UInt8] = []
    /// For each column, its value in the record at hand.
    var found: [JSONValue?] = []
}

extension MetadataColumn {
    /// Appends the fact to its column.
    func append(_ record: SourceRecord, to column: inout ColumnBuilder) {
        switch self {
        case .approximateArrivalTime: column.append(record.arrivalMilliseconds)
        case .partitionKey: column.append(bytes: record.partitionKey.utf8)
        case .sequenceNumber: column.append(bytes: record.sequenceNumber.utf8)
        case .shardID: column.append(bytes: record.shardID.utf8)
        }
    }
}
