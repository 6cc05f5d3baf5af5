/// DISTINCT in a function over a sliding window: a value counts as long as one row of the window has it.

/// Hands on values that are new in the window and takes them back with the last row that has them; the others it hands on as NULLs.
struct SlidingDistinct: SlidingAccumulator {
    private var inner: any SlidingAccumulator
    private let isEndless: Bool
    /// Of each partition, how many rows have each value.
    private var rows: [[[UInt8]: Int32]] = []

    /// - Parameter inner: passes over NULLs, and takes values back whatever their order.
    init(_ inner: any SlidingAccumulator, isEndless: Bool) {
        self.inner = inner
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        rows.grow(to: steps.partitionCount, [:])
        var key: [UInt8] = []
        var entering = [Bool](repeating: true, count: steps.partitions.count)
        var going = [Bool](repeating: true, count: steps.leaving.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                if let leaving, !leaving.isNull(left) {
                    key.removeAll(keepingCapacity: true)
                    leaving.appendKeyBytes(left, into: &key)
                    going[left] = !takeBack(key, of: steps.leaving[left])
                }
                left += 1
            }
            if arguments[0].isNull(row) { continue }
            key.removeAll(keepingCapacity: true)
            arguments[0].appendKeyBytes(row, into: &key)
            let count = rows[steps.partitions[row]][key, default: 0]
            rows[steps.partitions[row]][key] = isEndless ? 1 : count &+ 1
            entering[row] = count > 0
        }
        return inner.slide(
            steps, arguments: [arguments[0].nullified(entering)], leaving: leaving?.nullified(going), errors: &errors)
    }

    /// - Returns: whether that was the last row with the value.
    private mutating func takeBack(_ key: [UInt8], of partition: Int) -> Bool {
        guard let count = rows[partition][key] else { return false }
        rows[partition][key] = count > 1 ? count - 1 : nil
        return count == 1
    }

    mutating func keep(_ partitions: [Int]) {
        rows = partitions.map { rows[$0] }
        inner.keep(partitions)
    }
    var byteCount: Int { rows.reduce(inner.byteCount) { $0 + $1.count * 64 } }
    var stateTypes: [SQLType] { inner.stateTypes }
    func stateColumns(of partitions: [Int]) -> [Column] { inner.stateColumns(of: partitions) }
    mutating func restore(_ columns: [Column], count: Int) { inner.restore(columns, count: count) }
}

extension Column {
    /// The column with NULL in further rows.
    fileprivate func nullified(_ rows: [Bool]) -> Column {
        guard rows.contains(true) else { return self }
        let mine = nulls
        return Column(type, values, nulls: rows.indices.map { rows[$0] || mine?[$0] == true })
    }
}
