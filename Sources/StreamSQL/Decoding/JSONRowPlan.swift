/// JSON records → rows, by the paths of an input schema.

/// Where rows and their columns are in a record.
struct JSONRowPlan: Sendable {
    private struct ColumnPath: Sendable {
        /// From the row's object; of a flattened column, from an element of the array.
        var steps: [JSONPath.Step]
        var isFlattened: Bool
        var type: SQLType
        var name: String
    }

    private let columns: [ColumnPath]
    /// From the record to the row's object, or to an array of such objects.
    private let rowSteps: [JSONPath.Step]
    private let rowElements: (from: Int, steps: [JSONPath.Step])?
    /// The array in a row's object that gives a row for each element.
    private let flattened: (array: [JSONPath.Step], from: Int)?
    /// Whether every path begins with a name, so that only an object can hold a row.
    private let needsObject: Bool
    /// For the usual schema (rows are records, columns are members of different names): the names.
    private let memberNames: [[UInt8]]?

    /// - Throws: `SchemaError` for the first path that is wrong.
    init(_ schema: InputSchema, types: [SQLType]) throws(SchemaError) {
        let rowPath = try Self.path(
            schema.recordFormat.mappingParameters?.json?.recordRowPath ?? "$",
            "RecordFormat.MappingParameters.JSONMappingParameters.RecordRowPath")
        let rowSplit = rowPath.split
        rowSteps = rowSplit?.array ?? rowPath.steps
        rowElements = rowSplit.map { ($0.from, $0.element) }
        var columns: [ColumnPath] = []
        var flattened: (array: [JSONPath.Step], from: Int)?
        for (index, column) in schema.recordColumns.enumerated() {
            let field = "RecordColumns[\(index)].Mapping"
            guard let mapping = column.mapping, !mapping.isEmpty else {
                throw SchemaError(field, "a column of JSON records needs a path")
            }
            let path = try Self.path(mapping, field)
            guard let split = path.split, !split.element.isEmpty else {
                // A final [0:] is the array itself.
                columns.append(
                    ColumnPath(steps: path.split?.array ?? path.steps, isFlattened: false, type: types[index], name: column.name))
                continue
            }
            if let flattened, flattened.array != split.array || flattened.from != split.from {
                throw SchemaError(field, "only one array can be flattened to rows, and another column names a different one")
            }
            flattened = (split.array, split.from)
            columns.append(ColumnPath(steps: split.element, isFlattened: true, type: types[index], name: column.name))
        }
        self.columns = columns
        self.flattened = flattened
        needsObject = columns.allSatisfy { column in
            guard case .name = (column.isFlattened ? flattened?.array ?? [] : column.steps).first else { return false }
            return true
        }
        let names = columns.compactMap { column -> [UInt8]? in
            guard column.steps.count == 1, case .name(let name) = column.steps[0] else { return nil }
            return name
        }
        let isUsual = rowPath.steps.isEmpty && flattened == nil && names.count == columns.count && Set(names).count == names.count
        memberNames = isUsual ? names : nil
    }

    /// The columns' paths in the record, names only; nil when a row is not the record itself or a path has other steps.
    var namePaths: [[[UInt8]]]? {
        guard rowSteps.isEmpty, rowElements == nil, flattened == nil else { return nil }
        var paths: [[[UInt8]]] = []
        for column in columns {
            var names: [[UInt8]] = []
            for case .name(let name) in column.steps { names.append(name) }
            guard names.count == column.steps.count, !names.isEmpty else { return nil }
            paths.append(names)
        }
        return paths
    }

    private static func path(_ text: String, _ field: String) throws(SchemaError) -> JSONPath {
        do throws(JSONError) { return try JSONPath(text) } catch { throw SchemaError(field, error.message) }
    }

    /// Appends the rows of a record, which may be several JSON texts.
    /// - Throws: when the record is no JSON or a value does not fit its column; some columns may then have more rows than others.
    func decode(
        _ data: UnsafeRawBufferPointer, _ rowtime: Int64, into builder: inout ColumnBatchBuilder, _ reader: inout RecordReader
    ) throws(RowFailure) {
        // Failures inside are handed out as values, because the tokenizer throws another error.
        let failure: RowFailure?
        do throws(JSONError) {
            failure = try reader.tokenizer.withTokens(of: data, many: true) { first throws(JSONError) in
                do throws(RowFailure) {
                    for record in first.siblings {
                        try decode(record, rowtime, into: &builder, &reader.scratch, &reader.found)
                    }
                    return nil
                } catch {
                    return error
                }
            }
        } catch {
            throw .coercion("The record is not JSON: \(error.message).")
        }
        if let failure { throw failure }
    }

