/// JSON objects by column names → rows: the `row` of a replay file, reference rows.

/// Decodes objects such as `{"METER": "m-7", "KWH": 1.25}`, whose members are columns by their stored names.
public struct RowDecoder: Sendable {
    /// The declared columns, then the metadata ones.
    public let columns: [ColumnDefinition]
    private let names: [[UInt8]]
    private let declared: [ColumnDefinition]
    /// For each column, the fact it shows when the row does not name it.
    private let facts: [MetadataColumn?]

    /// - Parameter metadata: facts that become columns after the declared ones; a declared column of the same name takes their place and
    ///   shows the fact in rows that do not give it.
    public init(_ declared: [ColumnDefinition], metadata: [MetadataColumn] = []) {
        self.declared = declared
        let added = metadata.filter { fact in !declared.contains { $0.name == fact.rawValue } }
        columns = declared + added.map(\.column)
        names = columns.map { Array($0.name.utf8) }
        facts = columns.map { column in
            MetadataColumn(rawValue: column.name).flatMap {
                metadata.contains($0) && $0.type.storage == column.type.storage ? $0 : nil
            }
        }
    }

    /// A builder for its rows.
    public func makeBuilder() -> ColumnBatchBuilder { ColumnBatchBuilder(columns.map(\.type)) }

    /// Appends the row of an object. A missing column is NULL.
    ///
    /// - Parameter record: its ROWTIME and metadata; its `data` is not used.
    /// - Throws: `RowFailure` when the text is no JSON object, names an unknown column or has a value that is not of its column's type;
    ///   the builder is then as before.
    public func append(
        _ object: UnsafeRawBufferPointer, record: SourceRecord, to builder: inout ColumnBatchBuilder
    ) throws(RowFailure) {
        let start = builder.count
        let failure: RowFailure?
        do throws(JSONError) {
            failure = try JSONTokenizer().withTokens(of: object) { value throws(JSONError) in
                do throws(RowFailure) {
                    try append(value, record, to: &builder)
                    return nil
                } catch {
                    return error
                }
            }
        } catch {
            throw RowFailure.coercion("the row is not JSON: \(error.message)")
        }
        guard let failure else { return }
        builder.truncate(to: start)
        throw failure
    }

    /// As above, for text in an array.
    public func append(_ object: [UInt8], record: SourceRecord, to builder: inout ColumnBatchBuilder) throws(RowFailure) {
        let failure = object.withUnsafeBytes { bytes -> RowFailure? in
            do throws(RowFailure) {
                try append(bytes, record: record, to: &builder)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func append(_ object: JSONValue, _ record: SourceRecord, to builder: inout ColumnBatchBuilder) throws(RowFailure) {
        guard object.isObject else { throw RowFailure.coercion("the row is not a JSON object") }
        var scratch: [UInt8] = []
        var found = [JSONValue?](repeating: nil, count: columns.count)
        for (key, value) in object.members {
            guard let column = names.firstIndex(where: { key.isText($0, scratch: &scratch) }) else {
                scratch.removeAll(keepingCapacity: true)
                key.appendText(to: &scratch)
                throw RowFailure.coercion("there is no column \"\(String(decoding: scratch, as: UTF8.self))\"")
            }
            found[column] = value
        }
        for (index, column) in columns.enumerated() {
            if let value = found[index] {
                try append(value, column, to: &builder.columns[index])
            } else if let fact = facts[index] {
                fact.append(record, to: &builder.columns[index])
            } else {
                builder.columns[index].appendNull()
            }
        }
        builder.rowtimes.append(record.rowtime)
    }

    /// Appends a value in the form in which it would be printed; texts that are too long are cut, as in any assignment.
    private func append(_ value: JSONValue, _ column: ColumnDefinition, to builder: inout ColumnBuilder) throws(RowFailure) {
        let type = column.type
        var text: [UInt8] = []
        switch (value.kind, type.storage) {
        case (.null, _): return builder.appendNull()
        case (.boolean(let truth), .booleans): return builder.append(truth)
        case (.number, .doubles):
            if let number = type == .real ? DoubleText.parseReal(value.raw) : DoubleText.parse(value.raw) {
                return builder.append(number)
            }
        case (.number, .integers) where type.isExactNumeric:
            if let digits = try? Coercion.exact(value.raw, type) { return builder.append(digits) }
        case (.string, .integers) where type.isDatetime:
            value.appendText(to: &text)
            let time = text.withUnsafeBytes {
                type == .date
                    ? CivilTime.parseDate($0) : type == .time ? CivilTime.parseTime($0) : CivilTime.parseTimestamp($0, .record)
            }
            if let time { return builder.append(time) }
        case (.string, .bytes):
            value.appendText(to: &text)
            guard type.isBinary else { return text.withUnsafeBytes { Coercion.fit($0, type, to: &builder) } }
            if let bytes = text.withUnsafeBytes({ Base64.decode($0) }) {
                return bytes.withUnsafeBytes { Coercion.fit($0, type, to: &builder) }
            }
        default: break
        }
        let shown = String(decoding: value.raw.prefix(100), as: UTF8.self)
        throw RowFailure.coercion("the value \(shown) of column \"\(column.name)\" is not a \(type)")
    }
}
