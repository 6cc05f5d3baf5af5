/// ANY(b): whether b is TRUE in any row; NULL counts as not TRUE (SQL Reference, "ANY").
extension AggregateFunction {
    static let any = AggregateFunction(
        "ANY", of: .boolean, returns: { _ in .boolean }, makeAccumulator: { _, _ in TruthAccumulator(every: false) })
}

/// Whether all rows, or any row, of each group are TRUE.
struct TruthAccumulator: Accumulator {
    private let every: Bool
    private var truths: [Bool] = []
    init(every: Bool) { self.every = every }

    mutating func grow(to count: Int) {
        if count > truths.count { truths.append(contentsOf: repeatElement(every, count: count - truths.count)) }
    }
    mutating func update(groups: [Int], argument: Column?) {
        guard let isTrue = argument?.isTrue else { return }
        for row in groups.indices where isTrue[row] != every { truths[groups[row]] = !every }
    }
    func results(errors: inout [RowError]) -> Column { Column(.boolean, .booleans(truths)) }
    mutating func removeAll() { truths.removeAll(keepingCapacity: true) }
    func stateColumns() -> [Column] { [Column(.boolean, .booleans(truths))] }
    func stateColumns(of groups: [Int]) -> [Column] { [Column(.boolean, .booleans(groups.map { truths[$0] }))] }
    mutating func restore(_ columns: [Column], count: Int) { truths = columns[0].booleans }
}
