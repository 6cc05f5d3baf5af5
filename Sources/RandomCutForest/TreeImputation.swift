/// Which point of one tree best continues a point with missing coordinates.
/// Source: the imputation of the open reference library, centrality 1.

/// Memory that an imputation needs beside the tree.
struct ImputationScratch: ~Copyable {
    /// The query with a leaf's values in the missing places.
    let filled: UnsafeMutablePointer<Float>
    /// Room for a box of the climb.
    let box: UnsafeMutablePointer<Float>
    /// Subtrees still to be searched, with their depth.
    var waiting: [(reference: UInt16, depth: Int)] = []

    init(dimensions: Int) {
        filled = .allocate(capacity: 3 * dimensions)
        box = filled + dimensions
        filled.initialize(repeating: 0, count: 3 * dimensions)
    }

    deinit { filled.deallocate() }
}

extension CutTree {
    /// The leaf whose values, put in the places of `missing`, make `query` least strange; nil for an empty tree.
    ///
    /// The walk follows both children where a missing coordinate decides. A leaf's rank is a score of the filled-in point; where two branches
    /// meet the lower counts. What was filled in lies in every box above its leaf, so from the meeting up both branches change alike, and
    /// the lowest rank at the root decides.
    func bestLeaf(
        for query: UnsafePointer<Float>, missing: UnsafePointer<Bool>, store: borrowing PointStore, table: borrowing ScoreTable,
        scratch: inout ImputationScratch
    ) -> UInt16? {
        guard root != Self.none else { return nil }
        var best: (leaf: UInt16, rank: Double)?
        scratch.waiting.append((root, 0))
        while var (reference, depth) = scratch.waiting.popLast() {
            while reference < Self.leafFlag {
                let node = nodes[Int(reference)]
                let dimension = Int(node.dimension)
                depth += 1
                if missing[dimension] {
                    scratch.waiting.append((node.right, depth))
                    reference = node.left
                } else {
                    reference = node.child(isRight: query[dimension] > node.value)
                }
            }
            let rank = rank(of: reference, depth: depth, query, missing: missing, store: store, table: table, scratch: scratch)
            if best.map({ rank < $0.rank }) ?? true { best = (reference & ~Self.leafFlag, rank) }
        }
        return best?.leaf
    }

    /// How strange the query is with a leaf's values in the missing places.
    private func rank(
        of leaf: UInt16, depth: Int, _ query: UnsafePointer<Float>, missing: UnsafePointer<Bool>, store: borrowing PointStore,
        table: borrowing ScoreTable, scratch: borrowing ImputationScratch
    ) -> Double {
        let held = point(of: leaf, in: store)
        let filled = scratch.filled
        for i in 0..<dimensions { filled[i] = missing[i] ? held[i] : query[i] }
        var rank = table.reciprocals[depth + 1]
        if Box.distance(held, filled, dimensions) == 0 {
            let leafMass = Int(leafMasses[Int(leaf & ~Self.leafFlag)])
            return depth == 0 ? 0 : 1 / (Double(depth) + table.binaryLogarithms[leafMass + 1])
        }
        var climb = Climb(
            from: leaf, in: TreeView(self, store, dimensions: dimensions), scratch: scratch.box)
        var level = depth
        while climb.rise() {
            let (growth, sides) = Box.measure(lower: climb.lower, upper: climb.upper, filled, dimensions)
            if growth == 0 { break }
            let outside = Double(growth) / (Double(sides) + Double(growth))
            rank = outside * table.reciprocals[level] + (1 - outside) * rank
            level -= 1
        }
        return rank
    }
}
