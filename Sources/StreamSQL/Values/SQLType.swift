/// The types of the Kinesis Data Analytics SQL dialect.

/// A SQL type with its parameters (SQL Reference, "Data Types").
public enum SQLType: Hashable, Sendable {
    case boolean
    case tinyint, smallint, integer, bigint
    /// Exact number of at most 18 digits, `scale` of them after the point.
    case decimal(precision: Int, scale: Int)
    /// IEEE 32 bits and 64 bits. FLOAT is `double`.
    case real, double
    /// Length in characters, 1...65535. CHAR is padded with blanks.
    case char(Int), varchar(Int)
    /// Length in bytes, 1...65535.
    case binary(Int), varbinary(Int)
    case date, time, timestamp
    /// Only inside expressions, never a column's type.
    case interval(IntervalQualifier)
    /// The type of a bare NULL; assignable to every type.
    case null
}

/// The fields an interval spans, such as DAY TO SECOND.
public struct IntervalQualifier: Hashable, Sendable {
    public var leading: TimeUnit
    public var trailing: TimeUnit
    public init(_ leading: TimeUnit, to trailing: TimeUnit? = nil) {
        self.leading = leading
        self.trailing = trailing ?? leading
    }
    /// YEAR and MONTH intervals count months; all others milliseconds.
    public var countsMonths: Bool { leading == .year || leading == .month }
}

/// The units of datetime fields, largest first.
public enum TimeUnit: String, Hashable, Sendable, CaseIterable, Comparable {
    case year = "YEAR"
    case month = "MONTH"
    case day = "DAY"
    case hour = "HOUR"
    case minute = "MINUTE"
    case second = "SECOND"

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    /// Smaller units are less: `.second < .year`.
    public static func < (a: Self, b: Self) -> Bool { a.rank > b.rank }
}
