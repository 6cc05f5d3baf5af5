/// The memory behind a forest: its trees, their samples and random streams, the points, and the last records.
final class ForestStorage {
    /// A tree with what belongs to it alone.
    struct Unit: ~Copyable {
        var tree: CutTree
        var sample: Reservoir
        var random: RandomSource
    }

    var parameters: ForestParameters
    let columns: Int
    let dimensions: Int
    let units: UnsafeMutablePointer<Unit>
    private var unitCount = 0
    var points: PointStore
    let table: ScoreTable
    /// The last records, oldest first, newest last; zeros before the first.
    let window: UnsafeMutablePointer<Double>
    private let path: CutTree.Path
    /// Records taken so far, and points (full shingles) offered to the trees.
    var records = 0
    var offered = 0
    /// The decay summed up to the last change of its rate, and when that was, in points.
    var decayOffset = 0.0
    var decayChangedAt = 0
    /// e^λ.
    private var growth: Double

    /// An empty forest without its units; parameters are checked.
    private init(parameters: ForestParameters, columns: Int, points: consuming PointStore) {
        self.parameters = parameters
        self.columns = columns
        dimensions = columns * parameters.shingleSize
        units = .allocate(capacity: parameters.trees)
        self.points = points
        table = ScoreTable(sampleSize: parameters.sampleSize)
        window = .allocate(capacity: dimensions)
        window.initialize(repeating: 0, count: dimensions)
        path = .allocate(capacity: 4 * parameters.sampleSize)
        growth = Elementary.exp(parameters.decayRate)
    }

    convenience init(parameters: ForestParameters, columns: Int, seed: UInt64) {
        self.init(parameters: parameters, columns: columns, points: PointStore(dimensions: columns * parameters.shingleSize))
        for number in 0..<parameters.trees { append(emptyUnit(random: RandomSource(seed: seed, stream: UInt64(number)))) }
    }

    /// A forest over saved points, to which `append` gives the units.
    convenience init(restoring parameters: ForestParameters, columns: Int, points: consuming PointStore) {
        self.init(parameters: parameters, columns: columns, points: points)
    }

    deinit {
        units.deinitialize(count: unitCount)
        units.deallocate()
        window.deallocate()
        path.deallocate()
    }

    func append(_ unit: consuming Unit) {
        precondition(unitCount < parameters.trees)
        (units + unitCount).initialize(to: unit)
        unitCount += 1
    }

    func emptyUnit(random: RandomSource) -> Unit {
        Unit(
            tree: CutTree(dimensions: dimensions, capacity: parameters.sampleSize),
            sample: Reservoir(capacity: parameters.sampleSize, acceptFraction: parameters.initialAcceptFraction), random: random)
    }

    /// An independent copy.
    func copy() -> ForestStorage {
        let other = ForestStorage(parameters: parameters, columns: columns, points: points.copy())
        for number in 0..<unitCount {
            other.append(
                Unit(tree: units[number].tree.copy(), sample: units[number].sample.copy(), random: units[number].random))
        }
        other.window.update(from: window, count: dimensions)
        other.records = records
        other.offered = offered
        other.decayOffset = decayOffset
        other.decayChangedAt = decayChangedAt
        return other
    }

    // MARK: Work

    /// λt summed over all rates so far, for the point offered next.
    var decay: Double { decayOffset + parameters.decayRate * Double(offered - decayChangedAt) }

    /// Whether the next record completes a shingle.
    var completesShingle: Bool { records >= parameters.shingleSize - 1 }

    /// Whether enough has been seen for the next record to be scored.
    var isReady: Bool {
        let seen = parameters.mode == .kinesisSQL ? records : offered
        return completesShingle && offered > 0 && seen >= parameters.effectiveOutputAfter
    }

    /// Changes the rate of forgetting for the points to come; what is in the samples keeps its weight so far.
    func setTimeDecay(_ timeDecay: Int?) {
        decayOffset = decay
        decayChangedAt = offered
        parameters.timeDecay = timeDecay
        growth = Elementary.exp(parameters.decayRate)
    }

