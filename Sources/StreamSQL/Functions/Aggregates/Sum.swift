/// SUM(x): NULLs are ignored; NULL when there is no other value (SQL Reference, "SUM").
///
/// The page names no result types. Here: integers give BIGINT, DECIMAL(p,s) gives DECIMAL(18,s), both exact; REAL and DOUBLE give DOUBLE. A sum that
/// does not fit is a row error.
extension AggregateFunction {
    static let sum = AggregateFunction(
        "SUM", of: .number,
        returns: { argument in
            switch argument {
            case .decimal(_, let scale): .decimal(precision: DecimalDigits.maxPrecision, scale: scale)
            case .real, .double: .double
            default: .bigint
            }
        },
        makeAccumulator: { argument, result in
            argument.isApproximateNumeric ? DoubleSumAccumulator() as any Accumulator : ExactSumAccumulator(type: result)
        })
}

private struct ExactSumAccumulator: ExactSumsHolder {
    let type: SQLType
    var sums = ExactSums()
    init(type: SQLType) { self.type = type }

    mutating func grow(to count: Int) { sums.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { sums.update(groups: groups, argument: argument) }
    }

    func results(errors: inout [RowError]) -> Column {
        var builder = ColumnBuilder(type, capacity: sums.counts.count)
        for group in sums.counts.indices {
            if sums.counts[group] == 0 {
                builder.appendNull()
            } else if let sum = Int64(exactly: sums.sums[group]), type.integerRange.contains(sum) {
                builder.append(sum)
            } else {
                errors.append(.overflow(ofGroup: group, type))
                builder.appendNull()
            }
        }
        return builder.finish()
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

private struct DoubleSumAccumulator: DoubleSumsHolder {
    var sums = DoubleSums()

    mutating func grow(to count: Int) { sums.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { sums.update(groups: groups, argument: argument) }
    }

    func results(errors: inout [RowError]) -> Column { sums.results(errors: &errors) { sum, _ in sum } }

    mutating func removeAll() { sums.removeAll() }
    func stateColumns() -> [Column] { sums.columns }
    func stateColumns(of groups: [Int]) -> [Column] { sums.columns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { sums = DoubleSums(columns) }
}
