/// CSV records → rows: columns by position.

/// The delimiters of CSV records. Fields may be quoted by `"`, a quote inside is doubled; an empty field is NULL, `""` is empty text.
struct CSVFormat: Sendable {
    let columnDelimiter: [UInt8]
    let rowDelimiter: [UInt8]

    /// - Throws: `SchemaError` for an empty delimiter, or two that cannot be told apart.
    init(_ parameters: InputSchema.CSVMappingParameters) throws(SchemaError) {
        let field = "RecordFormat.MappingParameters.CSVMappingParameters"
        columnDelimiter = Self.delimiter(parameters.recordColumnDelimiter)
        rowDelimiter = Self.delimiter(parameters.recordRowDelimiter)
        guard !columnDelimiter.isEmpty else { throw SchemaError("\(field).RecordColumnDelimiter", "is empty") }
        guard !rowDelimiter.isEmpty else { throw SchemaError("\(field).RecordRowDelimiter", "is empty") }
        guard !columnDelimiter.starts(with: rowDelimiter), !rowDelimiter.starts(with: columnDelimiter) else {
            throw SchemaError("\(field).RecordRowDelimiter", "begins like the column delimiter")
        }
    }

    /// Users also write the escapes out.
    private static func delimiter(_ text: String) -> [UInt8] {
        switch text {
        case "\\n": [10]
        case "\\r\\n": [13, 10]
        case "\\t": [9]
        default: Array(text.utf8)
        }
    }

    /// Appends the rows of a record; empty lines give none. Fields beyond the columns are ignored, missing ones are NULL.
    /// - Throws: when the record is not UTF-8, a quote is open or a value does not fit its column.
    func decode(
        _ data: UnsafeRawBufferPointer, _ rowtime: Int64, _ types: [SQLType], into builder: inout ColumnBatchBuilder,
        _ reader: inout RecordReader
    ) throws(RowFailure) {
        guard UTF8Check.isValid(data) else { throw RowFailure.coercion("The record is not UTF-8.") }
        var index = 0
        while index < data.count {
            var column = 0
            var isLineOpen = true
            // A line without any byte is no row.
            if matches(rowDelimiter, data, index) || isBlankLine(data, index) {
                index = endOfLine(data, index)
                continue
            }
            while isLineOpen {
                let field = try field(data, &index, &reader.scratch)
                if column < types.count { try append(field, data, types[column], column, to: &builder, reader.scratch) }
                column += 1
                if matches(columnDelimiter, data, index) {
                    index += columnDelimiter.count
                } else {
                    index = min(data.count, index + (index < data.count ? rowDelimiter.count : 0))
                    isLineOpen = false
                }
            }
            for missing in min(column, types.count)..<types.count { builder.columns[missing].appendNull() }
            builder.rowtimes.append(rowtime)
        }
    }

    private enum Field { case null, plain(Range<Int>), quoted }

    private func field(_ data: UnsafeRawBufferPointer, _ index: inout Int, _ scratch: inout [UInt8]) throws(RowFailure) -> Field {
        let quote = UInt8(ascii: "\"")
        if index < data.count, data[index] == quote {
            scratch.removeAll(keepingCapacity: true)
            index += 1
            while index < data.count {
                if data[index] == quote {
                    guard index + 1 < data.count, data[index + 1] == quote else {
                        index += 1
                        // What follows the closing quote up to the delimiter belongs to the field.
                        while index < data.count, !matches(columnDelimiter, data, index), !matches(rowDelimiter, data, index) {
                            if data[index] != 13 { scratch.append(data[index]) }
                            index += 1
                        }
                        return .quoted
                    }
                    index += 1
                }
                scratch.append(data[index])
                index += 1
            }
            throw RowFailure.coercion("A quoted field is not closed.")
        }
        let start = index
        while index < data.count, !matches(columnDelimiter, data, index), !matches(rowDelimiter, data, index) { index += 1 }
        var end = index
        let isLast = index == data.count || matches(rowDelimiter, data, index)
        if isLast && end > start && data[end - 1] == 13 { end -= 1 }
        return start == end ? .null : .plain(start..<end)
    }

    private func append(
        _ field: Field, _ data: UnsafeRawBufferPointer, _ type: SQLType, _ column: Int, to builder: inout ColumnBatchBuilder,
        _ scratch: [UInt8]
    ) throws(RowFailure) {
        var misfit: RowFailure?
        func append(_ text: UnsafeRawBufferPointer) {
            do throws(RowFailure) {
                try Coercion.appendText(text, type, to: &builder.columns[column])
            } catch {
                misfit = error
            }
        }
        switch field {
        case .null: builder.columns[column].appendNull()
        case .plain(let range): append(UnsafeRawBufferPointer(rebasing: data[range]))
        case .quoted: scratch.withUnsafeBytes { append($0) }
        }
        if let misfit { throw misfit.prefixed("Field \(column + 1): ") }
    }

    private func isBlankLine(_ data: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        data[index] == 13 && (index + 1 == data.count || matches(rowDelimiter, data, index + 1))
    }

    private func endOfLine(_ data: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < data.count && !matches(rowDelimiter, data, index) { index += 1 }
        return min(data.count, index + rowDelimiter.count)
    }

    @inline(__always)
    private func matches(_ delimiter: [UInt8], _ data: UnsafeRawBufferPointer, _ index: Int) -> Bool {
        guard index + delimiter.count <= data.count, data[index] == delimiter[0] else { return false }
        for offset in 1..<max(1, delimiter.count) where data[index + offset] != delimiter[offset] { return false }
        return true
    }
}
