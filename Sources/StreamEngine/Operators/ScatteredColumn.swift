/// A column whose rows come in any order, some of them several times.

import StreamSQL

/// What is set last counts.
struct ScatteredColumn {
    private let type: SQLType
    private var booleans: [Bool] = []
    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var bytes: [ArraySlice<UInt8>] = []
    private var nulls: [Bool]

    init(_ type: SQLType, count: Int) {
        self.type = type
        nulls = [Bool](repeating: false, count: count)
        switch type.storage {
        case .booleans: booleans = [Bool](repeating: false, count: count)
        case .integers: integers = [Int64](repeating: 0, count: count)
        case .doubles: doubles = [Double](repeating: 0, count: count)
        case .bytes: bytes = [ArraySlice<UInt8>](repeating: [], count: count)
        }
    }

    /// - Precondition: the column is of the type and has as many rows as are given, which are rows of this one.
    mutating func set(_ rows: [Int64], _ column: Column) {
        for index in rows.indices { nulls[Int(rows[index])] = column.isNull(index) }
        switch column.values {
        case .booleans(let values): for index in rows.indices { booleans[Int(rows[index])] = values[index] }
        case .integers(let values): for index in rows.indices { integers[Int(rows[index])] = values[index] }
        case .doubles(let values): for index in rows.indices { doubles[Int(rows[index])] = values[index] }
        case .bytes(let values): for index in rows.indices { bytes[Int(rows[index])] = values.bytes[values.range(index)] }
        }
    }

    /// Adds rows up to so many.
    mutating func grow(to count: Int) {
        let more = count - nulls.count
        guard more > 0 else { return }
        switch type.storage {
        case .booleans: booleans.append(contentsOf: repeatElement(false, count: more))
        case .integers: integers.append(contentsOf: repeatElement(0, count: more))
        case .doubles: doubles.append(contentsOf: repeatElement(0, count: more))
        case .bytes: bytes.append(contentsOf: repeatElement([], count: more))
        }
        nulls.append(contentsOf: repeatElement(true, count: more))
    }

    /// Sets one row; texts are copied, so that what they come from need not stay.
    mutating func set(_ place: Int, to row: Int, of column: Column) {
        nulls[place] = column.isNull(row)
        switch column.value(at: row) {
        case .null: if type.storage == .bytes { bytes[place] = [] }
        case .boolean(let value): booleans[place] = value
        case .integer(let value): integers[place] = value
        case .double(let value): doubles[place] = value
        case .text(let value): bytes[place] = Array(value.utf8)[...]
        case .binary(let value): bytes[place] = Array(value)[...]
        }
    }

    /// Some rows, in the order given.
    func column(of rows: [Int]) -> Column {
        var builder = ColumnBuilder(type, capacity: rows.count)
        for row in rows {
            if nulls[row] {
                builder.appendNull()
                continue
            }
            switch type.storage {
            case .booleans: builder.append(booleans[row])
            case .integers: builder.append(integers[row])
            case .doubles: builder.append(doubles[row])
            case .bytes: builder.append(bytes: bytes[row])
            }
        }
        return builder.finish()
    }

    var column: Column {
        let values: ColumnValues
        switch type.storage {
        case .booleans: values = .booleans(booleans)
        case .integers: values = .integers(integers)
        case .doubles: values = .doubles(doubles)
        case .bytes:
            var joined = ByteColumn()
            for value in bytes {
                joined.bytes.append(contentsOf: value)
                joined.ends.append(joined.bytes.count)
            }
            values = .bytes(joined)
        }
        return Column(type, values, nulls: nulls.contains(true) ? nulls : nil)
    }
}
