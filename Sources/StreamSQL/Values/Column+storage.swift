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

    /// The integer of a row.
    public func integer(_ row: Int) -> Int64 {
        guard case .integers(let values) = stored else { preconditionFailure("a column of \(type) stores no integers") }
        return values[place(row)]
    }

    /// The values for a kernel, which reads a scalar without its being written out.
    var integerOperand: Operand<Int64> { Operand((isScalar ? runs : self).integers, isScalar: isScalar) }
    var doubleOperand: Operand<Double> { Operand((isScalar ? runs : self).doubles, isScalar: isScalar) }

    /// For a BOOLEAN column: whether the row is TRUE, neither FALSE nor NULL.
    public var isTrue: [Bool] {
        let values = type == .null ? [Bool](repeating: false, count: count) : booleans
        guard let nulls else { return values }
        return values.indices.map { values[$0] && !nulls[$0] }
    }
}

/// One side of a kernel's loop: a value a row, or one for all rows.
struct Operand<Value> {
    private let values: [Value]
    /// From a row's value to the next one's.
    private let stride: Int

    init(_ values: [Value], isScalar: Bool = false) {
        self.values = values
        stride = isScalar ? 0 : 1
    }

    @inline(__always)
    subscript(row: Int) -> Value { values[row &* stride] }
}
