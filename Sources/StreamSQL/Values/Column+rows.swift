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

    /// The same value in every row.
    public static func repeating(_ value: SQLValue, _ type: SQLType, count: Int) -> Column {
        let values: ColumnValues
        switch value {
        case .null: return nulls(type, count: count)
        case .boolean(let value): values = .booleans([Bool](repeating: value, count: count))
        case .integer(let value): values = .integers([Int64](repeating: value, count: count))
        case .double(let value): values = .doubles([Double](repeating: value, count: count))
        case .text, .binary:
            let one = Column(type, values: [value]).byteColumn
            values = .bytes(ByteColumn(codes: [UInt32](repeating: 0, count: count), bytes: one.bytes, ends: one.ends))
        }
        return Column(type, values)
    }

    /// NULL in every row.
    public static func nulls(_ type: SQLType, count: Int) -> Column {
        let values: ColumnValues =
            switch type.storage {
            case .booleans: .booleans([Bool](repeating: false, count: count))
            case .integers: .integers([Int64](repeating: 0, count: count))
            case .doubles: .doubles([Double](repeating: 0, count: count))
            case .bytes: .bytes(ByteColumn(ends: [Int](repeating: 0, count: count)))
            }
        return Column(type, values, nulls: count == 0 ? nil : [Bool](repeating: true, count: count))
    }

    public var count: Int { values.count }
    public func isNull(_ row: Int) -> Bool { nulls?[row] ?? false }

    /// The value of a row, for places that are not hot.
    public func value(at row: Int) -> SQLValue {
        if isNull(row) { return .null }
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
        let gathered: ColumnValues =
            switch values {
            case .booleans(let values): .booleans(rows.map { values[$0] })
            case .integers(let values): .integers(rows.map { values[$0] })
            case .doubles(let values): .doubles(rows.map { values[$0] })
            case .bytes(let values): .bytes(values.gather(rows))
            }
        return Column(type, gathered, nulls: nulls.map { nulls in rows.map { nulls[$0] } })
    }

    /// The rows whose flag is true.
    /// - Precondition: as many flags as rows.
    public func filtered(by keep: [Bool]) -> Column { gather(rows: keep.trueIndices) }

    public func slice(_ rows: Range<Int>) -> Column {
        let sliced: ColumnValues =
            switch values {
            case .booleans(let values): .booleans(Array(values[rows]))
            case .integers(let values): .integers(Array(values[rows]))
            case .doubles(let values): .doubles(Array(values[rows]))
            case .bytes(let values): .bytes(values.slice(rows))
            }
        return Column(type, sliced, nulls: nulls.map { Array($0[rows]) })
    }

    /// Appends the rows of another column of the same storage.
    public mutating func append(contentsOf other: Column) {
        if nulls != nil || other.nulls != nil {
            var all = nulls ?? [Bool](repeating: false, count: count)
            all.append(contentsOf: other.nulls ?? [Bool](repeating: false, count: other.count))
            nulls = all
        }
        let own = values
        // The old array is let go of first, so that appending grows it in place.
        values = .booleans([])
        switch (own, other.values) {
        case (.booleans(var mine), .booleans(let more)):
            mine.append(contentsOf: more)
            values = .booleans(mine)
        case (.integers(var mine), .integers(let more)):
            mine.append(contentsOf: more)
            values = .integers(mine)
        case (.doubles(var mine), .doubles(let more)):
            mine.append(contentsOf: more)
            values = .doubles(mine)
        case (.bytes(var mine), .bytes(let more)):
            mine.append(contentsOf: more)
            values = .bytes(mine)
        default: preconditionFailure("columns of \(type) and \(other.type) are stored differently")
        }
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
        ColumnBatch(rowtimes: rows.map { rowtimes[$0] }, columns: columns.map { $0.gather(rows: rows) })
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
        rows == 0..<count ? self : ColumnBatch(rowtimes: Array(rowtimes[rows]), columns: columns.map { $0.slice(rows) })
    }

    /// Appends rows of the same schema.
    public mutating func append(contentsOf other: ColumnBatch) {
        rowtimes.append(contentsOf: other.rowtimes)
        for index in columns.indices { columns[index].append(contentsOf: other.columns[index]) }
    }

    public func appending(contentsOf other: ColumnBatch) -> ColumnBatch {
        var all = self
        all.append(contentsOf: other)
        return all
    }
}
