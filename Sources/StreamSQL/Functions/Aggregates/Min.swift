/// MIN(x): the smallest value of a number, text or datetime; NULLs are ignored (SQL Reference, "MIN").
extension AggregateFunction {
    static let min = AggregateFunction(
        "MIN", of: .any, returns: { $0 },
        makeAccumulator: { argument, _ in ExtremeAccumulator(argument, largest: false) })
}

/// Keeps the smallest or the largest value of each group.
struct ExtremeAccumulator: Accumulator {
    private let largest: Bool
    private var values: GroupValues
    init(_ type: SQLType, largest: Bool) {
        self.largest = largest
        values = GroupValues(type)
    }

    mutating func grow(to count: Int) { values.grow(to: count) }
    mutating func update(groups: [Int], argument: Column?) {
        if let argument { values.keepExtreme(groups: groups, argument: argument, largest: largest) }
    }
    func results(errors: inout [RowError]) -> Column { values.column }
    var textBytes: Int { values.textBytes }
    mutating func removeAll() { values.removeAll() }
    func stateColumns() -> [Column] { values.stateColumns }
    func stateColumns(of groups: [Int]) -> [Column] { values.stateColumns(of: groups) }
    mutating func restore(_ columns: [Column], count: Int) { values = GroupValues(values.type, columns) }
}
