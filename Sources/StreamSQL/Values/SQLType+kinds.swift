/// Families of types: which values are stored alike, which may be compared or assigned.

/// How the values of a type are stored in a column.
public enum ColumnStorage: Sendable, Hashable {
    case booleans, integers, doubles, bytes
}

extension SQLType {
    /// How a column of this type stores its values. A column of bare NULLs stores integers.
    public var storage: ColumnStorage {
        switch self {
        case .boolean: .booleans
        case .real, .double: .doubles
        case .char, .varchar, .binary, .varbinary: .bytes
        case .tinyint, .smallint, .integer, .bigint, .decimal, .date, .time, .timestamp, .interval, .null: .integers
        }
    }

    /// TINYINT, SMALLINT, INTEGER, BIGINT.
    public var isInteger: Bool {
        switch self {
        case .tinyint, .smallint, .integer, .bigint: true
        default: false
        }
    }
    /// The integers and DECIMAL.
    public var isExactNumeric: Bool {
        if case .decimal = self { return true }
        return isInteger
    }
    /// REAL and DOUBLE.
    public var isApproximateNumeric: Bool { self == .real || self == .double }
    public var isNumeric: Bool { isExactNumeric || isApproximateNumeric }
    /// CHAR and VARCHAR.
    public var isCharacter: Bool {
        switch self {
        case .char, .varchar: true
        default: false
        }
    }
    /// BINARY and VARBINARY.
    public var isBinary: Bool {
        switch self {
        case .binary, .varbinary: true
        default: false
        }
    }
    /// DATE, TIME, TIMESTAMP.
    public var isDatetime: Bool { self == .date || self == .time || self == .timestamp }
    public var isInterval: Bool { intervalQualifier != nil }
    public var intervalQualifier: IntervalQualifier? {
        if case .interval(let qualifier) = self { return qualifier }
        return nil
    }
    var isChar: Bool {
        if case .char = self { return true }
        return false
    }
    /// The length in characters (text) or bytes (binary) that a value may have.
    public var length: Int? {
        switch self {
        case .char(let n), .varchar(let n), .binary(let n), .varbinary(let n): n
        default: nil
        }
    }

    /// Digits in all and after the point, for exact numbers (SQL Reference, "Numeric Types and Precision").
    public var exactDigits: (precision: Int, scale: Int)? {
        switch self {
        case .tinyint: (3, 0)
        case .smallint: (5, 0)
        case .integer: (10, 0)
        case .bigint: (19, 0)
        case .decimal(let precision, let scale): (precision, scale)
        default: nil
        }
    }

    /// The unscaled values an exact number or a date may have.
    var integerRange: ClosedRange<Int64> {
        switch self {
        case .tinyint: -128...127
        case .smallint: -32_768...32_767
        case .integer: -2_147_483_648...2_147_483_647
        case .decimal(let precision, _):
            -(DecimalDigits.power(precision) - 1)...(DecimalDigits.power(precision) - 1)
        case .date: CivilTime.dayRange
        case .time: 0...(CivilTime.millisecondsPerDay - 1)
        case .timestamp: CivilTime.millisecondRange
        default: Int64.min...Int64.max
        }
    }

    /// The type that values of both types can be widened to: branches of CASE, sides of UNION ALL; nil when there is none.
    public static func common(_ a: SQLType, _ b: SQLType) -> SQLType? {
        if a == b || b == .null { return a }
        if a == .null { return b }
        if a.isNumeric && b.isNumeric { return commonNumber(a, b) }
        switch (a, b) {
        case (.char(let m), .char(let n)), (.varchar(let m), .char(let n)), (.char(let m), .varchar(let n)),
            (.varchar(let m), .varchar(let n)):
            return .varchar(max(m, n))
        case (.binary(let m), .binary(let n)), (.varbinary(let m), .binary(let n)), (.binary(let m), .varbinary(let n)),
            (.varbinary(let m), .varbinary(let n)):
            return .varbinary(max(m, n))
        case (.interval(let p), .interval(let q)) where p.countsMonths == q.countsMonths:
            return .interval(p.union(q))
        default: return nil
        }
    }

    private static func commonNumber(_ a: SQLType, _ b: SQLType) -> SQLType {
        guard let m = a.exactDigits, let n = b.exactDigits else { return .double }
        if a.isInteger && b.isInteger { return m.precision > n.precision ? a : b }
        let scale = max(m.scale, n.scale)
        let whole = max(m.precision - m.scale, n.precision - n.scale)
        return .decimal(precision: min(DecimalDigits.maxPrecision, whole + scale), scale: scale)
    }
}

extension IntervalQualifier {
    /// The qualifier that spans the fields of both.
    func union(_ other: IntervalQualifier) -> IntervalQualifier {
        IntervalQualifier(max(leading, other.leading), to: min(trailing, other.trailing))
    }
}

extension IntervalQualifier: CustomStringConvertible {
    public var description: String {
        leading == trailing ? leading.rawValue : "\(leading.rawValue) TO \(trailing.rawValue)"
    }
}

extension SQLType: CustomStringConvertible {
    /// As it is written in SQL.
    public var description: String {
        switch self {
        case .boolean: "BOOLEAN"
        case .tinyint: "TINYINT"
        case .smallint: "SMALLINT"
        case .integer: "INTEGER"
        case .bigint: "BIGINT"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .real: "REAL"
        case .double: "DOUBLE"
        case .char(let n): "CHAR(\(n))"
        case .varchar(let n): "VARCHAR(\(n))"
        case .binary(let n): "BINARY(\(n))"
        case .varbinary(let n): "VARBINARY(\(n))"
        case .date: "DATE"
        case .time: "TIME"
        case .timestamp: "TIMESTAMP"
        case .interval(let qualifier): "INTERVAL \(qualifier)"
        case .null: "NULL"
        }
    }
}

extension SQLType {
    /// Whether CAST, an assignment or a widening to another type is possible at all.
    public func canCast(to type: SQLType, mode: CastMode) -> Bool { Cast.isAllowed(from: self, to: type, mode: mode) }
}
