/// Appending rows of columns to builders: state that grows row by row must not be copied to grow.

import StreamSQL

extension ColumnBuilder {
    /// Appends a row's value of a column of the same type.
    mutating func append(_ row: Int, of column: Column) {
        if column.isNull(row) { return appendNull() }
        let (values, row) = column.cell(row)
        switch values {
        case .booleans(let values): append(values[row])
        case .integers(let values): append(values[row])
        case .doubles(let values): append(values[row])
        case .bytes(let values): append(bytes: values.bytes[values.range(row)])
        }
    }

    /// Appends the values of rows of a column of the same type.
    mutating func append(rows: Range<Int>, of column: Column) {
        for row in rows { append(row, of: column) }
    }
}
