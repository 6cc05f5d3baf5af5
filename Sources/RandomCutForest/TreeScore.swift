/// The anomaly score of a point in one tree: one walk down, one short walk up.
/// Source: Guha et al., ICML 2016; the score of the open reference library, and the variant that fits the SQL function's answers.

/// Logarithms and reciprocals that every walk needs, made once per forest.
package struct ScoreTable: ~Copyable {
    /// lg k for k = 0 (unused) to sample size + 1.
    let binaryLogarithms: UnsafeMutablePointer<Double>
    /// 1/k for the same k.
    let reciprocals: UnsafeMutablePointer<Double>
    let sampleSize: Int

    package init(sampleSize: Int) {
        self.sampleSize = sampleSize
        binaryLogarithms = .allocate(capacity: 2 * (sampleSize + 2))
        reciprocals = binaryLogarithms + (sampleSize + 2)
        binaryLogarithms[0] = 0
        reciprocals[0] = 0
        for k in 1...(sampleSize + 1) {
            binaryLogarithms[k] = Elementary.log2(Double(k))
            reciprocals[k] = 1 / Double(k)
        }
    }

    deinit { binaryLogarithms.deallocate() }

    /// The memory that the tables occupy, in bytes.
    static func bytes(sampleSize: Int) -> Int { 16 * (sampleSize + 2) }

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
    /// Where a walk stands: at last at a leaf.
    struct Position {
        /// The subtree in the lower half, the number of nodes passed in the upper: one register moves both.
        fileprivate var bits: UInt32

        @inline(__always)
        var reference: UInt16 { UInt16(truncatingIfNeeded: bits) }

        @inline(__always)
        var depth: Int { Int(bits &>> 16) }
    }

    private let nodes: UnsafeMutablePointer<CutTree.Node>
    private(set) var position: Position

    @inline(__always)
    var reference: UInt16 { position.reference }

    @inline(__always)
    var depth: Int { position.depth }

    /// Begins at the root of a tree that is not empty.
    @inline(__always)
    init(_ tree: borrowing CutTree) {
        nodes = tree.nodes
        position = Position(bits: UInt32(tree.root))
    }

    @inline(__always)
    mutating func step(towards point: UnsafePointer<Float>) {
        // A finished walk reads the node of its leaf's number, in use or not.
        let node = nodes[Int(position.bits & 0x7FFF)]
        advance(node, isRight: point[Int(node.dimension)] > node.value)
    }

    /// The same in a tree of one dimension.
    @inline(__always)
    mutating func step(towards value: Float) {
        let node = nodes[Int(position.bits & 0x7FFF)]
        advance(node, isRight: value > node.value)
    }

    @inline(__always)
    private mutating func advance(_ node: CutTree.Node, isRight: Bool) {
        let bits = position.bits
        let next = ((bits & 0xFFFF_0000) &+ 0x1_0000) | UInt32(node.child(isRight: isRight))
        // All ones at a leaf. Arithmetic where one would write a condition, so that no compiler makes a branch of it.
        let isFinished = UInt32(bitPattern: Int32(bitPattern: bits &<< 16) &>> 31)
        position.bits = next ^ ((next ^ bits) & isFinished)
    }
}

extension CutTree {
    /// The score of `query` in this tree, factor included; 0 for an empty tree.
    package func score(
        _ query: UnsafePointer<Float>, store: borrowing PointStore, table: borrowing ScoreTable, mode: ScoreMode,
        scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        guard root != Self.none else { return 0 }
        var descent = Descent(self)
        while descent.reference < Self.leafFlag { descent.step(towards: query) }
        return TreeView(self, store, dimensions: dimensions)
            .score(query, after: descent.position, table: table, mode: mode, scratch: scratch)
    }
}

extension TreeView {
    /// The score of `query`, factor included, once its walk down has ended. `scratch` has room for a box.
    @inline(__always)
    func score(
        _ query: UnsafePointer<Float>, after position: Descent.Position, table: borrowing ScoreTable, mode: ScoreMode,
        scratch: UnsafeMutablePointer<Float>
    ) -> Double {
        if dimensions == 1 { return score(query.pointee, after: position, table: table, mode: mode) }
        let factor = table.factor(mass: mass, mode: mode)
        var climb = Climb(from: position.reference, in: self, scratch: scratch)
        guard Box.distance(climb.lower, query, dimensions) > 0 else {
            return factor * seen(position, table: table, mode: mode)
        }
        // Of the depth where the climb stands.
        var weight = table.reciprocals + position.depth
        var score = weight[1]
        while climb.rise() {
            let (growth, sides) = Box.measure(lower: climb.lower, upper: climb.upper, query, dimensions)
            if growth == 0 { break }
            let outside = Double(growth) / (Double(sides) + Double(growth))
            score = outside * weight.pointee + (1 - outside) * score
            weight -= 1
        }
        return factor * score
    }

    /// The same in one dimension, where every node has its box.
    @inline(__always)
    private func score(_ query: Float, after position: Descent.Position, table: borrowing ScoreTable, mode: ScoreMode) -> Double {
        let factor = table.factor(mass: mass, mode: mode)
        guard point(of: position.reference).pointee != query else {
            return factor * seen(position, table: table, mode: mode)
        }
        var weight = table.reciprocals + position.depth
        var score = weight[1]
        var node = leafParents[Int(position.reference & ~CutTree.leafFlag)]
        while node != CutTree.none, let box = box(of: node) {
            let (lower, upper) = (box[0], box[1])
            let growth = max(query - upper, lower - query)
            if growth <= 0 { break }
            let outside = Double(growth) / (Double(upper - lower) + Double(growth))
            score = outside * weight.pointee + (1 - outside) * score
            weight -= 1
            node = nodes[Int(node)].parent
        }
        return factor * score
    }

    private func seen(_ position: Descent.Position, table: borrowing ScoreTable, mode: ScoreMode) -> Double {
        let leafMass = Int(leafMasses[Int(position.reference & ~CutTree.leafFlag)])
        return table.seen(depth: position.depth, leafMass: leafMass, mass: mass, mode: mode)
    }
}
