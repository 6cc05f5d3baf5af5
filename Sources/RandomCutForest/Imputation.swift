/// Values that a forest puts in the place of missing ones, and the records that it expects next.
///
/// Every tree names the point of its sample that best continues what is known; over the trees the median is the answer, and the 10 % and
/// 90 % quantiles are its bounds. Source: the imputation and extrapolation of the open reference library.

/// Estimated values with their bounds, coordinate by coordinate. Of a value that was known all three are that value.
public struct Estimate: Sendable, Equatable {
    /// The median over the trees.
    public var values: [Double]
    /// A tenth of the trees says less.
    public var lower: [Double]
    /// A tenth of the trees says more.
    public var upper: [Double]
}

extension RandomCutForest {
    /// Fills in what is missing of the record that comes next, from the records before it and its known values.
    ///
    /// Nothing is learnt: hand ``Estimate/values`` to ``scoreAndLearn(_:)-([Double])`` to go on with them.
    /// - Parameter record: its columns, nil for a missing value.
    /// - Returns: the whole record; nil while the forest has learnt no full shingle.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` or ``ForestError/unusableValue(column:value:)``.
    public func impute(_ record: [Double?]) throws(ForestError) -> Estimate? {
        try check(known: record, count: dimensions)
        var window = storage.latest
        window.removeFirst(dimensions)
        guard let estimate = storage.impute(window.map { $0 } + record) else { return nil }
        return Estimate(
            values: Array(estimate.values.suffix(dimensions)), lower: Array(estimate.lower.suffix(dimensions)),
            upper: Array(estimate.upper.suffix(dimensions)))
    }

    /// Fills in what is missing of a whole shingle, oldest record first.
    /// - Parameter shingle: columns × shingle size values, nil for a missing one.
    /// - Returns: the whole shingle; nil while the forest has learnt no full one.
    /// - Throws: ``ForestError/wrongColumnCount(expected:found:)`` (of all values) or ``ForestError/unusableValue(column:value:)``.
    public func impute(shingle: [Double?]) throws(ForestError) -> Estimate? {
        try check(known: shingle, count: dimensions * parameters.shingleSize)
        return storage.impute(shingle)
    }

    /// The records that would come next if all went on as before: each from the shingle before it, in which the medians of those forecast
    /// earlier stand for records.
    ///
    /// A forecast needs a shingle that shows where in its course the stream is; with a shingle of 1 every step is the sample's centre.
    /// - Parameter steps: how many records, 0 or more. The work grows with it.
    /// - Returns: one estimate a record; none while the forest has learnt no full shingle.
    public func forecast(_ steps: Int) -> [Estimate] {
        var window: [Double?] = storage.latest
        var estimates: [Estimate] = []
        for _ in 0..<max(steps, 0) {
            window.removeFirst(dimensions)
            guard let estimate = storage.impute(window + [Double?](repeating: nil, count: dimensions)) else { return [] }
            let next = Estimate(
                values: Array(estimate.values.suffix(dimensions)), lower: Array(estimate.lower.suffix(dimensions)),
                upper: Array(estimate.upper.suffix(dimensions)))
            window += next.values.map { $0 }
            estimates.append(next)
        }
        return estimates
    }

    private func check(known values: [Double?], count: Int) throws(ForestError) {
        guard values.count == count else { throw .wrongColumnCount(expected: count, found: values.count) }
        for (column, value) in values.enumerated() {
            guard let value, !(value.magnitude <= Self.largestMagnitude) else { continue }
            throw .unusableValue(column: column, value: value)
        }
    }
}

extension ForestStorage {
    /// The last full shingle's values as the trees hold them, oldest first.
    var latest: [Double] { (0..<dimensions).map { Double(window[$0]) } }

    /// Fills in a point; nil before the trees hold any.
    func impute(_ point: [Double?]) -> Estimate? {
        guard offered > 0 else { return nil }
        let query = point.map { Self.coordinate($0 ?? 0) }
        let missing = point.map { $0 == nil }
        let places = missing.indices.filter { missing[$0] }
        var scratch = ImputationScratch(dimensions: dimensions)
        var answers = [[Float]](repeating: [], count: places.count)
        for number in 0..<parameters.trees {
            guard
                let leaf = units[number].tree.bestLeaf(
                    for: query, missing: missing, store: points, table: table, scratch: &scratch)
            else { continue }
            let held = units[number].tree.point(of: leaf, in: points)
            for (index, place) in places.enumerated() { answers[index].append(held[place]) }
        }
        let known = point.map { $0 ?? 0 }
        var estimate = Estimate(values: known, lower: known, upper: known)
        for (index, place) in places.enumerated() {
            let sorted = answers[index].sorted()
            let last = sorted.count - 1
            estimate.values[place] = Double(sorted[last / 2]) / 2 + Double(sorted[(last + 1) / 2]) / 2
            estimate.lower[place] = Double(sorted[last / 10])
            estimate.upper[place] = Double(sorted[last - last / 10])
        }
        return estimate
    }
}
