/// The rules of exact arithmetic: result types and kernels on unscaled digits (SQL Reference, "Numeric Types and Precision").

/// The four basic operations on numbers.
enum ArithmeticOperation: Sendable {
    case add, subtract, multiply, divide

    /// The signature for two numbers, nil when they are not both numbers. Bare NULLs take the other side's type.
    func numericSignature(_ left: SQLType, _ right: SQLType) -> Signature? {
        let a = left == .null ? (right == .null ? .integer : right) : left
        let b = right == .null ? a : right
        guard a.isNumeric && b.isNumeric else { return nil }
        guard let m = a.exactDigits, let n = b.exactDigits else {
            if a == .real && b == .real { return Signature([.real, .real], returns: .real) }
            return Signature([.double, .double], returns: .double)
        }
        if a.isInteger && b.isInteger { return Signature([a, b], returns: m.precision >= n.precision ? a : b) }
        return Signature([a, b], returns: decimalResult(m, n))
    }

    private func decimalResult(_ a: (precision: Int, scale: Int), _ b: (precision: Int, scale: Int)) -> SQLType {
        let most = DecimalDigits.maxPrecision
        switch self {
        case .add, .subtract:
            let scale = max(a.scale, b.scale)
            let whole = max(a.precision - a.scale, b.precision - b.scale)
            return .decimal(precision: min(most, whole + scale + 1), scale: scale)
        case .multiply:
            return .decimal(precision: min(most, a.precision + b.precision), scale: min(most, a.scale + b.scale))
        case .divide:
            let whole = min(most, a.precision - a.scale + b.scale)
            let scale = min(max(6, a.scale + b.precision + 1), most - whole)
            return .decimal(precision: min(most, whole + scale), scale: scale)
        }
    }

    /// The column of results; a result that does not fit, or a division by zero, is a row error.
    func evaluate(_ a: Column, _ b: Column, _ type: SQLType, _ context: inout EvaluationContext) -> Column {
        let nulls = Kernel.nulls([a, b])
        switch type {
        case .real, .double:
            return Column(type, .doubles(doubles(a.doubleOperand, b.doubleOperand, nulls, type, &context)), nulls: nulls)
        case .decimal(_, let scale):
            let values = decimals(a, b, nulls, scale: scale, type, &context)
            return Column(type, .integers(values), nulls: nulls)
        default:
            return Column(type, .integers(integers(a.integerOperand, b.integerOperand, nulls, type, &context)), nulls: nulls)
        }
    }

    private func integers(
        _ a: Operand<Int64>, _ b: Operand<Int64>, _ nulls: [Bool]?, _ type: SQLType, _ context: inout EvaluationContext
    ) -> [Int64] {
        let range = type.integerRange
        @inline(__always) func fits(_ result: (partialValue: Int64, overflow: Bool)) throws(RowFailure) -> Int64 {
            if result.overflow || result.partialValue < range.lowerBound || result.partialValue > range.upperBound {
                throw .overflow(type)
            }
            return result.partialValue
        }
        switch self {
        case .add:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                try fits(a.addingReportingOverflow(b))
            }
        case .subtract:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                try fits(a.subtractingReportingOverflow(b))
            }
        case .multiply:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                try fits(a.multipliedReportingOverflow(by: b))
            }
        case .divide:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                if b == 0 { throw .divisionByZero }
                return try fits(a.dividedReportingOverflow(by: b))
            }
        }
    }

    private func doubles(
        _ a: Operand<Double>, _ b: Operand<Double>, _ nulls: [Bool]?, _ type: SQLType, _ context: inout EvaluationContext
    ) -> [Double] {
        let isReal = type == .real
        @inline(__always) func fits(_ value: Double) throws(RowFailure) -> Double {
            let rounded = isReal ? Double(Float(value)) : value
            if !rounded.isFinite { throw .overflow(type) }
            return rounded
        }
        switch self {
        case .add:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in try fits(a + b) }
        case .subtract:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in try fits(a - b) }
        case .multiply:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in try fits(a * b) }
        case .divide:
            return Kernel.map(a, b, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                if b == 0 { throw .divisionByZero }
                return try fits(a / b)
            }
        }
    }

    private func decimals(
        _ a: Column, _ b: Column, _ nulls: [Bool]?, scale: Int, _ type: SQLType, _ context: inout EvaluationContext
    ) -> [Int64] {
        let m = a.type.exactDigits?.scale ?? 0
        let n = b.type.exactDigits?.scale ?? 0
        let range = type.integerRange
        let wide = Int128(range.lowerBound)...Int128(range.upperBound)
        @inline(__always) func fits(_ value: Int128) throws(RowFailure) -> Int64 {
            guard wide.contains(value) else { throw .overflow(type) }
            return Int64(truncatingIfNeeded: value)
        }
        switch self {
        case .add, .subtract:
            let (p, q) = (Int128(DecimalDigits.power(scale - m)), Int128(DecimalDigits.power(scale - n)))
            let sign: Int128 = self == .add ? 1 : -1
            return Kernel.map(a.integerOperand, b.integerOperand, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                try fits(Int128(a) * p + sign * Int128(b) * q)
            }
        case .multiply:
            let surplus = Int128(DecimalDigits.power(m + n - scale))
            return Kernel.map(a.integerOperand, b.integerOperand, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                let product = Int128(a) * Int128(b)
                return try fits(surplus == 1 ? product : DecimalDigits.divideRounding(product, by: surplus))
            }
        case .divide:
            let exponent = scale - m + n
            let p = Int128(DecimalDigits.power(max(0, exponent)))
            let q = Int128(DecimalDigits.power(max(0, -exponent)))
            return Kernel.map(a.integerOperand, b.integerOperand, nulls: nulls, filler: 0, &context) { a, b throws(RowFailure) in
                if b == 0 { throw .divisionByZero }
                return try fits(DecimalDigits.divideRounding(Int128(a) * p, by: Int128(b) * q))
            }
        }
    }
}

extension Column {
    /// Integers, DECIMAL or doubles with the sign turned.
    func negated(_ context: inout EvaluationContext) -> Column {
        switch values {
        case .doubles(let values): return Column(type, .doubles(values.map { -$0 }), nulls: nulls)
        default:
            let range = type.integerRange
            let type = type
            let values = Kernel.map(integers, nulls: nulls, filler: Int64(0), &context) { value throws(RowFailure) in
                let (negative, overflow) = Int64(0).subtractingReportingOverflow(value)
                if overflow || !range.contains(negative) { throw .overflow(type) }
                return negative
            }
            return Column(type, .integers(values), nulls: nulls)
        }
    }
}
