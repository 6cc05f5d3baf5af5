/// APPROX_PERCENTILE(x, p): the value below or at which about the fraction p of a group's values lie, in a bounded memory.
///
/// The value given is within 0.8 % of x at the place ceil(p * n) of the n values in their order (PERCENTILE_DISC of SQL:2003), and the least or the greatest
/// value itself where p is 0 or 1. Integers and DECIMAL are rounded to their type, so that those of two digits are exact. NULLs and NaN are passed
/// over. A group takes 12 bytes for each bucket that has a value, at most 48 KiB. What comes out does not depend on the order of the rows.

extension AggregateFunction {
    /// The half, where nothing else is said.
    private static let approxMedian = AggregateFunction(
        "APPROX_PERCENTILE", of: .number, returns: { $0.isApproximateNumeric ? .double : $0 },
        makeAccumulator: { _, result in PercentileAccumulator(result, fraction: 0.5) })

    static let approxPercentile = approxMedian.with {
        $0.parameter = { value, type throws(SignatureError) in
            guard let fraction = value.double(of: type), (0...1).contains(fraction) else {
                throw SignatureError("must be a fraction from 0 to 1 written out, such as 0.95")
            }
            return AggregateFunction(
                name: "APPROX_PERCENTILE \(fraction)", resolve: approxMedian.resolve,
                makeAccumulator: { PercentileAccumulator($1, fraction: fraction) })
        }
    }
}

extension SQLValue {
    /// A number of a type, as a double.
    func double(of type: SQLType) -> Double? {
        switch self {
        case .double(let value): return value
        case .integer(let value):
            guard let scale = type.exactDigits?.scale else { return nil }
            return Double(value) / Double(DecimalDigits.power(scale))
        default: return nil
        }
    }
}

private struct PercentileAccumulator: Accumulator {
    private let result: SQLType
    private let fraction: Double
    private var sketches: [QuantileSketch] = []
    private var bytes = 0

    init(_ result: SQLType, fraction: Double) {
        self.result = result
        self.fraction = fraction
    }

    mutating func grow(to count: Int) { sketches.grow(to: count, QuantileSketch()) }

    mutating func update(groups: [Int], argument: Column?) {
        guard let argument else { return }
        let nulls = argument.nulls
        switch argument.values {
        case .doubles(let values):
            for row in groups.indices where nulls?[row] != true { bytes += sketches[groups[row]].add(values[row]) }
        case .integers(let values):
            for row in groups.indices where nulls?[row] != true { bytes += sketches[groups[row]].add(Double(values[row])) }
        default: break
        }
    }

    func results(errors: inout [RowError]) -> Column {
        var builder = ColumnBuilder(result, capacity: sketches.count)
        let range = result.integerRange
        for sketch in sketches {
            guard let value = sketch.value(at: fraction) else {
                builder.appendNull()
                continue
            }
            if result.storage == .doubles {
                builder.append(value)
            } else {
                // Halves toward 0: the middle of a bucket that holds one integer lies half above it. Doubles near the ends of BIGINT are not integers of it.
                let magnitude = (value.magnitude - 0.5).rounded(.up)
                let whole = Int64(exactly: value < 0 ? -magnitude : magnitude) ?? (value < 0 ? .min : .max)
                builder.append(min(max(whole, range.lowerBound), range.upperBound))
            }
        }
        return builder.finish()
    }

    var textBytes: Int { bytes }

    mutating func removeAll() {
        sketches.removeAll(keepingCapacity: true)
        bytes = 0
    }

    func stateColumns() -> [Column] { stateColumns(of: Array(sketches.indices)) }

    func stateColumns(of groups: [Int]) -> [Column] {
        var builder = ColumnBuilder(.varbinary(65_535), capacity: groups.count)
        for group in groups { builder.append(bytes: sketches[group].state) }
        return [builder.finish()]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        let states = columns[0].byteColumn
        sketches = (0..<count).map { QuantileSketch(state: states.bytes[states.range($0)]) }
        bytes = sketches.reduce(0) { $0 + $1.byteCount }
    }
}