    /// Mean score of a point over the trees. `path` has room for four walks.
    func score(_ query: UnsafePointer<Double>, mode: ScoreMode, path: CutTree.Path) -> Double {
        let room = parameters.sampleSize
        let (path1, path2, path3) = (path + room, path + 2 * room, path + 3 * room)
        var sum = 0.0
        var number = 0
        while number + 4 <= unitCount {
            let four = units + number
            var a = Descent(four[0].tree, path: path)
            var b = Descent(four[1].tree, path: path1)
            var c = Descent(four[2].tree, path: path2)
            var d = Descent(four[3].tree, path: path3)
            while a.reference & b.reference & c.reference & d.reference < CutTree.leafFlag {
                a.step(towards: query)
                b.step(towards: query)
                c.step(towards: query)
                d.step(towards: query)
            }
            sum += four[0].tree.score(query, after: a, store: points, table: table, mode: mode, path: path)
            sum += four[1].tree.score(query, after: b, store: points, table: table, mode: mode, path: path1)
            sum += four[2].tree.score(query, after: c, store: points, table: table, mode: mode, path: path2)
            sum += four[3].tree.score(query, after: d, store: points, table: table, mode: mode, path: path3)
            number += 4
        }
        while number < unitCount {
            sum += units[number].tree.score(query, store: points, table: table, mode: mode, path: path)
            number += 1
        }
        return sum / Double(unitCount)
    }

    /// Adds the mean attribution of a point over the trees to `total` (high cells, then low cells).
    func attribute(_ query: UnsafePointer<Double>, to total: UnsafeMutablePointer<Double>, path: CutTree.Path) {
        let scratch = AttributionScratch(dimensions: dimensions)
        for number in 0..<unitCount {
            units[number].tree.attribute(
                query, to: total, store: points, table: table, mode: parameters.mode, path: path, scratch: scratch)
        }
        for i in 0..<(2 * dimensions) { total[i] /= Double(unitCount) }
    }

    /// The score of `record` as the next one in either mode, without regard to how much has been seen; 0 without a full shingle.
    func rawScore(_ record: UnsafeBufferPointer<Double>, mode: ScoreMode) -> Double {
        guard completesShingle else { return 0 }
        return withQuery(record) { query, path in score(query, mode: mode, path: path) }
    }

    /// Hands `body` the shingle that `record` would complete and a path, both its own: several threads may score one forest.
    func withQuery<R>(_ record: UnsafeBufferPointer<Double>, _ body: (UnsafePointer<Double>, CutTree.Path) -> R) -> R {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: dimensions) { query in
            withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 4 * parameters.sampleSize) { path in
                guard let query = query.baseAddress, let path = path.baseAddress else { preconditionFailure("an empty allocation") }
                query.initialize(from: window + columns, count: dimensions - columns)
                for i in 0..<columns { (query + (dimensions - columns + i)).initialize(to: record[i] + 0) }
                return body(query, path)
            }
        }
    }

    /// Scores a record as it completes the window, where that is due, and learns it.
    func take(_ record: UnsafeBufferPointer<Double>, scoring: Bool) -> Double {
        let ready = scoring && isReady
        let complete = completesShingle
        if dimensions > columns { window.update(from: window + columns, count: dimensions - columns) }
        // Adding 0 makes -0 into 0, so that equal coordinates have equal bits.
        for i in 0..<columns { window[dimensions - columns + i] = record[i] + 0 }
        records += 1
        guard complete else { return 0 }
        let result = ready ? score(window, mode: parameters.mode, path: path) : 0
        learnWindow()
        return result
    }

    private func learnWindow() {
        let decay = self.decay
        var slot: UInt32?
        for number in 0..<unitCount {
            guard let key = units[number].sample.offer(decay: decay, growth: growth, random: &units[number].random) else {
                continue
            }
            learn(in: number, key: key, decay: decay, slot: &slot)
        }
        if let slot { points.freeIfUnused(slot) }
        offered += 1
    }

    /// Takes the window's point into one tree; `slot` is where it is stored, once some tree has taken it.
    private func learn(in number: Int, key: Double, decay: Double, slot: inout UInt32?) {
        let full = units[number].sample.isFull
        if full {
            let leaving = units[number].sample.next
            units[number].tree.delete(leaving, in: points, path: path)
            points.release(leaving)
        }
        let own = slot ?? points.add(window)
        slot = own
        let held = units[number].tree.insert(own, in: points, random: &units[number].random, path: path)
        points.retain(held)
        if full {
            units[number].sample.replaceNext(key: key, point: held, decay: decay)
        } else {
            units[number].sample.append(key: key, point: held, decay: decay)
        }
    }
}
