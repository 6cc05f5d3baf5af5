/// FIRST_VALUE(x): x of the first row of the group, be it NULL (SQL Reference, "FIRST_VALUE"; bare in AWS's stagger window sample).
extension AggregateFunction {
    static let firstValue = AggregateFunction(
        "FIRST_VALUE", of: .any, returns: { $0 },
        makeAccumulator: { argument, _ in EdgeAccumulator(argument, first: true) })
}

extension AggregateFunction {
    /// FIRST_VALUE and LAST_VALUE with IGNORE NULLS; others ignore them anyway.
    var ignoringNulls: AggregateFunction {
        guard name == "FIRST_VALUE" || name == "LAST_VALUE" else { return self }
        let isFirst = name == "FIRST_VALUE"
        return AggregateFunction(
            name: name + " IGNORE NULLS", resolve: resolve,
            makeAccumulator: { argument, _ in EdgeAccumulator(argument ?? .null, first: isFirst, ignoresNulls: true) })
    }
}

/// Keeps the first or the last value of each group.
struct EdgeAccumulator: Accumulator {
    private let first: Bool
    private let ignoresNulls: Bool
    private var values: GroupValues
    init(_ type: SQLType, first: Bool, ignoresNulls: Bool = false) {
        self.first = first
        self.ignoresNulls = ignoresNulls
        values = GroupValues(type)
    }

    mutating func grow(to count: Int) { values.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { values.keep(groups: groups, argument: argument, first: first, ignoresNulls: ignoresNulls) }
    }
    func results(errors: inout [RowError]) -> Column { values.column }
    var textBytes: Int { values.textBytes }
    mutating func removeAll() { values.removeAll() }
    func stateColumns() -> [Column] { values.stateColumns }
    func stateColumns(of groups: [Int]) -> [Column] { values.stateColumns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { values = GroupValues(values.type, columns) }
}
