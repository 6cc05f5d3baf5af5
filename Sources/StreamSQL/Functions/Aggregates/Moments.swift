/// Variances and standard deviations, value by value.

/// Keeps count, mean and squared deviation of each group (Welford, "Note on a Method for Calculating Corrected Sums of Squares and
/// Products", Technometrics 4, 1962): the result depends on the order of rows only.
struct MomentsAccumulator: Accumulator {
    /// Divide by n or by n - 1.
    private let ofSample: Bool
    private let squareRoot: Bool
    private var counts: [Int64] = []
    private var means: [Double] = []
    private var deviations: [Double] = []

    init(ofSample: Bool, squareRoot: Bool) {
        self.ofSample = ofSample
        self.squareRoot = squareRoot
    }

    mutating func grow(to count: Int) {
        guard count > counts.count else { return }
        counts.append(contentsOf: repeatElement(0, count: count - counts.count))
        means.append(contentsOf: repeatElement(0, count: count - means.count))
        deviations.append(contentsOf: repeatElement(0, count: count - deviations.count))
    }

    mutating func update(groups: [Int], argument: Column?) {
        guard let argument else { return }
        let values = argument.doubles
        let nulls = argument.nulls
        for row in groups.indices {
            if let nulls, nulls[row] { continue }
            let group = groups[row]
            counts[group] &+= 1
            let distance = values[row] - means[group]
            means[group] += distance / Double(counts[group])
            deviations[group] += distance * (values[row] - means[group])
        }
    }

    func results(errors: inout [RowError]) -> Column {
        var builder = ColumnBuilder(.double, capacity: counts.count)
        for group in counts.indices {
            let divisor = ofSample ? counts[group] - 1 : counts[group]
            guard divisor > 0 else {
                builder.appendNull()
                continue
            }
            let variance = deviations[group] / Double(divisor)
            if variance.isFinite {
                builder.append(squareRoot ? variance.squareRoot() : variance)
            } else {
                errors.append(.overflow(ofGroup: group, .double))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    mutating func removeAll() {
        counts.removeAll(keepingCapacity: true)
        means.removeAll(keepingCapacity: true)
        deviations.removeAll(keepingCapacity: true)
    }

    func stateColumns() -> [Column] {
        [Column(.bigint, .integers(counts)), Column(.double, .doubles(means)), Column(.double, .doubles(deviations))]
    }

    func stateColumns(of groups: [Int]) -> [Column] {
        [
            Column(.bigint, .integers(groups.map { counts[$0] })), Column(.double, .doubles(groups.map { means[$0] })),
            Column(.double, .doubles(groups.map { deviations[$0] })),
        ]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        counts = columns[0].integers
        means = columns[1].doubles
        deviations = columns[2].doubles
    }
}
