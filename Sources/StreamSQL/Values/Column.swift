/// Column batches: what flows between operators (DESIGN, decision 6).

/// The values of one column, stored by physical kind.
public enum ColumnValues: Sendable, Hashable {
    /// BOOLEAN.
    case booleans([Bool])
    /// Everything `SQLValue.integer` stands for.
    case integers([Int64])
    /// REAL (already rounded to 32 bits) and DOUBLE.
    case doubles([Double])
    /// CHAR, VARCHAR (UTF-8), BINARY, VARBINARY.
    case bytes(ByteColumn)
}

/// A column of a batch: a type, values of the physical kind that belongs to it, and which rows are NULL.
///
/// It is stored row by row, or by runs of rows that have the same value: a stored batch's records have one arrival time, a literal is one run. `values` and
/// `nulls` tell of all rows whatever the form, and write them out where they are in runs; who can do without asks for `cell` or `runs`.
public struct Column: Sendable {
    public var type: SQLType
    /// Of the rows, or of the runs.
    package private(set) var stored: ColumnValues
    package private(set) var storedNulls: [Bool]?
    /// Where each run ends; nil for rows stored one by one. There is no empty run.
    package private(set) var runEnds: [Int]?

    /// Rows stored one by one.
    public init(_ type: SQLType, _ values: ColumnValues, nulls: [Bool]? = nil) {
        self.type = type
        stored = values
        storedNulls = nulls
    }

    /// Runs of rows: the i-th value up to the i-th end.
    /// - Precondition: as many values as ends, which increase from above 0.
    package init(_ type: SQLType, runs values: ColumnValues, nulls: [Bool]? = nil, ends: [Int]) {
        precondition(values.count == ends.count, "a run has a value")
        self.type = type
        stored = values
        storedNulls = nulls
        runEnds = ends
    }

    /// The value of each row. A NULL row has a meaningless one.
    public var values: ColumnValues {
        get { runEnds.map { stored.repeated($0) } ?? stored }
        set {
            storedNulls = nulls
            stored = newValue
            runEnds = nil
        }
    }

    /// True where the row is NULL; nil when no row is.
    public var nulls: [Bool]? {
        get {
            guard let runEnds, let storedNulls else { return storedNulls }
            return storedNulls.repeated(runEnds)
        }
        set {
            stored = values
            storedNulls = newValue
            runEnds = nil
        }
    }

    public var count: Int { runEnds.map { $0.last ?? 0 } ?? stored.count }

