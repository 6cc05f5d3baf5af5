/// One value outside a column: literals, constants, sort keys at the edges. Hot paths use `Column`.

/// A value; its `SQLType` travels beside it.
public enum SQLValue: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// TINYINT...BIGINT; DECIMAL as its unscaled digits; DATE in days, TIME and TIMESTAMP in milliseconds since 1970-01-01 UTC;
    /// INTERVAL in months or milliseconds by its qualifier.
    case integer(Int64)
    /// REAL and DOUBLE.
    case double(Double)
    /// CHAR and VARCHAR, as UTF-8.
    case text(String)
    /// BINARY and VARBINARY.
    case binary([UInt8])
}
