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
public struct Column: Sendable, Hashable {
    public var type: SQLType
    public var values: ColumnValues
    /// True where the row is NULL; nil when no row is. A NULL row still has a (meaningless) value.
    public var nulls: [Bool]?
    public init(_ type: SQLType, _ values: ColumnValues, nulls: [Bool]? = nil) {
        self.type = type
        self.values = values
        self.nulls = nulls
    }
}

/// Rows of one schema, column by column, each with its ROWTIME. Row order is arrival order; ROWTIME never decreases.
public struct ColumnBatch: Sendable, Hashable {
    /// Milliseconds since 1970-01-01 UTC, one a row.
    public var rowtimes: [Int64]
    public var columns: [Column]
    public init(rowtimes: [Int64], columns: [Column]) {
        self.rowtimes = rowtimes
        self.columns = columns
    }
    public var count: Int { rowtimes.count }
}

/// A named column of a stream, a table or a relation's output.
public struct ColumnDefinition: Sendable, Hashable {
    /// As stored: unquoted names in upper case.
    public var name: String
    public var type: SQLType
    public var notNull: Bool
    /// Read only by name: `*` leaves it out (the columns of record metadata on an input stream).
    public var isHidden: Bool
    public init(_ name: String, _ type: SQLType, notNull: Bool = false, isHidden: Bool = false) {
        self.name = name
        self.type = type
        self.notNull = notNull
        self.isHidden = isHidden
    }
}
