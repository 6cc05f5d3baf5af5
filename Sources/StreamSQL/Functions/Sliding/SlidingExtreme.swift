/// MIN and MAX over sliding windows.

/// Of each partition, the values that are not outdone by a later one, in the order of their rows: the oldest of them is the result (D. Lemire, "Streaming
/// Maximum-Minimum Filter Using No More than Three Comparisons per Element", 2006).
struct SlidingExtreme<Value: SlidingValue>: SlidingAccumulator {
    private let type: SQLType
    private let largest: Bool
    private let isEndless: Bool
    private var queues: [SlidingQueue<Value>] = []

    init(_ type: SQLType, largest: Bool, isEndless: Bool) {
        self.type = type
        self.largest = largest
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        queues.grow(to: steps.partitionCount, SlidingQueue())
        let (values, nulls) = (Value.values(of: arguments[0]), arguments[0].nulls)
        var builder = ColumnBuilder(type, capacity: values.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                queues[steps.leaving[left]].leave()
                left += 1
            }
            let partition = steps.partitions[row]
            if nulls?[row] != true { Self.enter(values[row], &queues[partition], largest: largest, isEndless) }
            queues[partition].entered += 1
            if queues[partition].count > 0, let best = queues[partition][0] {
                best.append(to: &builder)
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// Static: a method of a copy would keep all queues from being changed in place.
    private static func enter(_ value: Value, _ queue: inout SlidingQueue<Value>, largest: Bool, _ isEndless: Bool) {
        while queue.count > 0, let last = queue[queue.count - 1] {
            if largest ? Value.isBefore(last, value) : Value.isBefore(value, last) {
                queue.removeLast()
            } else {
                // Where nothing leaves, what is outdone by an earlier one never counts.
                if isEndless { return }
                break
            }
        }
        queue.append(value)
    }

    mutating func keep(_ partitions: [Int]) { queues = partitions.map { queues[$0] } }
    var byteCount: Int { queues.reduce(0) { $0 + $1.byteCount } }
    var stateTypes: [SQLType] { isEndless ? [type] : [] }

    func stateColumns(of partitions: [Int]) -> [Column] {
        guard isEndless else { return [] }
        var builder = ColumnBuilder(type, capacity: partitions.count)
        for partition in partitions {
            let queue = queues[partition]
            if queue.count > 0, let best = queue[0] { best.append(to: &builder) } else { builder.appendNull() }
        }
        return [builder.finish()]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        guard let kept = columns.first else { return }
        let values = Value.values(of: kept)
        queues = (0..<count).map { partition in
            var queue = SlidingQueue<Value>()
            if !kept.isNull(partition) { queue.append(values[partition]) }
            return queue
        }
    }
}
