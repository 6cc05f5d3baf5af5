/// Records of a source → rows of its in-application stream.

/// Decodes records by an input schema. A value without state: one serves a whole input.
public struct RecordDecoder: Sendable {
    /// The columns of the rows: the mapped ones in the schema's order, then metadata.
    public let columns: [ColumnDefinition]
    private let mappedTypes: [SQLType]
    private let metadata: [MetadataColumn]
    private let format: Format
    /// For JSON records that are rows themselves.
    private var columnPlan: JSONColumnPlan?

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
            let plan = try JSONRowPlan(schema, types: mappedTypes)
            format = .json(plan)
            columnPlan = plan.namePaths.flatMap { JSONColumnPlan($0, types: mapped.map(\.type), wanted: nil) }
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

    /// The same decoder for a reader of some of the columns: the others may be NULL in all rows. What does not fit is an error all the same.
    /// - Parameter columns: positions among `columns`.
    public func reading(only columns: Set<Int>) -> RecordDecoder {
        guard case .json(let plan) = format, let paths = plan.namePaths else { return self }
        var decoder = self
        decoder.columnPlan = JSONColumnPlan(paths, types: mappedTypes, wanted: columns)
        return decoder
    }

    /// Decodes records. A record gives none, one or several rows, all of its ROWTIME; one that does not fit the schema gives no rows but an
    /// error. Data outside the memory of its part counts as not fitting.
    /// - Parameter memory: lends the memory of a part; each part is asked for once, in order.
    public func decode(_ records: RecordList, lending memory: RecordList.Memory) -> (batch: ColumnBatch, errors: [RecordError]) {
        let decoded = decodeByRecord(records, lending: memory)
        return (decoded.batch, decoded.errors)
    }

    /// As `decode`.
    /// - Returns: also how many rows there are after each record, for those who must know which rows are whose.
    public func decodeByRecord(
        _ records: RecordList, lending memory: RecordList.Memory
    ) -> (batch: ColumnBatch, errors: [RecordError], rowEnds: [Int]) {
        columnPlan?.withDecoder { decode(records, memory, $0) } ?? decodeOneByOne(records, memory)
    }

    /// Decodes records whose data lies in one buffer.
    public func decode(
        _ records: some RandomAccessCollection<SourceRecord>, in buffer: UnsafeRawBufferPointer
    ) -> (batch: ColumnBatch, errors: [RecordError]) {
        decode(RecordList(records)) { $1(buffer) }
    }

    /// Decodes records whose data lies in one array.
    public func decode(
        _ records: some RandomAccessCollection<SourceRecord>, in bytes: [UInt8]
    ) -> (batch: ColumnBatch, errors: [RecordError]) {
        bytes.withUnsafeBytes { decode(records, in: $0) }
    }

    /// As `decode`, record by record: what defines how records become rows.
    package func decodeOneByOne(
        _ records: some Collection<SourceRecord>, in buffer: UnsafeRawBufferPointer
    ) -> (batch: ColumnBatch, errors: [RecordError]) {
        let decoded = decodeOneByOne(RecordList(records)) { $1(buffer) }
        return (decoded.batch, decoded.errors)
    }

    private func decodeOneByOne(
        _ records: RecordList, _ memory: RecordList.Memory
    ) -> (batch: ColumnBatch, errors: [RecordError], rowEnds: [Int]) {
        var builder = ColumnBatchBuilder(columns.map(\.type), capacity: records.count)
        var errors: [RecordError] = []
        var rowEnds: [Int] = []
        rowEnds.reserveCapacity(records.count)
        var reader = RecordReader()
        for part in 0..<records.partCount {
            memory(part) { buffer in
                for index in records.records(ofPart: part) {
                    let record = records.record(index)
                    let start = builder.count
                    do throws(RowFailure) {
                        try decode(record, in: buffer, into: &builder, &reader)
                        for (offset, fact) in metadata.enumerated() {
                            for _ in start..<builder.count { fact.append(record, to: &builder.columns[mappedTypes.count + offset]) }
                        }
                    } catch {
                        builder.truncate(to: start)
                        errors.append(RecordError(index, record, in: buffer, rowsBefore: start, error))
                    }
                    rowEnds.append(builder.count)
                }
            }
        }
        return (builder.finish(), errors, rowEnds)
    }

    /// The rows of a record, without metadata. Some columns may have more of them than others when it throws.
    private func decode(
        _ record: SourceRecord, in buffer: UnsafeRawBufferPointer, into builder: inout ColumnBatchBuilder,
        _ reader: inout RecordReader
    ) throws(RowFailure) {
        let data = record.data(in: buffer)
        switch format {
        case .json(let plan): try plan.decode(data, record.rowtime, into: &builder, &reader)
        case .csv(let format): try format.decode(data, record.rowtime, mappedTypes, into: &builder, &reader)
        }
    }

    private func decode(
        _ records: RecordList, _ memory: RecordList.Memory, _ decoder: JSONColumnDecoder
    ) -> (batch: ColumnBatch, errors: [RecordError], rowEnds: [Int]) {
        var rowEnds = [Int](repeating: 0, count: records.count)
        var errors: [RecordError] = []
        for part in 0..<records.partCount {
            memory(part) { buffer in
                decode(records, records.records(ofPart: part), in: buffer, decoder, &rowEnds, &errors)
            }
        }
        let facts = metadata.map { records.column($0, rowEnds) }
        return (ColumnBatch(rowtime: records.rowtime(rowEnds), columns: decoder.columns() + facts), errors, rowEnds)
    }

    private func decode(
        _ records: RecordList, _ part: Range<Int>, in buffer: UnsafeRawBufferPointer, _ decoder: JSONColumnDecoder,
        _ rowEnds: inout [Int], _ errors: inout [RecordError]
    ) {
        var spans = records.spans[part]
        for index in part where !spans[index].isInside(buffer.count) { spans[index] = RecordSpan() }
        var next = part.lowerBound
        while next < part.upperBound {
            next += decoder.decode(spans[next...], in: buffer, rowEnds: &rowEnds)
            guard next < part.upperBound else { break }
            // This one is not as expected: it is decoded alone, or is an error.
            let record = records.record(next)
            var builder = ColumnBatchBuilder(mappedTypes)
            do throws(RowFailure) {
                try decode(record, in: buffer, into: &builder, &decoder.reader)
                guard decoder.append(builder.finish()) else { throw RowFailure.noMemory }
            } catch {
                errors.append(RecordError(next, record, in: buffer, rowsBefore: decoder.count, error))
            }
            rowEnds[next] = decoder.count
            next += 1
        }
    }
}

extension SourceRecord {
    /// The record's bytes; none when they do not lie in the buffer.
    fileprivate func data(in buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let isInside = data.lowerBound >= 0 && data.upperBound <= buffer.count
        return UnsafeRawBufferPointer(rebasing: isInside ? buffer[data] : buffer[0..<0])
    }
}

extension RecordError {
    fileprivate init(
        _ index: Int, _ record: SourceRecord, in buffer: UnsafeRawBufferPointer, rowsBefore: Int, _ failure: RowFailure
    ) {
        self.init(
            record: index, rowsBefore: rowsBefore, rowtime: record.rowtime, failure: failure,
            data: Array(record.data(in: buffer).prefix(24_576)))
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
