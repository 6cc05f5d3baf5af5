/// Running sums for SUM and AVG.

/// Exact sums of integers and of DECIMAL's unscaled digits. 128 bits hold the sum of any number of 64-bit values that can arrive, so
/// whether a result overflows depends on the values alone, not on their order.
struct ExactSums: Sendable {
    private(set) var sums: [Int128] = []
    /// How many values, without NULLs, each group has.
    private(set) var counts: [Int64] = []

    mutating func grow(to count: Int) {
        guard count > counts.count else { return }
        sums.makeRoom(for: count)
        counts.makeRoom(for: count)
        sums.append(contentsOf: repeatElement(0, count: count - sums.count))
        counts.append(contentsOf: repeatElement(0, count: count - counts.count))
    }

    mutating func update(groups: [Int], argument: Column) {
        let values = argument.integers
        let nulls = argument.nulls
        // Groups are numbers of this holder's own table, so they lie within the arrays.
        sums.withUnsafeMutableBufferPointer { sums in
            counts.withUnsafeMutableBufferPointer { counts in
                for row in groups.indices {
                    if let nulls, nulls[row] { continue }
                    let group = groups[row]
                    sums[group] &+= Int128(values[row])
                    counts[group] &+= 1
                }
            }
        }
    }

    mutating func retract(groups: [Int], argument: Column) {
        let values = argument.integers
        let nulls = argument.nulls
        for row in groups.indices {
            if let nulls, nulls[row] { continue }
            let group = groups[row]
            sums[group] &-= Int128(values[row])
            counts[group] &-= 1
        }
    }

    mutating func removeAll() {
        sums.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }

    var columns: [Column] { Self.columns(sums, counts) }
    func columns(of groups: [Int]) -> [Column] { Self.columns(groups.map { sums[$0] }, groups.map { counts[$0] }) }

    private static func columns(_ sums: [Int128], _ counts: [Int64]) -> [Column] {
        [
            Column(.bigint, .integers(sums.map { Int64(truncatingIfNeeded: $0 >> 64) })),
            Column(.bigint, .integers(sums.map { Int64(truncatingIfNeeded: $0) })),
            Column(.bigint, .integers(counts)),
        ]
    }

    init() {}
    init(_ columns: [Column]) {
        sums = zip(columns[0].integers, columns[1].integers).map { Int128($0) << 64 | Int128(UInt64(bitPattern: $1)) }
        counts = columns[2].integers
    }
}

/// Sums of doubles, added one value after the other as they arrive: the result depends on the order of rows only, never on how they were
/// cut into batches.
struct DoubleSums: Sendable {
    private(set) var sums: [Double] = []
    private(set) var counts: [Int64] = []

    mutating func grow(to count: Int) {
        guard count > counts.count else { return }
        sums.makeRoom(for: count)
        counts.makeRoom(for: count)
        sums.append(contentsOf: repeatElement(0, count: count - sums.count))
        counts.append(contentsOf: repeatElement(0, count: count - counts.count))
    }

    mutating func update(groups: [Int], argument: Column) {
        let values = argument.doubles
        let nulls = argument.nulls
        sums.withUnsafeMutableBufferPointer { sums in
            counts.withUnsafeMutableBufferPointer { counts in
                for row in groups.indices {
                    if let nulls, nulls[row] { continue }
                    let group = groups[row]
                    sums[group] += values[row]
                    counts[group] &+= 1
                }
            }
        }
    }

    /// A value for each group, NULL for one without values; a group whose value is not finite is among the errors.
    func results(errors: inout [RowError], _ value: (_ sum: Double, _ count: Int64) -> Double) -> Column {
        var nulls: [Bool]?
        let results = [Double](unsafeUninitializedCapacity: sums.count) { results, initialized in
            for group in sums.indices {
                var result = counts[group] == 0 ? 0 : value(sums[group], counts[group])
                let isFinite = result.isFinite
                if counts[group] == 0 || !isFinite {
                    if nulls == nil { nulls = [Bool](repeating: false, count: sums.count) }
                    nulls?[group] = true
                    if !isFinite { errors.append(.overflow(ofGroup: group, .double)) }
                    result = 0
                }
                results.initializeElement(at: group, to: result)
            }
            initialized = sums.count
        }
        return Column(.double, .doubles(results), nulls: nulls)
    }

    mutating func removeAll() {
        sums.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
    }

    var columns: [Column] { [Column(.double, .doubles(sums)), Column(.bigint, .integers(counts))] }
    func columns(of groups: [Int]) -> [Column] {
        [Column(.double, .doubles(groups.map { sums[$0] })), Column(.bigint, .integers(groups.map { counts[$0] }))]
    }

    init() {}
    init(_ columns: [Column]) {
        sums = columns[0].doubles
        counts = columns[1].integers
    }
}

// MARK: - Who holds them

/// An accumulator that holds exact sums of its argument and nothing else that depends on the rows.
protocol ExactSumsHolder: Accumulator {
    var sums: ExactSums { get set }
}

extension ExactSumsHolder {
    mutating func adopt(_ other: any Accumulator) -> Bool {
        guard let other = other as? any ExactSumsHolder else { return false }
        sums = other.sums
        return true
    }
}

/// The same with sums of doubles.
protocol DoubleSumsHolder: Accumulator {
    var sums: DoubleSums { get set }
}

extension DoubleSumsHolder {
    mutating func adopt(_ other: any Accumulator) -> Bool {
        guard let other = other as? any DoubleSumsHolder else { return false }
        sums = other.sums
        return true
    }
}
