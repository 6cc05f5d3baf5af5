/// FIRST_VALUE, LAST_VALUE, NTH_VALUE and LAG: values by their place in the window.

/// Which row's value is asked for.
enum SlidingPlace: Sendable {
    /// The n-th of the window, counted from 1 from its oldest row, or from its newest.
    case first(Int)
    case last(Int)
    /// n rows before the current one, itself not counted.
    case before(Int)
}

/// Keeps the values of each partition's window; those that are not NULL where NULLs are passed over.
struct SlidingPlaces<Value: SlidingValue>: SlidingAccumulator {
    private let type: SQLType
    private let place: SlidingPlace
    private let ignoresNulls: Bool
    private let isEndless: Bool
    private var queues: [SlidingQueue<Value>] = []

    init(_ type: SQLType, _ place: SlidingPlace, ignoresNulls: Bool, isEndless: Bool) {
        self.type = type
        self.place = place
        self.ignoresNulls = ignoresNulls
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        queues.grow(to: steps.partitionCount, SlidingQueue())
        let (values, nulls) = (Value.values(of: arguments[0]), arguments[0].nulls)
        // What LAG gives where there is no such row.
        let otherwise = arguments.count > 1 ? arguments[1] : nil
        let otherValues = otherwise.map { Value.values(of: $0) }
        var builder = ColumnBuilder(type, capacity: values.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                queues[steps.leaving[left]].leave()
                left += 1
            }
            let partition = steps.partitions[row]
            let value = nulls?[row] == true ? nil : values[row]
            var found = -1
            if case .before(let n) = place { found = queues[partition].count - n }
            let earlier = found >= 0 ? queues[partition][found] : nil
            if value != nil || !ignoresNulls { Self.enter(value, &queues[partition], isEndless ? place : nil) }
            queues[partition].entered += 1
            let result: Value?
            switch place {
            case .before:
                result = found >= 0 ? earlier : otherwise?.isNull(row) == false ? otherValues?[row] : nil
            case .first(let n): result = n <= queues[partition].count ? queues[partition][n - 1] : nil
            case .last(let n):
                let count = queues[partition].count
                result = n <= count ? queues[partition][count - n] : nil
            }
            if let result { result.append(to: &builder) } else { builder.appendNull() }
        }
        return builder.finish()
    }

    /// Static: a method of a copy would keep all queues from being changed in place.
    /// - Parameter place: in an endless window, what is asked for.
    private static func enter(_ value: Value?, _ queue: inout SlidingQueue<Value>, _ place: SlidingPlace?) {
        guard let place else { return queue.append(value) }
        // Where nothing leaves, no more than n are ever asked for.
        switch place {
        case .first(let n):
            if queue.count < n { queue.append(value) }
        case .last(let n), .before(let n):
            queue.append(value)
            if queue.count > n { queue.removeFirst() }
        }
    }

    mutating func keep(_ partitions: [Int]) { queues = partitions.map { queues[$0] } }
    var byteCount: Int { queues.reduce(0) { $0 + $1.byteCount } }

    // MARK: State

    private var depth: Int {
        switch place {
        case .first(let n), .last(let n), .before(let n): n
        }
    }

    /// How many values there are, then each of the places.
    var stateTypes: [SQLType] { isEndless ? [.bigint] + [SQLType](repeating: type, count: depth) : [] }

    func stateColumns(of partitions: [Int]) -> [Column] {
        guard isEndless else { return [] }
        let counts = partitions.map { Int64(queues[$0].count) }
        return [Column(.bigint, .integers(counts))]
            + (0..<depth).map { place in
                var builder = ColumnBuilder(type, capacity: partitions.count)
                for partition in partitions {
                    let queue = queues[partition]
                    if place < queue.count, let value = queue[place] { value.append(to: &builder) } else { builder.appendNull() }
                }
                return builder.finish()
            }
    }

    mutating func restore(_ columns: [Column], count: Int) {
        guard isEndless, let counts = columns.first?.integers else { return }
        let values = columns.dropFirst().map { (Value.values(of: $0), $0.nulls) }
        queues = (0..<count).map { partition in
            var queue = SlidingQueue<Value>()
            for place in 0..<Swift.max(0, Swift.min(Int(clamping: counts[partition]), values.count)) {
                let (all, nulls) = values[place]
                queue.append(nulls?[partition] == true ? nil : all[partition])
            }
            return queue
        }
    }
}
