/// One random cut tree in flat memory: inner nodes with cut and bounding box, leaves with a point and its multiplicity.
///
/// A child is a 16-bit reference: a node's index, or a leaf's with ``leafFlag`` set. Masses of inner nodes are not kept, for neither
/// score nor attribution reads them.
package struct CutTree: ~Copyable {
    struct Node {
        /// A point goes left when its coordinate is at most this.
        var value: Double
        var dimension: UInt16
        var left: UInt16
        var right: UInt16
    }

    static let leafFlag: UInt16 = 0x8000
    static let none: UInt16 = 0xFFFF

    package let dimensions: Int
    /// The most distinct points the tree holds, at most 32767.
    package let capacity: Int
    /// Number of points, duplicates counted.
    package private(set) var mass = 0
    private(set) var root = Self.none

    let nodes: UnsafeMutablePointer<Node>
    /// Per node: lower corner, upper corner, sum of the sides.
    let boxes: UnsafeMutablePointer<Double>
    let boxStride: Int
    let leafPoints: UnsafeMutablePointer<UInt32>
    let leafMasses: UnsafeMutablePointer<UInt16>

    // Freed nodes and leaves are chained, through `left` and through the point, ahead of those never used.
    private var usedNodes = 0
    private var usedLeaves = 0
    private var freeNode = Self.none
    private var freeLeaf = UInt32.max

    package init(dimensions: Int, capacity: Int) {
        precondition(dimensions > 0 && dimensions < 0xFFFF && capacity > 0 && capacity <= 32_767)
        self.dimensions = dimensions
        self.capacity = capacity
        boxStride = 2 * dimensions + 1
        nodes = .allocate(capacity: capacity)
        // A walk in step with others may read node 0 before it is made.
        nodes.initialize(to: Node(value: 0, dimension: 0, left: Self.none, right: Self.none))
        boxes = .allocate(capacity: capacity * boxStride)
        leafPoints = .allocate(capacity: capacity)
        leafMasses = .allocate(capacity: capacity)
    }

    deinit {
        nodes.deallocate()
        boxes.deallocate()
        leafPoints.deallocate()
        leafMasses.deallocate()
    }

    /// An independent copy.
    func copy() -> CutTree {
        var other = CutTree(dimensions: dimensions, capacity: capacity)
        other.nodes.update(from: nodes, count: usedNodes)
        other.boxes.update(from: boxes, count: usedNodes * boxStride)
        other.leafPoints.update(from: leafPoints, count: usedLeaves)
        other.leafMasses.update(from: leafMasses, count: usedLeaves)
        other.mass = mass
        other.root = root
        other.usedNodes = usedNodes
        other.usedLeaves = usedLeaves
        other.freeNode = freeNode
        other.freeLeaf = freeLeaf
        return other
    }

    // MARK: Insertion

    /// Inserts a stored point by random cuts and returns the slot that now stands for it: its own, or that of an equal point already there.
    ///
    /// At each node the draw for the box joined with the point is made in one step: with probability growth / (sides + growth) it
    /// separates, and then it is uniform over the growth.
    package mutating func insert(_ slot: UInt32, in store: borrowing PointStore, random: inout RandomSource, path: Path) -> UInt32 {
        let point = store.point(slot)
        var reference = root
        var depth = 0
        while reference < Self.leafFlag {
            let box = self.box(reference)
            let growth = Box.growth(box, point, dimensions)
            if growth > 0 {
                let draw = random.unit() * (box[2 * dimensions] + growth)
                if draw < growth {
                    let cut = Box.separatingCut(
                        lower: box, upper: box + dimensions, point: point, dimensions: dimensions, draw: draw)
                    attach(slot, point, cut: cut, depth: depth, path: path, store: store)
                    return slot
                }
            }
            path[depth] = reference
            depth += 1
            reference = child(of: reference, towards: point)
        }
        guard reference != Self.none else {
            root = makeLeaf(slot)
            mass = 1
            return slot
        }
        let leaf = Int(reference & ~Self.leafFlag)
        let held = store.point(leafPoints[leaf])
        let growth = Box.distance(held, point, dimensions)
        guard growth > 0 else {
            leafMasses[leaf] += 1
            mass += 1
            return leafPoints[leaf]
        }
        let cut = Box.separatingCut(lower: held, upper: held, point: point, dimensions: dimensions, draw: random.unit() * growth)
        attach(slot, point, cut: cut, depth: depth, path: path, store: store)
        return slot
    }

    /// Inserts a stored point with a given cut above the subtree that it reaches after `depth` steps; with no cut it follows the tree to
    /// an equal leaf. For trees whose shape a test prescribes.
    package mutating func insert(
        _ slot: UInt32, in store: borrowing PointStore, cut: (depth: Int, dimension: Int, value: Double)?, path: Path
    ) {
        let point = store.point(slot)
        var reference = root
        var depth = 0
        while reference < Self.leafFlag, cut.map({ depth < $0.depth }) ?? true {
            path[depth] = reference
            depth += 1
            reference = child(of: reference, towards: point)
        }
        if let cut {
            attach(slot, point, cut: (cut.dimension, cut.value), depth: depth, path: path, store: store)
        } else if reference == Self.none {
            root = makeLeaf(slot)
            mass = 1
        } else {
            leafMasses[Int(reference & ~Self.leafFlag)] += 1
            mass += 1
        }
    }

    /// Puts a new node with `cut` above the subtree that hangs at `depth` on the path, with a leaf for the point as its other child.
    private mutating func attach(
        _ slot: UInt32, _ point: UnsafePointer<Double>, cut: (dimension: Int, value: Double), depth: Int, path: Path,
        store: borrowing PointStore
    ) {
        for step in 0..<depth { Box.expand(box(path[step]), by: point, dimensions) }
        let below = depth == 0 ? root : child(of: path[depth - 1], towards: point)
        let leaf = makeLeaf(slot)
        let goesLeft = point[cut.dimension] <= cut.value
        let node = makeNode(
            Node(
                value: cut.value, dimension: UInt16(truncatingIfNeeded: cut.dimension), left: goesLeft ? leaf : below,
                right: goesLeft ? below : leaf))
        refreshBox(node, store: store)
        if depth == 0 {
            root = node
        } else {
            replaceChild(of: path[depth - 1], below, by: node)
        }
        mass += 1
    }

    // MARK: Deletion

    /// Takes one occurrence of a stored point out. The slot is the one that ``insert(_:in:random:path:)`` returned.
    package mutating func delete(_ slot: UInt32, in store: borrowing PointStore, path: Path) {
        let point = store.point(slot)
        var reference = root
        var depth = 0
        while reference < Self.leafFlag {
            path[depth] = reference
            depth += 1
            reference = child(of: reference, towards: point)
        }
        precondition(
            reference != Self.none && leafPoints[Int(reference & ~Self.leafFlag)] == slot, "the tree does not hold the point")
        let leaf = Int(reference & ~Self.leafFlag)
        mass -= 1
        leafMasses[leaf] -= 1
        guard leafMasses[leaf] == 0 else { return }
        leafPoints[leaf] = freeLeaf
        freeLeaf = UInt32(leaf)
        guard depth > 0 else {
            root = Self.none
            return
        }
        let parent = path[depth - 1]
        let sibling = nodes[Int(parent)].left == reference ? nodes[Int(parent)].right : nodes[Int(parent)].left
        nodes[Int(parent)].left = freeNode
        freeNode = parent
        guard depth > 1 else {
            root = sibling
            return
        }
        replaceChild(of: path[depth - 2], parent, by: sibling)
        var step = depth - 2
        while step >= 0 {
            let node = path[step]
            // Boxes above are unchanged once the point touched no side of one, or one came out as it was.
            if Box.holdsStrictly(box(node), point, dimensions) || !refreshBox(node, store: store) { return }
            step -= 1
        }
    }

    // MARK: Parts

    /// The root's cut; nil for a tree of one distinct point or none.
    package var rootCut: (dimension: Int, value: Double)? {
        root < Self.leafFlag ? (Int(nodes[Int(root)].dimension), nodes[Int(root)].value) : nil
    }

    /// Room for the nodes from the root down to a leaf: at least as many as the tree's capacity.
    package typealias Path = UnsafeMutablePointer<UInt16>

    @inline(__always)
    func child(of node: UInt16, towards point: UnsafePointer<Double>) -> UInt16 {
        let node = nodes[Int(node)]
        return point[Int(node.dimension)] <= node.value ? node.left : node.right
    }

    @inline(__always)
    func box(_ node: UInt16) -> UnsafeMutablePointer<Double> { boxes + Int(node) * boxStride }

    private func replaceChild(of parent: UInt16, _ old: UInt16, by new: UInt16) {
        if nodes[Int(parent)].left == old {
            nodes[Int(parent)].left = new
        } else {
            nodes[Int(parent)].right = new
        }
    }

    private mutating func makeLeaf(_ slot: UInt32) -> UInt16 {
        let leaf: Int
        if freeLeaf != .max {
            leaf = Int(freeLeaf)
            freeLeaf = leafPoints[leaf]
        } else {
            precondition(usedLeaves < capacity)
            leaf = usedLeaves
            usedLeaves += 1
        }
        leafPoints[leaf] = slot
        leafMasses[leaf] = 1
        return UInt16(leaf) | Self.leafFlag
    }

    private mutating func makeNode(_ node: Node) -> UInt16 {
        let index: UInt16
        if freeNode != Self.none {
            index = freeNode
            freeNode = nodes[Int(index)].left
        } else {
            precondition(usedNodes < capacity)
            index = UInt16(usedNodes)
            usedNodes += 1
        }
        nodes[Int(index)] = node
        return index
    }

    /// Recomputes a node's box from its children's; false when it was right already.
    @discardableResult
    private func refreshBox(_ node: UInt16, store: borrowing PointStore) -> Bool {
        let left = corners(nodes[Int(node)].left, store: store)
        let right = corners(nodes[Int(node)].right, store: store)
        return Box.join(
            into: box(node), lower: left.lower, upper: left.upper, otherLower: right.lower, otherUpper: right.upper, dimensions)
    }

    /// The lower and upper corner of a subtree's box; a leaf's are its point.
    func corners(_ reference: UInt16, store: borrowing PointStore) -> (lower: UnsafePointer<Double>, upper: UnsafePointer<Double>) {
        if reference >= Self.leafFlag {
            let point = store.point(leafPoints[Int(reference & ~Self.leafFlag)])
            return (point, point)
        }
        let box = UnsafePointer(self.box(reference))
        return (box, box + dimensions)
    }

    // MARK: Rebuilding from a snapshot

    /// A tree's shape in preorder.
    enum Step {
        case node(dimension: Int, value: Double)
        case leaf(slot: UInt32, mass: Int)
    }

    /// Builds an empty tree from saved steps; nil or the reason why they are no tree over these points.
    mutating func rebuild(_ steps: [Step], store: borrowing PointStore) -> String? {
        precondition(root == Self.none && usedNodes == 0)
        var open: [UInt16] = []
        var finished = steps.isEmpty
        for step in steps {
            guard !finished else { return "a tree goes on after its last leaf" }
            let reference: UInt16
            switch step {
            case .node(let dimension, let value):
                guard usedNodes < capacity, dimension >= 0, dimension < dimensions, value.isFinite else {
                    return "a cut is impossible"
                }
                reference = makeNode(
                    Node(value: value, dimension: UInt16(truncatingIfNeeded: dimension), left: Self.none, right: Self.none))
            case .leaf(let slot, let leafMass):
                guard usedLeaves < capacity, leafMass > 0, leafMass <= capacity - mass else { return "a tree has too many points" }
                reference = makeLeaf(slot)
                leafMasses[Int(reference & ~Self.leafFlag)] = UInt16(leafMass)
                mass += leafMass
            }
            if let parent = open.last {
                replaceChild(of: parent, Self.none, by: reference)
            } else {
                root = reference
            }
            if reference < Self.leafFlag {
                open.append(reference)
            } else {
                while let last = open.last, nodes[Int(last)].right != Self.none { open.removeLast() }
                finished = open.isEmpty
            }
        }
        guard finished else { return "a tree ends before its last leaf" }
        // Nodes were made in preorder, so children come after their parents: backwards, every box finds its parts ready.
        for node in (0..<usedNodes).reversed() { refreshBox(UInt16(node), store: store) }
        return misplacedLeaf(store: store) ? "a tree's cuts do not lead to its points" : nil
    }

    /// Whether some leaf's point is led elsewhere by the cuts.
    private func misplacedLeaf(store: borrowing PointStore) -> Bool {
        for leaf in 0..<usedLeaves {
            var reference = root
            let point = store.point(leafPoints[leaf])
            while reference < Self.leafFlag { reference = child(of: reference, towards: point) }
            if reference != UInt16(leaf) | Self.leafFlag { return true }
        }
        return false
    }
}
