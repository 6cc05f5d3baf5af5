/// Selecting, joining and reading rows of columns and batches.

extension ColumnValues {
    var count: Int {
        switch self {
        case .booleans(let values): values.count
        case .integers(let values): values.count
        case .doubles(let values): values.count
        case .bytes(let values): values.count
        }
    }
}

extension Column {
    /// A column of these values.
    /// - Precondition: each value is NULL or belongs to the type's storage.
    public init(_ type: SQLType, values: [SQLValue]) {
        var builder = ColumnBuilder(type, capacity: values.count)
        for value in values { builder.append(value) }
        self = builder.finish()
    }

    /// A column without rows.
    public static func empty(_ type: SQLType) -> Column { Column(type, values: []) }

    /// The same value in every row: one run.
    public static func repeating(_ value: SQLValue, _ type: SQLType, count: Int) -> Column {
        if count == 0 { return .empty(type) }
        if value == .null { return .nulls(type, count: count) }
        return Column(type, values: [value]).repeated([count])
    }

    /// NULL in every row: one run.
    public static func nulls(_ type: SQLType, count: Int) -> Column {
        let value: ColumnValues =
            switch type.storage {
            case .booleans: .booleans([false])
            case .integers: .integers([0])
            case .doubles: .doubles([0])
            case .bytes: .bytes(ByteColumn(ends: [0]))
            }
        return count == 0 ? .empty(type) : Column(type, runs: value, nulls: [true], ends: [count])
    }

    /// The value of a row, for places that are not hot.
    public func value(at row: Int) -> SQLValue {
        if isNull(row) { return .null }
        let (values, row) = cell(row)
        switch values {
        case .booleans(let values): return .boolean(values[row])
        case .integers(let values): return .integer(values[row])
        case .doubles(let values): return .double(values[row])
        case .bytes(let values):
            return type.isBinary ? .binary(Array(values.bytes[values.range(row)])) : .text(values.text(row))
        }
    }

    /// The rows given, in that order; a row may appear more than once.
    public func gather(rows: [Int]) -> Column {
        if isScalar { return scalar(count: rows.count) }
        guard runEnds != nil else { return gatherStored(rows) }
        var (places, ends) = ([Int](), [Int]())
        for (index, row) in rows.enumerated() {
            let place = place(row)
            if place == places.last {
                ends[ends.count - 1] = index + 1
            } else {
                places.append(place)
                ends.append(index + 1)
            }
        }
        return rows.isEmpty ? .empty(type) : runs.gatherStored(places).repeated(ends)
    }

    private func gatherStored(_ rows: [Int]) -> Column {
        let gathered: ColumnValues =
            switch stored {
            case .booleans(let values): .booleans(rows.map { values[$0] })
            case .integers(let values): .integers(rows.map { values[$0] })
            case .doubles(let values): .doubles(rows.map { values[$0] })
            case .bytes(let values): .bytes(values.gather(rows))
            }
        return Column(type, gathered, nulls: storedNulls.map { nulls in rows.map { nulls[$0] } })
    }

    /// The rows whose flag is true.
    /// - Precondition: as many flags as rows.
    public func filtered(by keep: [Bool]) -> Column { gather(rows: keep.trueIndices) }

    public func slice(_ rows: Range<Int>) -> Column {
        guard let runEnds else { return sliceStored(rows) }
        guard let first = rows.first, let last = rows.last else { return .empty(type) }
        let places = place(first)..<(place(last) + 1)
        return runs.sliceStored(places).repeated(runEnds[places].map { min($0, rows.upperBound) - rows.lowerBound })
    }

    private func sliceStored(_ rows: Range<Int>) -> Column {
        let sliced: ColumnValues =
            switch stored {
            case .booleans(let values): .booleans(Array(values[rows]))
            case .integers(let values): .integers(Array(values[rows]))
            case .doubles(let values): .doubles(Array(values[rows]))
            case .bytes(let values): .bytes(values.slice(rows))
            }
        return Column(type, sliced, nulls: storedNulls.map { Array($0[rows]) })
    }

    public func appending(contentsOf other: Column) -> Column {
        var all = self
        all.append(contentsOf: other)
        return all
    }
}

extension [Bool] {
    /// The positions of true.
    var trueIndices: [Int] {
        var indices: [Int] = []
        indices.reserveCapacity(count)
        for index in self.indices where self[index] { indices.append(index) }
        return indices
    }
}

extension ColumnBatch {
    /// A batch without rows.
    public static func empty(_ columns: [ColumnDefinition]) -> ColumnBatch {
        ColumnBatch(rowtimes: [], columns: columns.map { .empty($0.type) })
    }

    public func gather(rows: [Int]) -> ColumnBatch {
        ColumnBatch(rowtime: rowtime.gather(rows: rows), columns: columns.map { $0.gather(rows: rows) })
    }

    /// The rows whose flag is true.
    /// - Precondition: as many flags as rows.
    public func filtered(by keep: [Bool]) -> ColumnBatch {
        let rows = keep.trueIndices
        return rows.count == count ? self : gather(rows: rows)
    }

    /// The rows where a BOOLEAN column is TRUE (not NULL).
    public func filtered(by condition: Column) -> ColumnBatch { filtered(by: condition.isTrue) }

    public func slice(_ rows: Range<Int>) -> ColumnBatch {
        rows == 0..<count ? self : ColumnBatch(rowtime: rowtime.slice(rows), columns: columns.map { $0.slice(rows) })
    }

    /// Appends rows of the same schema.
    public mutating func append(contentsOf other: ColumnBatch) {
        rowtime.append(contentsOf: other.rowtime)
        for index in columns.indices { columns[index].append(contentsOf: other.columns[index]) }
    }

    public func appending(contentsOf other: ColumnBatch) -> ColumnBatch {
        var all = self
        all.append(contentsOf: other)
        return all
    }
}
