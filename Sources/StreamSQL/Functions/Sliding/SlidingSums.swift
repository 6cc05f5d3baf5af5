/// SUM and AVG of exact numbers over sliding windows: running sums from which values are taken back exactly.

struct SlidingSum: SlidingAccumulator {
    /// What a sum and the count of its values make.
    enum Result: Sendable {
        case sum
        /// Multiplied before it is divided; nil where the quotient is truncated.
        case average(factor: Int128?)
    }

    private struct Sum: Sendable {
        var sum: Int128 = 0
        var count: Int64 = 0
    }

    private let type: SQLType
    private let result: Result
    private let isEndless: Bool
    private var sums: [Sum] = []

    init(_ type: SQLType, _ result: Result, isEndless: Bool) {
        self.type = type
        self.result = result
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        sums.grow(to: steps.partitionCount, Sum())
        let (values, nulls) = (arguments[0].integers, arguments[0].nulls)
        let (leavingValues, leavingNulls) = (leaving?.integers ?? [], leaving?.nulls)
        let range = type.integerRange
        var builder = ColumnBuilder(type, capacity: values.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                if leavingNulls?[left] != true {
                    sums[steps.leaving[left]].sum &-= Int128(leavingValues[left])
                    sums[steps.leaving[left]].count &-= 1
                }
                left += 1
            }
            let partition = steps.partitions[row]
            if nulls?[row] != true {
                sums[partition].sum &+= Int128(values[row])
                sums[partition].count &+= 1
            }
            if sums[partition].count == 0 {
                builder.appendNull()
            } else if let value = value(of: sums[partition]), range.contains(value) {
                builder.append(value)
            } else {
                errors.append(RowError(row: row, .overflow(type)))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    private func value(of sum: Sum) -> Int64? {
        switch result {
        case .sum: return Int64(exactly: sum.sum)
        case .average(nil): return Int64(exactly: sum.sum / Int128(sum.count))
        case .average(let factor?):
            let (scaled, overflow) = sum.sum.multipliedReportingOverflow(by: factor)
            return overflow ? nil : Int64(exactly: DecimalDigits.divideRounding(scaled, by: Int128(sum.count)))
        }
    }

    mutating func keep(_ partitions: [Int]) { sums = partitions.map { sums[$0] } }
    var byteCount: Int { sums.count * 32 }
    var stateTypes: [SQLType] { isEndless ? [.bigint, .bigint, .bigint] : [] }

    func stateColumns(of partitions: [Int]) -> [Column] {
        guard isEndless else { return [] }
        return [
            Column(.bigint, .integers(partitions.map { Int64(truncatingIfNeeded: sums[$0].sum >> 64) })),
            Column(.bigint, .integers(partitions.map { Int64(truncatingIfNeeded: sums[$0].sum) })),
            Column(.bigint, .integers(partitions.map { sums[$0].count })),
        ]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        guard isEndless else { return }
        let (high, low, counts) = (columns[0].integers, columns[1].integers, columns[2].integers)
        sums = (0..<count).map { Sum(sum: Int128(high[$0]) << 64 | Int128(UInt64(bitPattern: low[$0])), count: counts[$0]) }
    }
}
