/// COUNT(*): the number of rows; COUNT(x): of those in which x is not NULL (SQL Reference, "COUNT").
extension AggregateFunction {
    static let count = AggregateFunction(
        name: "COUNT",
        resolve: { argument in Signature(argument.map { [$0] } ?? [], returns: .bigint) },
        makeAccumulator: { _, _ in CountAccumulator() })
}

private struct CountAccumulator: Accumulator {
    private var counts: [Int64] = []

    mutating func grow(to count: Int) {
        counts.makeRoom(for: count)
        if count > counts.count { counts.append(contentsOf: repeatElement(0, count: count - counts.count)) }
    }

    mutating func update(groups: [Int], argument: Column?) {
        if let nulls = argument?.nulls {
            for row in groups.indices where !nulls[row] { counts[groups[row]] &+= 1 }
        } else {
            for group in groups { counts[group] &+= 1 }
        }
    }

    var retracts: Bool { true }
    mutating func retract(groups: [Int], argument: Column?) {
        if let nulls = argument?.nulls {
            for row in groups.indices where !nulls[row] { counts[groups[row]] &-= 1 }
        } else {
            for group in groups { counts[group] &-= 1 }
        }
    }

    func results(errors: inout [RowError]) -> Column { Column(.bigint, .integers(counts)) }
    mutating func removeAll() { counts.removeAll(keepingCapacity: true) }
    func stateColumns() -> [Column] { [Column(.bigint, .integers(counts))] }
    func stateColumns(of groups: [Int]) -> [Column] { [Column(.bigint, .integers(groups.map { counts[$0] }))] }
    mutating func restore(_ columns: [Column], count: Int) { counts = columns[0].integers }
}
