/// EXP_AVG(x, interval): the average in which values weigh half as much for every interval that has passed since (SQL Reference, "EXP_AVG").

/// The page divides the window into intervals that end with the current row: values of the last one weigh 1, of the one before 1/2, and so on.
struct SlidingExponential: SlidingAccumulator {
    /// The interval, milliseconds.
    private let halfLife: Int64
    private var queues: [SlidingQueue<SlidingTimedValue>] = []

    init(halfLife: Int64) { self.halfLife = max(1, halfLife) }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        queues.grow(to: steps.partitionCount, SlidingQueue())
        let (values, nulls) = (arguments[0].doubles, arguments[0].nulls)
        var builder = ColumnBuilder(.double, capacity: values.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                queues[steps.leaving[left]].leave()
                left += 1
            }
            let partition = steps.partitions[row]
            if nulls?[row] != true {
                queues[partition].append(SlidingTimedValue(time: steps.rowtimes[row], value: values[row]))
            }
            queues[partition].entered += 1
            guard let average = average(queues[partition], at: steps.rowtimes[row]) else {
                builder.appendNull()
                continue
            }
            if average.isFinite {
                builder.append(average)
            } else {
                errors.append(RowError(row: row, .overflow(.double)))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    private func average(_ queue: SlidingQueue<SlidingTimedValue>, at now: Int64) -> Double? {
        if queue.count == 0 { return nil }
        var (sum, weights) = (0.0, 0.0)
        for place in 0..<queue.count {
            guard let item = queue[place] else { continue }
            let (age, overflow) = now.subtractingReportingOverflow(item.time)
            // Beyond 1000 halvings nothing is left.
            let halvings = overflow ? 1000 : min(1000, max(0, age / halfLife))
            let weight = Double(sign: .plus, exponent: -Int(halvings), significand: 1)
            sum += weight * item.value
            weights += weight
        }
        return sum / weights
    }

    mutating func keep(_ partitions: [Int]) { queues = partitions.map { queues[$0] } }
    var byteCount: Int { queues.reduce(0) { $0 + $1.byteCount } }
}

/// A value with its row's ROWTIME.
struct SlidingTimedValue: SlidingValue {
    var time: Int64
    var value: Double
    static func values(of column: Column) -> [SlidingTimedValue] { column.doubles.map { SlidingTimedValue(time: 0, value: $0) } }
    static func isBefore(_ a: SlidingTimedValue, _ b: SlidingTimedValue) -> Bool { a.value < b.value }
    func append(to builder: inout ColumnBuilder) { builder.append(value) }
    var byteCount: Int { 16 }
}
