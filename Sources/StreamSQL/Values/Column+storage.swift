/// A column's arrays by storage kind. Asking for the wrong kind is a bug of ours, not of the data.

extension Column {
    /// The values of a column stored as booleans.
    public var booleans: [Bool] {
        guard case .booleans(let values) = values else { preconditionFailure("a column of \(type) stores no booleans") }
        return values
    }
    /// The values of a column stored as integers.
    public var integers: [Int64] {
        guard case .integers(let values) = values else { preconditionFailure("a column of \(type) stores no integers") }
        return values
    }
    /// The values of a column stored as doubles.
    public var doubles: [Double] {
        guard case .doubles(let values) = values else { preconditionFailure("a column of \(type) stores no doubles") }
        return values
    }
    /// The values of a column stored as bytes.
    public var byteColumn: ByteColumn {
        guard case .bytes(let values) = values else { preconditionFailure("a column of \(type) stores no bytes") }
        return values
    }

    /// For a BOOLEAN column: whether the row is TRUE, neither FALSE nor NULL.
    public var isTrue: [Bool] {
        let values = type == .null ? [Bool](repeating: false, count: count) : booleans
        guard let nulls else { return values }
        return values.indices.map { values[$0] && !nulls[$0] }
    }
}
