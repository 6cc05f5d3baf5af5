/// SUM, AVG, variances and deviations of doubles over sliding windows, of whose sums no value can be taken back exactly.

/// What values of a stretch of rows come to, and how two stretches come together.
protocol SlidingPartial: Sendable {
    init()
    mutating func add(_ value: Double)
    /// Adds a stretch that follows.
    mutating func join(_ later: Self)
    /// The result; nil where there is none. What is not finite is an overflow.
    func result(_ kind: SlidingResult) -> Double?
    /// The state in numbers, and back.
    var numbers: [Double] { get }
    init(numbers: [Double])
    static var numberCount: Int { get }
}

enum SlidingResult: Sendable {
    case sum, average
    case variance(ofSample: Bool, squareRoot: Bool)
}

struct PartialSum: SlidingPartial {
    private var sum = 0.0
    private var count = 0.0
    init() {}
    mutating func add(_ value: Double) {
        sum += value
        count += 1
    }
    mutating func join(_ later: PartialSum) {
        sum += later.sum
        count += later.count
    }
    func result(_ kind: SlidingResult) -> Double? {
        if count == 0 { return nil }
        if case .average = kind { return sum / count }
        return sum
    }
    var numbers: [Double] { [sum, count] }
    init(numbers: [Double]) { (sum, count) = (numbers[0], numbers[1]) }
    static var numberCount: Int { 2 }
}

/// Count, mean and squared deviation. Two of them are joined after T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating Formulae and a Pairwise
/// Algorithm for Computing Sample Variances", 1979.
struct PartialMoments: SlidingPartial {
    private var count = 0.0
    private var mean = 0.0
    private var deviation = 0.0
    init() {}
    mutating func add(_ value: Double) {
        count += 1
        let distance = value - mean
        mean += distance / count
        deviation += distance * (value - mean)
    }
    mutating func join(_ later: PartialMoments) {
        if later.count == 0 { return }
        if count == 0 {
            self = later
            return
        }
        let all = count + later.count
        let distance = later.mean - mean
        mean += distance * later.count / all
        deviation += later.deviation + distance * distance * count * later.count / all
        count = all
    }
    func result(_ kind: SlidingResult) -> Double? {
        guard case .variance(let ofSample, let squareRoot) = kind else { return nil }
        let divisor = ofSample ? count - 1 : count
        if divisor <= 0 { return nil }
        let variance = deviation / divisor
        return squareRoot ? variance.squareRoot() : variance
    }
    var numbers: [Double] { [count, mean, deviation] }
    init(numbers: [Double]) { (count, mean, deviation) = (numbers[0], numbers[1], numbers[2]) }
    static var numberCount: Int { 3 }
}

/// Keeps the values of each partition's window. Windows of a few rows are computed anew, value by value; larger ones from two stretches: what the rows of
/// the older one come to from each of them on is kept, so that the oldest can leave; the newer one only grows, and becomes the older when that is
/// used up (K. Tangwongsan, M. Hirzel and S. Schneider, "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", 2017, section 2).
struct SlidingDoubles<Partial: SlidingPartial>: SlidingAccumulator {
    /// How many rows are computed anew.
    private static var few: Int { 32 }

    private struct Window: Sendable {
        /// The rows' values, NULLs as such, from `first` on.
        var values: [Double?] = []
        var first = 0
        /// What the older rows come to from each on, the oldest last.
        var older: [Partial] = []
        var newer = Partial()
        /// When restored: how many rows of those that enter again are the older ones.
        var olderToCome = 0

        mutating func enter(_ value: Double?) {
            values.append(value)
            if let value { newer.add(value) }
            if olderToCome > 0, values.count == olderToCome { turn() }
        }

        mutating func leave() {
            if older.isEmpty { turn() }
            _ = older.popLast()
            first += 1
            if first > 64, first * 2 > values.count {
                values.removeFirst(first)
                first = 0
            }
        }

        /// The newer rows become the older ones.
        private mutating func turn() {
            var sum = Partial()
            for value in values[first...].reversed() {
                var head = Partial()
                if let value { head.add(value) }
                head.join(sum)
                sum = head
                older.append(sum)
            }
            newer = Partial()
            olderToCome = 0
        }

        var current: Partial {
            if values.count - first <= few {
                var sum = Partial()
                for value in values[first...] { if let value { sum.add(value) } }
                return sum
            }
            guard var sum = older.last else { return newer }
            sum.join(newer)
            return sum
        }
    }

    private let kind: SlidingResult
    private let isEndless: Bool
    private var windows: [Window] = []

    init(_ kind: SlidingResult, isEndless: Bool) {
        self.kind = kind
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        windows.grow(to: steps.partitionCount, Window())
        let (values, nulls) = (arguments[0].doubles, arguments[0].nulls)
        var builder = ColumnBuilder(.double, capacity: values.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                windows[steps.leaving[left]].leave()
                left += 1
            }
            let partition = steps.partitions[row]
            let value = nulls?[row] == true ? nil : values[row]
            let result: Double?
            if isEndless {
                if let value { windows[partition].newer.add(value) }
                result = windows[partition].newer.result(kind)
            } else {
                windows[partition].enter(value)
                result = windows[partition].current.result(kind)
            }
            guard let result else {
                builder.appendNull()
                continue
            }
            if result.isFinite {
                builder.append(result)
            } else {
                errors.append(RowError(row: row, .overflow(.double)))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    mutating func keep(_ partitions: [Int]) { windows = partitions.map { windows[$0] } }

    var byteCount: Int {
        windows.reduce(windows.count * 96) { $0 + $1.values.count * 16 + $1.older.count * MemoryLayout<Partial>.stride }
    }

    var stateTypes: [SQLType] { isEndless ? [SQLType](repeating: .double, count: Partial.numberCount) : [.bigint] }

    func stateColumns(of partitions: [Int]) -> [Column] {
        guard isEndless else { return [Column(.bigint, .integers(partitions.map { Int64(windows[$0].older.count) }))] }
        let numbers = partitions.map { windows[$0].newer.numbers }
        return (0..<Partial.numberCount).map { place in Column(.double, .doubles(numbers.map { $0[place] })) }
    }

    mutating func restore(_ columns: [Column], count: Int) {
        windows = (0..<count).map { partition in
            var window = Window()
            if isEndless {
                window.newer = Partial(numbers: columns.map { $0.doubles[partition] })
            } else {
                window.olderToCome = Int(clamping: columns[0].integers[partition])
            }
            return window
        }
    }
}
