/// The share of each coordinate, on its high and its low side, in a point's score in one tree.

/// Which coordinates make a record strange, and in which direction. All cells together are the record's score.
public struct Attribution: Sendable, Equatable {
    /// Per position of the shingle (oldest record first) and column: what the value being too high contributes, at least 0.
    public var high: [Double]
    /// The same for the value being too low.
    public var low: [Double]
    /// Number of columns of a record.
    public let columns: Int

    /// Sum of all cells: the score.
    public var total: Double { high.reduce(0, +) + low.reduce(0, +) }

    /// A column's part over all positions of the shingle. `column` counts from 0 and must be below ``columns``.
    public func part(ofColumn column: Int) -> (high: Double, low: Double) {
        precondition(column >= 0 && column < columns)
        var sum = (high: 0.0, low: 0.0)
        for i in stride(from: column, to: high.count, by: columns) {
            sum.high += high[i]
            sum.low += low[i]
        }
        return sum
    }
}

/// Memory that an attribution needs beside the tree: four vectors of the point's dimensions.
struct AttributionScratch: ~Copyable {
    /// The tree's vector: high cells, then low cells.
    let cells: UnsafeMutablePointer<Double>
    /// Lower, then upper corner of the union of the siblings met.
    let siblings: UnsafeMutablePointer<Double>

    init(dimensions: Int) {
        cells = .allocate(capacity: 2 * dimensions)
        siblings = .allocate(capacity: 2 * dimensions + 1)
    }

    deinit {
        cells.deallocate()
        siblings.deallocate()
    }
}

extension CutTree {
    /// Adds this tree's attribution of `query` to `total` (high cells, then low cells).
    func attribute(
        _ query: UnsafePointer<Double>, to total: UnsafeMutablePointer<Double>, store: borrowing PointStore,
        table: borrowing ScoreTable,
        mode: ScoreMode, path: Path, scratch: borrowing AttributionScratch
    ) {
        var reference = root
        guard reference != Self.none else { return }
        var depth = 0
        while reference < Self.leafFlag {
            path[depth] = reference
            depth += 1
            reference = child(of: reference, towards: query)
        }
        let leaf = Int(reference & ~Self.leafFlag)
        let held = store.point(leafPoints[leaf])
        let cells = scratch.cells
        let distance = Box.distance(held, query, dimensions)
        var factor = table.factor(mass: mass, mode: mode)
        if distance > 0 {
            cells.update(repeating: 0, count: 2 * dimensions)
            mix(query, lower: held, upper: held, whole: distance, growth: distance, weight: 1 / Double(depth + 1), into: cells)
            while depth > 0 {
                let box = self.box(path[depth - 1])
                let growth = Box.growth(box, query, dimensions)
                if growth == 0 { break }
                mix(
                    query, lower: box, upper: box + dimensions, whole: box[2 * dimensions] + growth, growth: growth,
                    weight: 1 / Double(depth), into: cells)
                depth -= 1
            }
        } else {
            let score = table.seen(depth: depth, leafMass: Int(leafMasses[leaf]), mass: mass, mode: mode)
            attributeSeen(query, reference, score: score, depth: depth, store: store, path: path, scratch: scratch)
            var sum = 0.0
            for i in 0..<(2 * dimensions) { sum += cells[i] }
            factor *= score / sum
        }
        for i in 0..<(2 * dimensions) { total[i] += cells[i] * factor }
    }

    /// This tree's attribution alone: high cells, then low cells.
    package func attribution(
        _ query: UnsafePointer<Double>, store: borrowing PointStore, table: borrowing ScoreTable, mode: ScoreMode
    ) -> [Double] {
        let scratch = AttributionScratch(dimensions: dimensions)
        let path = Path.allocate(capacity: capacity)
        defer { path.deallocate() }
        var total = [Double](repeating: 0, count: 2 * dimensions)
        attribute(query, to: &total, store: store, table: table, mode: mode, path: path, scratch: scratch)
        return total
    }

    /// A point that is in the tree is explained as if its leaf were not there: by the boxes of the siblings on the way up.
    private func attributeSeen(
        _ query: UnsafePointer<Double>, _ leaf: UInt16, score: Double, depth: Int, store: borrowing PointStore, path: Path,
        scratch: borrowing AttributionScratch
    ) {
        let siblings = scratch.siblings
        scratch.cells.update(repeating: score / Double(2 * dimensions), count: 2 * dimensions)
        var below = leaf
        var level = depth
        while level > 0 {
            let node = path[level - 1]
            let sibling = corners(nodes[Int(node)].left == below ? nodes[Int(node)].right : nodes[Int(node)].left, store: store)
            if level == depth {
                siblings.update(from: sibling.lower, count: dimensions)
                (siblings + dimensions).update(from: sibling.upper, count: dimensions)
            }
            Box.join(
                into: siblings, lower: siblings, upper: siblings + dimensions, otherLower: sibling.lower, otherUpper: sibling.upper,
                dimensions)
            let growth = Box.growth(siblings, query, dimensions)
            if growth == 0 { break }
            mix(
                query, lower: siblings, upper: siblings + dimensions, whole: siblings[2 * dimensions] + growth, growth: growth,
                weight: 1 / Double(level), into: scratch.cells)
            below = node
            level -= 1
        }
    }

    /// cells ← gaps / whole · weight + (1 - growth / whole) · cells, for a box whose joint sides with the query sum to `whole`.
    private func mix(
        _ query: UnsafePointer<Double>, lower: UnsafePointer<Double>, upper: UnsafePointer<Double>, whole: Double, growth: Double,
        weight: Double, into cells: UnsafeMutablePointer<Double>
    ) {
        let kept = 1 - growth / whole
        for i in 0..<dimensions {
            cells[i] = max(query[i] - upper[i], 0) / whole * weight + kept * cells[i]
            cells[dimensions + i] = max(lower[i] - query[i], 0) / whole * weight + kept * cells[dimensions + i]
        }
    }
}
