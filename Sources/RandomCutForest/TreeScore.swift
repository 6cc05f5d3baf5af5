/// The anomaly score of a point in one tree: one walk down, one short walk up.
/// Source: Guha et al., ICML 2016; the score of the open reference library, and the variant that fits the SQL function's answers.

/// Logarithms that every walk needs, made once per forest.
package struct ScoreTable: ~Copyable {
    /// lg k for k = 0 (unused) to sample size + 1.
    let binaryLogarithms: UnsafeMutablePointer<Double>
    let sampleSize: Int

    package init(sampleSize: Int) {
        self.sampleSize = sampleSize
        binaryLogarithms = .allocate(capacity: sampleSize + 2)
        binaryLogarithms[0] = 0
        for k in 1...(sampleSize + 1) { binaryLogarithms[k] = Elementary.log2(Double(k)) }
    }

    deinit { binaryLogarithms.deallocate() }

    /// What a tree of `mass` points multiplies its score by.
    @inline(__always)
    func factor(mass: Int, mode: ScoreMode) -> Double {
        mode == .library ? binaryLogarithms[mass + 1] : binaryLogarithms[sampleSize]
    }

    /// The score, before the factor, of a point equal to a leaf of `leafMass` at `depth` in a tree of `mass`.
    @inline(__always)
    func seen(depth: Int, leafMass: Int, mass: Int, mode: ScoreMode) -> Double {
        switch mode {
        case .library: (1 - Double(leafMass) / (2 * Double(mass))) / (Double(depth) + binaryLogarithms[leafMass + 1])
        case .kinesisSQL: depth == 0 ? 1 / Double(1 + leafMass) : 1 / (Double(depth) + binaryLogarithms[leafMass + 1])
        }
    }
}

/// A walk from a tree's root to the leaf that a point's coordinates choose.
///
/// A step past the leaf changes nothing, so several trees can be walked in step with each other: their memory accesses overlap, and no
/// branch depends on where a point goes.
struct Descent {
    private let nodes: UnsafeMutablePointer<CutTree.Node>
    private let path: CutTree.Path
    /// Where the walk stands; at last a leaf, or ``CutTree/none`` for an empty tree.
    private(set) var reference: UInt16
    /// Number of nodes on the path.
    private(set) var depth = 0

    @inline(__always)
    init(_ tree: borrowing CutTree, path: CutTree.Path) {
        nodes = tree.nodes
        reference = tree.root
        self.path = path
    }

    @inline(__always)
    mutating func step(towards point: UnsafePointer<Double>) {
        let isInside = reference < CutTree.leafFlag
        // Node 0 stands in for what a finished walk would read; its dimension is valid even before it is first used.
        let node = nodes[isInside ? Int(reference) : 0]
        path[depth] = reference
        let next = point[Int(node.dimension)] <= node.value ? node.left : node.right
        reference = isInside ? next : reference
        depth += isInside ? 1 : 0
    }
}

extension CutTree {
    /// The score of `query` in this tree, factor included; 0 for an empty tree.
    @inline(__always)
    package func score(
        _ query: UnsafePointer<Double>, store: borrowing PointStore, table: borrowing ScoreTable, mode: ScoreMode, path: Path
    ) -> Double {
        var descent = Descent(self, path: path)
        while descent.reference < Self.leafFlag { descent.step(towards: query) }
        return score(query, after: descent, store: store, table: table, mode: mode, path: path)
    }

    /// The score of `query` once its walk down has ended.
    @inline(__always)
    func score(
        _ query: UnsafePointer<Double>, after descent: Descent, store: borrowing PointStore, table: borrowing ScoreTable,
        mode: ScoreMode,
        path: Path
    ) -> Double {
        guard descent.reference != Self.none else { return 0 }
        var depth = descent.depth
        let leaf = Int(descent.reference & ~Self.leafFlag)
        let factor = table.factor(mass: mass, mode: mode)
        let distance = Box.distance(store.point(leafPoints[leaf]), query, dimensions)
        guard distance > 0 else {
            return factor * table.seen(depth: depth, leafMass: Int(leafMasses[leaf]), mass: mass, mode: mode)
        }
        var score = 1 / Double(depth + 1)
        while depth > 0 {
            let box = self.box(path[depth - 1])
            let growth = Box.growth(box, query, dimensions)
            if growth == 0 { break }
            let outside = growth / (box[2 * dimensions] + growth)
            score = outside / Double(depth) + (1 - outside) * score
            depth -= 1
        }
        return factor * score
    }
}
