/// FIRST_VALUE(x): x of the first row of the group, be it NULL (SQL Reference, "FIRST_VALUE"; bare in AWS's stagger window sample).
extension AggregateFunction {
    static let firstValue = AggregateFunction(
        "FIRST_VALUE", of: .any, returns: { $0 },
        makeAccumulator: { argument, _ in EdgeAccumulator(argument, first: true) })
}

/// Keeps the first or the last value of each group.
struct EdgeAccumulator: Accumulator {
    private let first: Bool
    private var values: GroupValues
    init(_ type: SQLType, first: Bool) {
        self.first = first
        values = GroupValues(type)
    }

    mutating func grow(to count: Int) { values.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { values.keep(groups: groups, argument: argument, first: first) }
    }
    func results(errors: inout [RowError]) -> Column { values.column }
    var textBytes: Int { values.textBytes }
    mutating func removeAll() { values.removeAll() }
    func stateColumns() -> [Column] { values.stateColumns }
    func stateColumns(of groups: [Int]) -> [Column] { values.stateColumns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { values = GroupValues(values.type, columns) }
}
