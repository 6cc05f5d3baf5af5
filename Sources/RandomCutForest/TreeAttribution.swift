/// The share of each coordinate, on its high and its low side, in a point's score in one tree.
/// Source: the attribution of the open reference library.

/// Memory that an attribution needs beside the tree.
struct AttributionScratch: ~Copyable {
    /// The tree's vector: high cells, then low cells.
    let cells: UnsafeMutablePointer<Double>
    /// Room for a box of the climb, and for the union of the siblings met.
    let box: UnsafeMutablePointer<Float>
    let siblings: UnsafeMutablePointer<Float>

    init(dimensions: Int) {
        cells = .allocate(capacity: 2 * dimensions)
        box = .allocate(capacity: 4 * dimensions)
        siblings = box + 2 * dimensions
        box.initialize(repeating: 0, count: 4 * dimensions)
    }

    deinit {
        cells.deallocate()
        box.deallocate()
    }
}

extension CutTree {
    /// Adds this tree's attribution of `query` to `total` (high cells, then low cells).
    func attribute(
        _ query: UnsafePointer<Float>, to total: UnsafeMutablePointer<Double>, store: borrowing PointStore,
        table: borrowing ScoreTable, mode: ScoreMode, scratch: borrowing AttributionScratch
    ) {
        guard root != Self.none else { return }
        var descent = Descent(self)
        while descent.reference < Self.leafFlag { descent.step(towards: query) }
        TreeView(self, store, dimensions: dimensions).attribute(
            query, at: descent.position, to: total, table: table, mode: mode, scratch: scratch)
    }

    /// This tree's attribution alone: high cells, then low cells.
    package func attribution(
        _ query: UnsafePointer<Float>, store: borrowing PointStore, table: borrowing ScoreTable, mode: ScoreMode
    ) -> [Double] {
        let scratch = AttributionScratch(dimensions: dimensions)
        var total = [Double](repeating: 0, count: 2 * dimensions)
        attribute(query, to: &total, store: store, table: table, mode: mode, scratch: scratch)
        return total
    }
}

extension TreeView {
    /// Adds the attribution of `query`, whose walk ended at a leaf, to `total`.
    func attribute(
        _ query: UnsafePointer<Float>, at end: Descent.Position, to total: UnsafeMutablePointer<Double>,
        table: borrowing ScoreTable, mode: ScoreMode, scratch: borrowing AttributionScratch
    ) {
        let depth = end.depth
        let cells = scratch.cells
        let held = point(of: end.reference)
        let distance = Double(Box.distance(held, query, dimensions))
        var score: Double
        if distance > 0 {
            cells.update(repeating: 0, count: 2 * dimensions)
            score = table.reciprocals[depth + 1]
            mix(query, lower: held, upper: held, whole: distance, growth: distance, weight: score, into: cells)
            var climb = Climb(
                from: end.reference, in: self, scratch: scratch.box)
            var level = depth
            while climb.rise() {
                let (growth, sides) = Box.measure(lower: climb.lower, upper: climb.upper, query, dimensions)
                if growth == 0 { break }
                let whole = Double(sides) + Double(growth)
                let weight = table.reciprocals[level]
                score = Double(growth) / whole * weight + (1 - Double(growth) / whole) * score
                mix(
                    query, lower: climb.lower, upper: climb.upper, whole: whole, growth: Double(growth), weight: weight, into: cells
                )
                level -= 1
            }
        } else {
            let leafMass = Int(leafMasses[Int(end.reference & ~CutTree.leafFlag)])
            score = table.seen(depth: depth, leafMass: leafMass, mass: mass, mode: mode)
            attributeSeen(query, end.reference, score: score, depth: depth, table: table, scratch: scratch)
        }
        var sum = 0.0
        for i in 0..<(2 * dimensions) { sum += cells[i] }
        // A seen point's vector takes the scalar score's size; another's differs from it by rounding only.
        let factor = table.factor(mass: mass, mode: mode) * score / sum
        for i in 0..<(2 * dimensions) { total[i] += cells[i] * factor }
    }

    /// A point that is in the tree is explained as if its leaf were not there: by the boxes of the siblings on the way up.
    private func attributeSeen(
        _ query: UnsafePointer<Float>, _ leaf: UInt16, score: Double, depth: Int,
        table: borrowing ScoreTable, scratch: borrowing AttributionScratch
    ) {
        let siblings = scratch.siblings
        scratch.cells.update(repeating: score / Double(2 * dimensions), count: 2 * dimensions)
        Box.empty(siblings, dimensions)
        var below = leaf
        var level = depth
        while level > 0 {
            let node = parent(of: below)
            unite(nodes[Int(node)].sibling(of: below), into: siblings)
            let (lower, upper) = (UnsafePointer(siblings), UnsafePointer(siblings + dimensions))
            let (growth, sides) = Box.measure(lower: lower, upper: upper, query, dimensions)
            if growth == 0 { break }
            mix(
                query, lower: lower, upper: upper, whole: Double(sides) + Double(growth), growth: Double(growth),
                weight: table.reciprocals[level], into: scratch.cells)
            below = node
            level -= 1
        }
    }

    /// cells ← gaps / whole · weight + (1 - growth / whole) · cells, for a box whose joint sides with the query sum to `whole`.
    @inline(__always)
    private func mix(
        _ query: UnsafePointer<Float>, lower: UnsafePointer<Float>, upper: UnsafePointer<Float>, whole: Double, growth: Double,
        weight: Double, into cells: UnsafeMutablePointer<Double>
    ) {
        let kept = 1 - growth / whole
        let share = weight / whole
        for i in 0..<dimensions {
            let (above, below) = (query[i] - upper[i], lower[i] - query[i])
            cells[i] = Double(above > 0 ? above : 0) * share + kept * cells[i]
            cells[dimensions + i] = Double(below > 0 ? below : 0) * share + kept * cells[dimensions + i]
        }
    }
}
