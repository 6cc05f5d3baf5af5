/// AVG(x): NULLs are ignored; NULL when there is no other value (SQL Reference, "AVG").
///
/// An integer type gives itself, truncated toward zero (Developer Guide, weather example: 61/2 is 30). DECIMAL(p,s) gives up to 6 digits after
/// the point, as far as 18 digits allow, rounded half away from zero; the page names no type. REAL and DOUBLE give DOUBLE.
extension AggregateFunction {
    static let avg = AggregateFunction(
        "AVG", of: .number,
        returns: { argument in
            switch argument {
            case .decimal(let precision, let scale):
                .decimal(
                    precision: DecimalDigits.maxPrecision,
                    scale: Swift.max(scale, Swift.min(6, DecimalDigits.maxPrecision - (precision - scale))))
            case .real, .double: .double
            default: argument
            }
        },
        makeAccumulator: { argument, result in
            argument.isApproximateNumeric
                ? DoubleAverageAccumulator() as any Accumulator : ExactAverageAccumulator(argument, result)
        })
}

private struct ExactAverageAccumulator: ExactSumsHolder {
    private let type: SQLType
    /// What the sum is multiplied by before it is divided; nil where the quotient is truncated.
    private let factor: Int128?
    var sums = ExactSums()

    init(_ argument: SQLType, _ result: SQLType) {
        type = result
        if case .decimal(_, let scale) = result, case .decimal(_, let argumentScale) = argument {
            factor = Int128(DecimalDigits.power(scale - argumentScale))
        } else {
            factor = nil
        }
    }

    mutating func grow(to count: Int) { sums.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { sums.update(groups: groups, argument: argument) }
    }

    func results(errors: inout [RowError]) -> Column {
        var builder = ColumnBuilder(type, capacity: sums.counts.count)
        for group in sums.counts.indices {
            if sums.counts[group] == 0 {
                builder.appendNull()
            } else if let average = average(group) {
                builder.append(average)
            } else {
                errors.append(.overflow(ofGroup: group, type))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    private func average(_ group: Int) -> Int64? {
        let count = Int128(sums.counts[group])
        guard let factor else { return Int64(exactly: sums.sums[group] / count) }
        let (scaled, overflow) = sums.sums[group].multipliedReportingOverflow(by: factor)
        guard !overflow, let average = Int64(exactly: DecimalDigits.divideRounding(scaled, by: count)) else { return nil }
        return type.integerRange.contains(average) ? average : nil
    }

    var retracts: Bool { true }
    mutating func retract(groups: [Int], argument: Column?) {
        if let argument { sums.retract(groups: groups, argument: argument) }
    }

    mutating func removeAll() { sums.removeAll() }
    func stateColumns() -> [Column] { sums.columns }
    func stateColumns(of groups: [Int]) -> [Column] { sums.columns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { sums = ExactSums(columns) }
}

private struct DoubleAverageAccumulator: DoubleSumsHolder {
    var sums = DoubleSums()

    mutating func grow(to count: Int) { sums.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { sums.update(groups: groups, argument: argument) }
    }

    func results(errors: inout [RowError]) -> Column { sums.results(errors: &errors) { $0 / Double($1) } }

    mutating func removeAll() { sums.removeAll() }
    func stateColumns() -> [Column] { sums.columns }
    func stateColumns(of groups: [Int]) -> [Column] { sums.columns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { sums = DoubleSums(columns) }
}
