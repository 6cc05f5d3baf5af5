/// The memory behind a forest: its trees, their samples and random streams, the points, and the last records.
import Synchronization

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
    /// Per tree: the number of the point that it takes next.
    private let due: UnsafeMutablePointer<Int>
    /// The least of them.
    private var nextDue = 0
    var points: PointStore
    let table: ScoreTable
    /// The last records, oldest first, newest last; zeros before the first.
    let window: UnsafeMutablePointer<Float>
    /// Per block of trees, its scores' sum: added up in one order, whichever thread made them.
    private let sums: UnsafeMutablePointer<Double>
    /// Room for a box, per thread.
    private var scratch: UnsafeMutablePointer<Float>
    /// Records taken so far, and points (full shingles) offered to the trees.
    var records = 0
    var offered = 0
    /// The decay summed up to the last change of its rate, and when that was, in points.
    var decayOffset = 0.0
    var decayChangedAt = 0
    /// The threads that share the work; nil for the caller's alone.
    private var team: WorkerTeam?

    /// Trees whose scores are summed before they join the total.
    private static let blockSize = 16

    /// An empty forest without its units; parameters are checked.
    private init(parameters: ForestParameters, columns: Int, points: consuming PointStore) {
        self.parameters = parameters
        self.columns = columns
        dimensions = columns * parameters.shingleSize
        units = .allocate(capacity: parameters.trees)
        due = .allocate(capacity: parameters.trees)
        due.initialize(repeating: 0, count: parameters.trees)
        self.points = points
        table = ScoreTable(sampleSize: parameters.sampleSize)
        window = .allocate(capacity: dimensions)
        window.initialize(repeating: 0, count: dimensions)
        sums = .allocate(capacity: parameters.trees / Self.blockSize + 1)
        sums.initialize(repeating: 0, count: parameters.trees / Self.blockSize + 1)
        scratch = .allocate(capacity: 2 * dimensions)
        scratch.initialize(repeating: 0, count: 2 * dimensions)
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
        due.deallocate()
        window.deallocate()
        sums.deallocate()
        scratch.deallocate()
    }

    func append(_ unit: consuming Unit) {
        precondition(unitCount < parameters.trees)
        due[unitCount] = unit.sample.next
        nextDue = unitCount == 0 ? unit.sample.next : min(nextDue, unit.sample.next)
        (units + unitCount).initialize(to: unit)
        unitCount += 1
    }

    func emptyUnit(random: RandomSource) -> Unit {
        Unit(
            tree: CutTree(dimensions: dimensions, capacity: parameters.sampleSize),
            sample: Reservoir(capacity: parameters.sampleSize, acceptFraction: parameters.initialAcceptFraction), random: random)
    }

    /// An independent copy, with threads of its own.
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
        other.setThreads(threads)
        return other
    }

    /// The memory that the forest occupies, in bytes, without the allocator's own.
    var bytes: Int {
        let perTree =
            CutTree.bytes(dimensions: dimensions, capacity: parameters.sampleSize)
            + Reservoir.bytes(capacity: parameters.sampleSize)
        return unitCount * (perTree + MemoryLayout<Unit>.stride + MemoryLayout<Int>.stride)
            + points.capacity * 4 * dimensions + points.capacity / 8 + ScoreTable.bytes(sampleSize: parameters.sampleSize)
            + (1 + 2 * threads) * 4 * dimensions
    }

    // MARK: Threads

    var threads: Int { team.map { $0.helpers + 1 } ?? 1 }

    /// From now on the work of one point may be shared by so many threads.
    func setThreads(_ threads: Int) {
        guard threads != self.threads else { return }
        team = threads > 1 ? WorkerTeam(helpers: threads - 1) : nil
        scratch.deallocate()
        scratch = .allocate(capacity: 2 * dimensions * threads)
        scratch.initialize(repeating: 0, count: 2 * dimensions * threads)
    }

    /// Whether the work of one point is long enough to be shared: a point costs a tree some 100 ns and 18 more with every dimension; to share
    /// it costs about a microsecond, and more where the other processor is busy.
    private var isWorthSharing: Bool { unitCount * (100 + 18 * min(dimensions, 1_000)) >= 60_000 }

    private var blockCount: Int { (unitCount + Self.blockSize - 1) / Self.blockSize }

    private func trees(ofBlock block: Int) -> Range<Int> {
        (block * Self.blockSize)..<min((block + 1) * Self.blockSize, unitCount)
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
        for number in 0..<unitCount {
            units[number].sample.schedule(
                from: offered, decay: decay, rate: parameters.decayRate, random: &units[number].random)
            due[number] = units[number].sample.next
        }
        findNextDue()
    }

    private func findNextDue() {
        var least = Int.max
        for number in 0..<unitCount { least = min(least, due[number]) }
        nextDue = least
    }

    /// Mean score of a point over the trees, none of which is empty. `scratch` has room for a box.
    func score(_ query: UnsafePointer<Float>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>) -> Double {
        var sum = 0.0
        for block in 0..<blockCount { sum += score(query, trees: trees(ofBlock: block), mode: mode, scratch: scratch) }
        return sum / Double(unitCount)
    }

    /// The sum of the scores in some trees.
    private func score(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        // A function of its own, in which the loops over the dimensions are gone, for the numbers of dimensions that the speed targets
        // name: with 8 it scores a quarter faster than the one for any number, with 10 a fourteenth.
        switch dimensions {
        case 1: scoreOfOne(query, trees: trees, mode: mode, scratch: scratch)
        case 8: scoreOfEight(query, trees: trees, mode: mode, scratch: scratch)
        case 10: scoreOfTen(query, trees: trees, mode: mode, scratch: scratch)
        default: scoreOfAny(query, trees: trees, mode: mode, scratch: scratch)
        }
    }

    @inline(never)
    private func scoreOfOne(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        score(query, trees: trees, mode: mode, scratch: scratch, dimensions: 1)
    }

    @inline(never)
    private func scoreOfEight(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        score(query, trees: trees, mode: mode, scratch: scratch, dimensions: 8)
    }

    @inline(never)
    private func scoreOfTen(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        score(query, trees: trees, mode: mode, scratch: scratch, dimensions: 10)
    }

    @inline(never)
    private func scoreOfAny(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        score(query, trees: trees, mode: mode, scratch: scratch, dimensions: dimensions)
    }

    /// The sum of the scores in some trees, eight of which are walked in step.
    @inline(__always)
    private func score(
        _ query: UnsafePointer<Float>, trees: Range<Int>, mode: ScoreMode, scratch: UnsafeMutablePointer<Float>, dimensions: Int
    ) -> Double {
        let coordinates = points.coordinates
        return withUnsafeTemporaryAllocation(of: Descent.Position.self, capacity: 8) { ends in
            // A tree's score is asked for in one place only: from two the optimiser would not put the climb right here.
            var sum = 0.0
            var number = trees.lowerBound
            while number + 8 <= trees.upperBound {
                walkDown(query, from: number, dimensions: dimensions, to: ends)
                for i in 0..<8 {
                    TreeView(units[number + i].tree, coordinates: coordinates, dimensions: dimensions)
                        .prefetch(around: ends[i].reference)
                }
                for half in 0..<2 {
                    var four = 0.0
                    for i in 0..<4 {
                        four += TreeView(units[number].tree, coordinates: coordinates, dimensions: dimensions)
                            .score(query, after: ends[4 * half + i], table: table, mode: mode, scratch: scratch)
                        number += 1
                    }
                    sum += four
                }
            }
            while number < trees.upperBound {
                sum += units[number].tree.score(query, store: points, table: table, mode: mode, scratch: scratch)
                number += 1
            }
            return sum
        }
    }

    /// Walks down eight trees from `number` on.
    @inline(__always)
    private func walkDown(
        _ query: UnsafePointer<Float>, from number: Int, dimensions: Int, to ends: UnsafeMutableBufferPointer<Descent.Position>
    ) {
        var (a, b) = (FourDescents(units + number), FourDescents(units + number + 4))
        if dimensions == 1 {
            let value = query.pointee
            while a.isInside || b.isInside {
                a.step(towards: value)
                b.step(towards: value)
            }
        } else {
            while a.isInside || b.isInside {
                a.step(towards: query)
                b.step(towards: query)
            }
        }
        ends[0] = a.a.position
        ends[1] = a.b.position
        ends[2] = a.c.position
        ends[3] = a.d.position
        ends[4] = b.a.position
        ends[5] = b.b.position
        ends[6] = b.c.position
        ends[7] = b.d.position
    }

    /// Adds the mean attribution of a point over the trees to `total` (high cells, then low cells).
    func attribute(_ query: UnsafePointer<Float>, to total: UnsafeMutablePointer<Double>) {
        let scratch = AttributionScratch(dimensions: dimensions)
        for number in 0..<unitCount {
            units[number].tree.attribute(
                query, to: total, store: points, table: table, mode: parameters.mode, scratch: scratch)
        }
        for i in 0..<(2 * dimensions) { total[i] /= Double(unitCount) }
    }

    /// The score of `record` as the next one in either mode, without regard to how much has been seen; 0 without a full shingle.
    func rawScore(_ record: UnsafeBufferPointer<Double>, mode: ScoreMode) -> Double {
        guard completesShingle, offered > 0 else { return 0 }
        return withQuery(record) { query, scratch in score(query, mode: mode, scratch: scratch) }
    }

    /// Hands `body` the shingle that `record` would complete and room for a box, both its own: several threads may score one forest.
    func withQuery<R>(
        _ record: UnsafeBufferPointer<Double>, _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> R
    ) -> R {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * dimensions) { memory in
            guard let query = memory.baseAddress else { preconditionFailure("an empty allocation") }
            query.initialize(from: window + columns, count: dimensions - columns)
            for i in 0..<columns { (query + (dimensions - columns + i)).initialize(to: Self.coordinate(record[i])) }
            (query + dimensions).initialize(repeating: 0, count: 2 * dimensions)
            return body(query, query + dimensions)
        }
    }

    /// A value as the trees hold it: rounded to single precision, and no larger than leaves room for sums over all dimensions.
    /// Adding 0 makes -0 into 0, so that equal coordinates have equal bits.
    @inline(__always)
    static func coordinate(_ value: Double) -> Float { Float(min(max(value, -largestCoordinate), largestCoordinate)) + 0 }

    static let largestCoordinate = 1e30

    /// Scores a record as it completes the window, where that is due, and learns it.
    func take(_ record: UnsafeBufferPointer<Double>, scoring: Bool) -> Double {
        let ready = scoring && isReady
        let complete = completesShingle
        if dimensions > columns { window.update(from: window + columns, count: dimensions - columns) }
        for i in 0..<columns { window[dimensions - columns + i] = Self.coordinate(record[i]) }
        records += 1
        guard complete else { return 0 }

        var slot: UInt32?
        if nextDue == offered {
            if points.isFull { makeRoom() }
            slot = points.add(window)
        }
        var result = 0.0
        if ready || slot != nil {
            if let team, isWorthSharing {
                team.run(blocks: blockCount) { [self] block, helper in
                    work(onBlock: block, scoring: ready, slot: slot, scratch: scratch + 2 * dimensions * helper)
                }
            } else {
                for block in 0..<blockCount { work(onBlock: block, scoring: ready, slot: slot, scratch: scratch) }
            }
            if ready {
                for block in 0..<blockCount { result += sums[block] }
                result /= Double(unitCount)
            }
            if slot != nil { findNextDue() }
        }
        offered += 1
        return result
    }

    /// What one block's trees have to do with the window's point.
    private func work(onBlock block: Int, scoring: Bool, slot: UInt32?, scratch: UnsafeMutablePointer<Float>) {
        let trees = trees(ofBlock: block)
        if scoring { sums[block] = score(window, trees: trees, mode: parameters.mode, scratch: scratch) }
        guard let slot else { return }
        for number in trees where due[number] == offered { learn(slot, in: number, scratch: scratch) }
    }

    /// Takes the point offered now into one tree.
    private func learn(_ slot: UInt32, in number: Int, scratch: UnsafeMutablePointer<Float>) {
        let decay = self.decay
        let unit = units + number
        let key = unit.pointee.sample.drawKey(decay: decay, random: &unit.pointee.random)
        let full = unit.pointee.sample.isFull
        if full { unit.pointee.tree.delete(leaf: unit.pointee.sample.leaving, in: points, scratch: scratch) }
        let leaf = unit.pointee.tree.insert(slot, in: points, random: &unit.pointee.random, scratch: scratch)
        if full {
            unit.pointee.sample.replaceLeaving(key: key, leaf: leaf)
        } else {
            unit.pointee.sample.append(key: key, leaf: leaf)
        }
        let rate = parameters.decayRate
        unit.pointee.sample.schedule(from: offered + 1, decay: decay + rate, rate: rate, random: &unit.pointee.random)
        due[number] = unit.pointee.sample.next
    }

    /// Frees the points that no tree holds any more.
    func makeRoom() {
        points.clearMarks()
        for number in 0..<unitCount { units[number].tree.forEachPoint { points.mark($0) } }
        points.makeRoom()
    }
}