    private func decode(
        _ record: JSONValue, _ rowtime: Int64, into builder: inout ColumnBatchBuilder, _ scratch: inout [UInt8],
        _ found: inout [JSONValue?]
    ) throws(RowFailure) {
        if let memberNames {
            try decodeMembers(memberNames, of: record, rowtime, into: &builder, &scratch, &found)
            return
        }
        guard let start = record.value(at: rowSteps, scratch: &scratch) else {
            throw RowFailure.coercion("The record has nothing at RecordRowPath.")
        }
        guard let rowElements else {
            guard start.isObject || !needsObject else {
                throw RowFailure.coercion("The record has no object at RecordRowPath.")
            }
            return try decodeRow(start, rowtime, into: &builder, &scratch)
        }
        guard start.isArray else { throw RowFailure.coercion("The record has no array at RecordRowPath.") }
        var isEmpty = true
        var hasRow = false
        for element in start.elements.dropFirst(rowElements.from) {
            isEmpty = false
            guard let row = element.value(at: rowElements.steps, scratch: &scratch) else { continue }
            if row.isObject || !needsObject { hasRow = true }
            try decodeRow(row, rowtime, into: &builder, &scratch)
        }
        // An array always gives at least one row (Developer Guide, "Working with JSONPath").
        if isEmpty { return try appendRow(nil, element: nil, rowtime, into: &builder, &scratch) }
        if !hasRow { throw RowFailure.coercion("No element of the array at RecordRowPath has a row.") }
    }

    /// The usual schema: one pass over the record's members, whose order mostly is that of the columns.
    private func decodeMembers(
        _ names: [[UInt8]], of record: JSONValue, _ rowtime: Int64, into builder: inout ColumnBatchBuilder,
        _ scratch: inout [UInt8],
        _ found: inout [JSONValue?]
    ) throws(RowFailure) {
        guard record.isObject else { throw RowFailure.coercion("The record is not a JSON object.") }
        found.removeAll(keepingCapacity: true)
        for _ in names { found.append(nil) }
        var expected = 0
        for (key, value) in record.members {
            var column = expected
            for _ in names.indices {
                if key.isText(names[column], scratch: &scratch) {
                    // A name that occurs again: the last one counts.
                    found[column] = value
                    expected = column + 1 == names.count ? 0 : column + 1
                    break
                }
                column = column + 1 == names.count ? 0 : column + 1
            }
        }
        for column in names.indices {
            try append(found[column], column, to: &builder, &scratch)
        }
        builder.rowtimes.append(rowtime)
    }

    private func decodeRow(
        _ row: JSONValue, _ rowtime: Int64, into builder: inout ColumnBatchBuilder, _ scratch: inout [UInt8]
    ) throws(RowFailure) {
        guard let flattened else { return try appendRow(row, element: nil, rowtime, into: &builder, &scratch) }
        var isEmpty = true
        if let array = row.value(at: flattened.array, scratch: &scratch), array.isArray {
            for element in array.elements.dropFirst(flattened.from) {
                isEmpty = false
                try appendRow(row, element: element, rowtime, into: &builder, &scratch)
            }
        }
        // Without elements the row is still one, with NULL where their values would be.
        if isEmpty { try appendRow(row, element: nil, rowtime, into: &builder, &scratch) }
    }

    private func appendRow(
        _ row: JSONValue?, element: JSONValue?, _ rowtime: Int64, into builder: inout ColumnBatchBuilder, _ scratch: inout [UInt8]
    ) throws(RowFailure) {
        for (index, column) in columns.enumerated() {
            let value = (column.isFlattened ? element : row)?.value(at: column.steps, scratch: &scratch)
            try append(value, index, to: &builder, &scratch)
        }
        builder.rowtimes.append(rowtime)
    }

    private func append(
        _ value: JSONValue?, _ column: Int, to builder: inout ColumnBatchBuilder, _ scratch: inout [UInt8]
    ) throws(RowFailure) {
        guard let value else { return builder.columns[column].appendNull() }
        do throws(RowFailure) {
            try Coercion.append(value, columns[column].type, to: &builder.columns[column], scratch: &scratch)
        } catch {
            throw error.prefixed("Column \(columns[column].name): ")
        }
    }
}