    /// Where a row's value is stored.
    @inline(__always)
    func place(_ row: Int) -> Int {
        guard let runEnds else { return row }
        // Most are of one run.
        if runEnds.count == 1 { return 0 }
        var (low, high) = (0, runEnds.count)
        while low < high {
            let middle = (low + high) / 2
            if row < runEnds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Values among which that of a row lies, and where: for work on single rows.
    package func cell(_ row: Int) -> (values: ColumnValues, row: Int) { (stored, place(row)) }

    public func isNull(_ row: Int) -> Bool {
        guard let storedNulls else { return false }
        return storedNulls[place(row)]
    }

    // MARK: Runs

    /// Whether all rows have one value.
    var isScalar: Bool { runEnds?.count == 1 }

    /// The runs, a row each; all rows where they are stored one by one.
    package var runs: Column { Column(type, stored, nulls: storedNulls) }
    /// Whether as many rows are said to be NULL or not as there are.
    package var isWhole: Bool { storedNulls.map { $0.count == stored.count } ?? true }

    /// The same value for other rows.
    /// - Precondition: `isScalar`.
    func scalar(count: Int) -> Column { count == 0 ? .empty(type) : Column(type, runs: stored, nulls: storedNulls, ends: [count]) }

    /// Rows that come again: the i-th row up to the i-th end.
    func repeated(_ ends: [Int]) -> Column {
        let flat = runEnds == nil ? self : Column(type, values, nulls: nulls)
        return Column(type, runs: flat.stored, nulls: flat.storedNulls, ends: ends)
    }

    /// Calls with each stretch of rows and where its value is stored: runs, or single rows.
    package func forEachRun(_ body: (_ rows: Range<Int>, _ place: Int) -> Void) {
        guard let runEnds else {
            for row in 0..<stored.count { body(row..<(row + 1), row) }
            return
        }
        var start = 0
        for (place, end) in runEnds.enumerated() {
            body(start..<end, place)
            start = end
        }
    }

    /// Appends the rows of another column of the same storage.
    public mutating func append(contentsOf other: Column) {
        if other.count == 0 { return }
        if count == 0 {
            let type = type
            self = other
            self.type = type
            return
        }
        if let mine = runEnds, let others = other.runEnds {
            let rows = count
            runEnds = nil
            appendStored(other.stored, other.storedNulls)
            runEnds = mine + others.map { $0 + rows }
            return
        }
        if runEnds != nil { values = values }
        appendStored(other.values, other.nulls)
    }

    private mutating func appendStored(_ more: ColumnValues, _ moreNulls: [Bool]?) {
        if storedNulls != nil || moreNulls != nil {
            var all = storedNulls ?? [Bool](repeating: false, count: stored.count)
            all.append(contentsOf: moreNulls ?? [Bool](repeating: false, count: more.count))
            storedNulls = all
        }
        let own = stored
        // The old array is let go of first, so that appending grows it in place.
        stored = .booleans([])
        switch (own, more) {
        case (.booleans(var mine), .booleans(let more)):
            mine.append(contentsOf: more)
            stored = .booleans(mine)
        case (.integers(var mine), .integers(let more)):
            mine.append(contentsOf: more)
            stored = .integers(mine)
        case (.doubles(var mine), .doubles(let more)):
            mine.append(contentsOf: more)
            stored = .doubles(mine)
        case (.bytes(var mine), .bytes(let more)):
            mine.append(contentsOf: more)
            stored = .bytes(mine)
        default: preconditionFailure("columns of \(type) are stored differently")
        }
    }
}

extension Column: Hashable {
    /// Whether the rows are the same, in whatever form.
    public static func == (a: Column, b: Column) -> Bool {
        a.type == b.type && a.values == b.values && (a.count == 0 || a.nulls == b.nulls)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(values)
    }
}

extension ColumnValues {
    /// The i-th value up to the i-th end.
    fileprivate func repeated(_ ends: [Int]) -> ColumnValues {
        switch self {
        case .booleans(let values): .booleans(values.repeated(ends))
        case .integers(let values): .integers(values.repeated(ends))
        case .doubles(let values): .doubles(values.repeated(ends))
        case .bytes(let values): .bytes(values.repeated(ends))
        }
    }
}

extension Array {
    /// The i-th element up to the i-th end.
    func repeated(_ ends: [Int]) -> [Element] {
        var all: [Element] = []
        all.reserveCapacity(ends.last ?? 0)
        for (element, end) in zip(self, ends) { all.append(contentsOf: repeatElement(element, count: end - all.count)) }
        return all
    }
}

/// Rows of one schema, column by column, each with its ROWTIME. Row order is arrival order; ROWTIME never decreases.
public struct ColumnBatch: Sendable, Hashable {
    /// A TIMESTAMP, mostly in runs.
    public var rowtime: Column
    public var columns: [Column]

    /// - Parameter rowtimes: milliseconds since 1970-01-01 UTC, one a row.
    public init(rowtimes: [Int64], columns: [Column]) {
        self.init(rowtime: Column(.timestamp, .integers(rowtimes)), columns: columns)
    }

    public init(rowtime: Column, columns: [Column]) {
        self.rowtime = rowtime
        self.columns = columns
    }

    /// The ROWTIMEs, one a row.
    public var rowtimes: [Int64] {
        get { rowtime.integers }
        set { rowtime = Column(.timestamp, .integers(newValue)) }
    }
    public func rowtime(_ row: Int) -> Int64 { rowtime.integer(row) }
    public var count: Int { rowtime.count }
}

/// A named column of a stream, a table or a relation's output.
public struct ColumnDefinition: Sendable, Hashable {
    /// As stored: unquoted names in upper case.
    public var name: String
    public var type: SQLType
    public var notNull: Bool
    /// Read only by name: `*` leaves it out (the columns of record metadata on an input stream).
    public var isHidden: Bool
    /// The record that the column is a field of, by its name in the query; nil for a column of its own.
    public var record: String?
    public init(_ name: String, _ type: SQLType, notNull: Bool = false, isHidden: Bool = false) {
        self.name = name
        self.type = type
        self.notNull = notNull
        self.isHidden = isHidden
    }
}
