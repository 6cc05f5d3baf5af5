/// Conversions between numbers.

enum NumberCast {
    /// Exact numbers are rounded half away from zero to the new scale; what does not fit is a row error.
    static func convert(_ column: Column, _ type: SQLType, _ context: inout EvaluationContext) -> Column {
        let nulls = column.nulls
        let range = type.integerRange
        switch (column.values, type) {
        case (.doubles(let values), .double): return Column(type, .doubles(values), nulls: nulls)
        case (.doubles(let values), .real):
            let rounded = Kernel.map(values, nulls: nulls, filler: 0.0, &context) { value throws(RowFailure) in
                let real = Double(Float(value))
                guard real.isFinite else { throw .overflow(type) }
                return real
            }
            return Column(type, .doubles(rounded), nulls: nulls)
        case (.integers(let values), .double), (.integers(let values), .real):
            let scale = column.type.exactDigits?.scale ?? 0
            let isReal = type == .real
            let divisor = Double(DecimalDigits.power(scale))
            return Column(
                type,
                .doubles(
                    values.map { value in
                        // Above 2^53 the division would round twice.
                        let double =
                            value.magnitude < 1 << 53 || scale == 0
                            ? Double(value) / divisor : Double(DecimalDigits.text(value, scale: scale)) ?? Double(value) / divisor
                        return isReal ? Double(Float(double)) : double
                    }), nulls: nulls)
        case (.doubles(let values), .decimal(_, let scale)):
            let isReal = column.type == .real
            let digits = Kernel.map(values, nulls: nulls, filler: Int64(0), &context) { value throws(RowFailure) in
                try decimal(value, isReal: isReal, scale: scale, type)
            }
            return Column(type, .integers(digits), nulls: nulls)
        case (.doubles(let values), _):
            let whole = Kernel.map(values, nulls: nulls, filler: Int64(0), &context) { value throws(RowFailure) in
                guard let whole = Int64(exactly: value.rounded(.toNearestOrAwayFromZero)), range.contains(whole) else {
                    throw .overflow(type)
                }
                return whole
            }
            return Column(type, .integers(whole), nulls: nulls)
        case (.integers(let values), _):
            let (from, to) = (column.type.exactDigits?.scale ?? 0, type.exactDigits?.scale ?? 0)
            let rescaled = Kernel.map(values, nulls: nulls, filler: Int64(0), &context) { value throws(RowFailure) in
                guard let rescaled = DecimalDigits.rescale(value, from: from, to: to), range.contains(rescaled) else {
                    throw .overflow(type)
                }
                return rescaled
            }
            return Column(type, .integers(rescaled), nulls: nulls)
        default: preconditionFailure("\(column.type) is not a number")
        }
    }

    /// The digits of a double's shortest text, rounded to the scale.
    static func decimal(_ value: Double, isReal: Bool, scale: Int, _ type: SQLType) throws(RowFailure) -> Int64 {
        var text: [UInt8] = []
        DoubleText.append(value, isReal: isReal, to: &text)
        let digits = text.withUnsafeBytes { try? DecimalDigits.parse($0, scale: scale, rounding: true) }
        guard let digits, type.integerRange.contains(digits) else { throw .overflow(type) }
        return digits
    }

    /// The count of an interval's only field, cut to the number's scale.
    static func number(
        ofInterval column: Column, _ qualifier: IntervalQualifier, _ type: SQLType, _ context: inout EvaluationContext
    ) -> Column {
        let range = type.integerRange
        let scale = type.exactDigits?.scale ?? 0
        let unit = Int128(qualifier.trailing.intervalWeight)
        let values = Kernel.map(column.integers, nulls: column.nulls, filler: Int64(0), &context) { value throws(RowFailure) in
            let count = Int128(value) * Int128(DecimalDigits.power(scale)) / unit
            guard let number = Int64(exactly: count), range.contains(number) else { throw .overflow(type) }
            return number
        }
        return Column(type, .integers(values), nulls: column.nulls)
    }
}