/// Counts numbers in buckets whose bounds lie 1/64 of an octave apart, so that the middle of a bucket is within 1/128 of all its values: the idea of DDSketch
/// (C. Masson et al., 2019) with bounds that are the upper bits of the double, so that no logarithm is taken and every machine finds the same bucket.
package struct QuantileSketch: Sendable, Hashable {
    private static let mostBuckets = 4096
    /// Of the double, what is left of its bits: sign, exponent and six digits.
    private static let shift: UInt64 = 46

    /// Numbers of buckets in ascending order of their values, and how many values each has.
    private var buckets: [Int32] = []
    private var counts: [Int64] = []
    private var least = Double.infinity
    private var greatest = -Double.infinity

    package init() {}

    /// NaN is passed over.
    /// - Returns: how many bytes it grew by.
    @discardableResult
    package mutating func add(_ value: Double) -> Int {
        if value.isNaN { return 0 }
        least = min(least, value)
        greatest = max(greatest, value)
        return add(1, to: Self.bucket(of: value))
    }

    private static func bucket(of value: Double) -> Int32 {
        let magnitude = Int32(truncatingIfNeeded: value.magnitude.bitPattern >> shift)
        return value < 0 ? -magnitude : magnitude
    }

    private mutating func add(_ count: Int64, to bucket: Int32) -> Int {
        // Values of one kind lie together: that of the middle is a good first look.
        let place = buckets.firstPlace { $0 >= bucket }
        if place < buckets.count, buckets[place] == bucket {
            counts[place] += count
            return 0
        }
        buckets.insert(bucket, at: place)
        counts.insert(count, at: place)
        if buckets.count <= Self.mostBuckets { return 12 }
        dropLeast()
        return 0
    }

    /// The values nearest to 0 count as 0 from here on. Whatever the order of the rows, the buckets that stay are those farthest from it.
    private mutating func dropLeast() {
        let positive = buckets.firstPlace { $0 > 0 }
        let negative = buckets.firstPlace { $0 >= 0 } - 1
        let isPositive =
            negative < 0 || positive < buckets.count && buckets[positive] < -buckets[negative]
        let place = isPositive ? positive : negative
        let count = counts.remove(at: place)
        buckets.remove(at: place)
        // With 0 in its own bucket there are as many as before; without, the next one goes with it.
        let zero = buckets.firstPlace { $0 >= 0 }
        if zero < buckets.count, buckets[zero] == 0 {
            counts[zero] += count
        } else {
            buckets.insert(0, at: zero)
            counts.insert(count, at: zero)
            dropLeast()
        }
    }

    /// Takes in what another sketch has seen: the same as if its values had been added here.
    package mutating func merge(_ other: QuantileSketch) {
        least = min(least, other.least)
        greatest = max(greatest, other.greatest)
        for (bucket, count) in zip(other.buckets, other.counts) { _ = add(count, to: bucket) }
    }

    /// The value at a fraction of all; nil where there is none.
    package func value(at fraction: Double) -> Double? {
        let total = counts.reduce(0, +)
        guard total > 0 else { return nil }
        if fraction >= 1 { return greatest }
        let place = Int64((fraction * Double(total)).rounded(.up))
        if place <= 1 { return least }
        var passed: Int64 = 0
        for (bucket, count) in zip(buckets, counts) {
            passed += count
            if passed >= place { return min(max(Self.middle(of: bucket), least), greatest) }
        }
        return greatest
    }

    private static func middle(of bucket: Int32) -> Double {
        if bucket == 0 { return 0 }
        let low = Double(bitPattern: UInt64(bucket.magnitude) << shift)
        guard low.isFinite else { return bucket < 0 ? -low : low }
        let high = Double(bitPattern: (UInt64(bucket.magnitude) + 1) << shift)
        let middle = high.isFinite ? low + (high - low) / 2 : low
        return bucket < 0 ? -middle : middle
    }

    package var byteCount: Int { buckets.count * 12 + 16 }

    // MARK: State

    /// The least and the greatest value, then the buckets with their counts, each as 12 bytes.
    package var state: [UInt8] {
        if buckets.isEmpty { return [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        for bound in [least, greatest] { withUnsafeBytes(of: bound.bitPattern.littleEndian) { bytes.append(contentsOf: $0) } }
        for (bucket, count) in zip(buckets, counts) {
            withUnsafeBytes(of: bucket.littleEndian) { bytes.append(contentsOf: $0) }
            withUnsafeBytes(of: count.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// What cannot be read is passed over: the columns of a snapshot have a checksum.
    package init(state: ArraySlice<UInt8>) {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        guard state.count >= 16 else { return }
        least = Double(bitPattern: word(state.prefix(8)))
        greatest = Double(bitPattern: word(state.dropFirst(8).prefix(8)))
        var rest = state.dropFirst(16)
        while rest.count >= 12 {
            let bucket = Int32(truncatingIfNeeded: word(rest.prefix(4)))
            if buckets.last.map({ $0 < bucket }) ?? true {
                buckets.append(bucket)
                counts.append(Int64(bitPattern: word(rest.dropFirst(4).prefix(8))))
            }
            rest = rest.dropFirst(12)
        }
    }
}
