/// COUNT, ANY and EVERY over sliding windows: numbers of rows, which are taken back as rows leave.

struct SlidingCount: SlidingAccumulator {
    private let isEndless: Bool
    private var counts: [Int64] = []
    init(isEndless: Bool) { self.isEndless = isEndless }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        if counts.count < steps.partitionCount {
            counts.append(contentsOf: repeatElement(0, count: steps.partitionCount - counts.count))
        }
        let (nulls, leavingNulls) = (arguments.first?.nulls, leaving?.nulls)
        var results = [Int64](repeating: 0, count: steps.partitions.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                if leavingNulls?[left] != true { counts[steps.leaving[left]] &-= 1 }
                left += 1
            }
            let partition = steps.partitions[row]
            if nulls?[row] != true { counts[partition] &+= 1 }
            results[row] = counts[partition]
        }
        return Column(.bigint, .integers(results))
    }

    mutating func keep(_ partitions: [Int]) { counts = partitions.map { counts[$0] } }
    var byteCount: Int { counts.count * 8 }
    var stateTypes: [SQLType] { isEndless ? [.bigint] : [] }
    func stateColumns(of partitions: [Int]) -> [Column] {
        isEndless ? [Column(.bigint, .integers(partitions.map { counts[$0] }))] : []
    }
    mutating func restore(_ columns: [Column], count: Int) { if let first = columns.first { counts = first.integers } }
}

/// Whether any row, or every row, is TRUE; NULL counts as not TRUE.
struct SlidingTruth: SlidingAccumulator {
    private let every: Bool
    private let isEndless: Bool
    /// Of each partition, how many rows decide: TRUE ones for ANY, others for EVERY.
    private var deciding: [Int64] = []

    init(every: Bool, isEndless: Bool) {
        self.every = every
        self.isEndless = isEndless
    }

    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column {
        deciding.grow(to: steps.partitionCount, 0)
        let (isTrue, wasTrue) = (arguments[0].isTrue, leaving?.isTrue ?? [])
        var results = [Bool](repeating: false, count: steps.partitions.count)
        var left = 0
        for row in steps.partitions.indices {
            while left < steps.leavingEnds[row] {
                if wasTrue[left] != every { deciding[steps.leaving[left]] &-= 1 }
                left += 1
            }
            let partition = steps.partitions[row]
            if isTrue[row] != every { deciding[partition] &+= 1 }
            results[row] = deciding[partition] > 0 ? !every : every
        }
        return Column(.boolean, .booleans(results))
    }

    mutating func keep(_ partitions: [Int]) { deciding = partitions.map { deciding[$0] } }
    var byteCount: Int { deciding.count * 8 }
    var stateTypes: [SQLType] { isEndless ? [.bigint] : [] }
    func stateColumns(of partitions: [Int]) -> [Column] {
        isEndless ? [Column(.bigint, .integers(partitions.map { deciding[$0] }))] : []
    }
    mutating func restore(_ columns: [Column], count: Int) { if let first = columns.first { deciding = first.integers } }
}
