/// The tree in memory: inner nodes, leaves and boxes, and how points come and go.
///
/// One random cut tree in flat memory: inner nodes with a cut, leaves with a point and its multiplicity, boxes of the larger subtrees.
///
/// A child is a 16-bit reference: a node's index, or a leaf's with ``leafFlag`` set. Nodes and leaves keep their index for life.
package struct CutTree: ~Copyable {
    struct Node {
        /// A point goes left when its coordinate is at most this.
        var value: Float
        /// Left in the lower half, right in the upper: one load and a shift find the next node of a walk.
        private(set) var children: UInt32
        let dimension: UInt16
        var parent: UInt16

        init(
            value: Float = 0, left: UInt16 = 0, right: UInt16 = 0, dimension: UInt16 = 0, parent: UInt16 = CutTree.none
        ) {
            self.value = value
            children = UInt32(left) | UInt32(right) << 16
            self.dimension = dimension
            self.parent = parent
        }

        var left: UInt16 {
            get { UInt16(truncatingIfNeeded: children) }
            set { children = children & 0xFFFF_0000 | UInt32(newValue) }
        }

        var right: UInt16 {
            get { UInt16(truncatingIfNeeded: children >> 16) }
            set { children = children & 0xFFFF | UInt32(newValue) << 16 }
        }

        /// The child beside another.
        @inline(__always)
        func sibling(of child: UInt16) -> UInt16 { left ^ right ^ child }

        @inline(__always)
        func child(isRight: Bool) -> UInt16 { UInt16(truncatingIfNeeded: children &>> (isRight ? 16 : 0)) }
    }

    static let leafFlag: UInt16 = 0x8000
    /// No node, no leaf: the parent of the root, the root of an empty tree.
    static let none: UInt16 = 0xFFFF

    package let dimensions: Int
    /// The most distinct points the tree holds, at most 32767.
    package let capacity: Int
    /// Number of points, duplicates counted.
    package private(set) var mass = 0
    private(set) var root = Self.none

    let nodes: UnsafeMutablePointer<Node>
    let leafPoints: UnsafeMutablePointer<UInt32>
    /// 0 for a leaf that is free.
    let leafMasses: UnsafeMutablePointer<UInt16>
    let leafParents: UnsafeMutablePointer<UInt16>
    var boxes: BoxCache
    private let memory: UnsafeMutableRawPointer

    // Freed nodes and leaves are chained, through `left` and through the point, ahead of those never used.
    private(set) var usedNodes = 0
    private(set) var usedLeaves = 0
    private var freeNode = Self.none
    private var freeLeaf = UInt32.max

    package init(dimensions: Int, capacity: Int) {
        precondition(dimensions > 0 && dimensions < 0xFFFF && capacity > 0 && capacity <= 32_767)
        self.dimensions = dimensions
        self.capacity = capacity
        memory = .allocate(byteCount: capacity * Self.bytesPerPoint, alignment: 16)
        nodes = memory.bindMemory(to: Node.self, capacity: capacity)
        leafPoints = (memory + capacity * 12).bindMemory(to: UInt32.self, capacity: capacity)
        leafMasses = (memory + capacity * 16).bindMemory(to: UInt16.self, capacity: capacity)
        leafParents = (memory + capacity * 18).bindMemory(to: UInt16.self, capacity: capacity)
        // A walk in step with others reads nodes that are not in use, and makes nothing of them.
        nodes.initialize(repeating: Node(), count: capacity)
        leafPoints.initialize(repeating: 0, count: capacity)
        leafMasses.initialize(repeating: 0, count: capacity)
        leafParents.initialize(repeating: Self.none, count: capacity)
        boxes = BoxCache(dimensions: dimensions, nodes: capacity)
    }

    deinit { memory.deallocate() }

    private static let bytesPerPoint = MemoryLayout<Node>.stride + 8

    /// The memory that a tree occupies, in bytes.
    static func bytes(dimensions: Int, capacity: Int) -> Int {
        capacity * bytesPerPoint + BoxCache.bytes(dimensions: dimensions, nodes: capacity)
    }

    /// An independent copy.
    func copy() -> CutTree {
        var other = CutTree(dimensions: dimensions, capacity: capacity)
        other.memory.copyMemory(from: memory, byteCount: capacity * Self.bytesPerPoint)
        other.boxes = boxes.copy()
        other.mass = mass
        other.root = root
        other.usedNodes = usedNodes
        other.usedLeaves = usedLeaves
        other.freeNode = freeNode
        other.freeLeaf = freeLeaf
        return other
    }

    // MARK: Insertion

    /// Inserts a stored point by random cuts and returns the leaf that stands for it: a new one, or that of an equal point. Only while the
    /// tree holds fewer points than its capacity.
    ///
    /// From the leaf that the point reaches upwards, each box joined with the point is cut at random; the highest cut that separates the
    /// point takes effect. The draw is made in one step: with probability growth / (sides + growth) it separates, and then it is uniform
    /// over the growth. A box that holds the point cannot be cut so, and neither can those above it.
    package mutating func insert(
        _ slot: UInt32, in store: borrowing PointStore, random: inout RandomSource, scratch: UnsafeMutablePointer<Float>
    ) -> UInt16 {
        guard root != Self.none else {
            root = makeLeaf(slot)
            mass = 1
            return root & ~Self.leafFlag
        }
        let point = store.point(slot)
        var climb = Climb(
            from: leaf(towards: point), in: TreeView(self, store, dimensions: dimensions), scratch: scratch)
        let distance = Double(Box.distance(climb.lower, point, dimensions))
        guard distance > 0 else {
            let leaf = climb.reference & ~Self.leafFlag
            leafMasses[Int(leaf)] += 1
            mass += 1
            return leaf
        }
        var below = climb.reference
        var cut = Box.separatingCut(
            lower: climb.lower, upper: climb.upper, point: point, dimensions: dimensions, draw: random.unit() * distance)
        while climb.rise() {
            let (growth, sides) = Box.measure(lower: climb.lower, upper: climb.upper, point, dimensions)
            if growth == 0 { break }
            let draw = random.unit() * (Double(sides) + Double(growth))
            guard draw < Double(growth) else { continue }
            below = climb.reference
            cut = Box.separatingCut(lower: climb.lower, upper: climb.upper, point: point, dimensions: dimensions, draw: draw)
        }
        return attach(slot, point, cut: cut, above: below, store: store)
    }

    /// Inserts a stored point with a given cut above the subtree that it reaches after `depth` steps; with no cut it follows the tree to
    /// an equal leaf. For trees whose shape a test prescribes. Returns the leaf.
    package mutating func insert(_ slot: UInt32, in store: borrowing PointStore, cut: (depth: Int, dimension: Int, value: Float)?)
        -> UInt16
    {
        let point = store.point(slot)
        var reference = root
        var depth = 0
        while reference < Self.leafFlag, cut.map({ depth < $0.depth }) ?? true {
            depth += 1
            reference = child(of: reference, towards: point)
        }
        if let cut { return attach(slot, point, cut: (cut.dimension, cut.value), above: reference, store: store) }
        mass += 1
        if reference == Self.none {
            root = makeLeaf(slot)
            return root & ~Self.leafFlag
        }
        leafMasses[Int(reference & ~Self.leafFlag)] += 1
        return reference & ~Self.leafFlag
    }

    /// Puts a new node with `cut` above a subtree, with a leaf for the point as its other child.
    private mutating func attach(
        _ slot: UInt32, _ point: UnsafePointer<Float>, cut: (dimension: Int, value: Float), above below: UInt16,
        store: borrowing PointStore
    ) -> UInt16 {
        let parent = self.parent(of: below)
        let leaf = makeLeaf(slot)
        let goesLeft = point[cut.dimension] <= cut.value
        let node = makeNode(
            Node(
                value: cut.value, left: goesLeft ? leaf : below, right: goesLeft ? below : leaf,
                dimension: UInt16(truncatingIfNeeded: cut.dimension), parent: parent))
        setParent(of: below, node)
        setParent(of: leaf, node)
        if parent == Self.none {
            root = node
        } else {
            replaceChild(of: parent, below, by: node)
        }
        mass += 1
        boxes.begin(node, leaves: leaves(below) + 1)
        settleBox(node, store: store)
        var above = parent
        var grows = true
        while above != Self.none {
            boxes.addLeaf(above)
            if let box = boxes.stored(above) {
                // Boxes above one that held the point hold it too.
                grows = grows && Box.join(box, lower: point, upper: point, dimensions)
            } else {
                settleBox(above, store: store)
            }
            if boxes.isComplete, !grows { break }
            above = nodes[Int(above)].parent
        }
        return leaf & ~Self.leafFlag
    }

    // MARK: Deletion

    /// Takes one occurrence of a leaf's point out. The leaf is one that ``insert(_:in:random:scratch:)`` returned.
    package mutating func delete(leaf: UInt16, in store: borrowing PointStore, scratch: UnsafeMutablePointer<Float>) {
        let index = Int(leaf)
        precondition(index < usedLeaves && leafMasses[index] > 0, "the tree does not hold the point")
        mass -= 1
        leafMasses[index] -= 1
        guard leafMasses[index] == 0 else { return }
        let point = store.point(leafPoints[index])
        let parent = leafParents[index]
        leafPoints[index] = freeLeaf
        freeLeaf = UInt32(leaf)
        guard parent != Self.none else {
            root = Self.none
            return
        }
        let sibling = self.sibling(of: leaf | Self.leafFlag, under: parent)
        let grandparent = nodes[Int(parent)].parent
        boxes.end(parent)
        nodes[Int(parent)].left = freeNode
        freeNode = parent
        setParent(of: sibling, grandparent)
        guard grandparent != Self.none else {
            root = sibling
            return
        }
        replaceChild(of: grandparent, parent, by: sibling)
        var above = grandparent
        var shrinks = true
        while above != Self.none {
            boxes.removeLeaf(above)
            // Boxes above are unchanged once the point touched no side of one, or one came out as it was.
            if shrinks, let box = boxes.stored(above) {
                shrinks = !Box.holdsStrictly(box, point, dimensions) && refresh(box, above, store: store, scratch: scratch)
            }
            if boxes.isComplete, !shrinks { break }
            above = nodes[Int(above)].parent
        }
    }

    // MARK: Parts

    /// The root's cut; nil for a tree of one distinct point or none.
    package var rootCut: (dimension: Int, value: Double)? {
        root < Self.leafFlag ? (Int(nodes[Int(root)].dimension), Double(nodes[Int(root)].value)) : nil
    }

    /// Calls `body` with the slot of each point that the tree holds.
    package func forEachPoint(_ body: (UInt32) -> Void) {
        for leaf in 0..<usedLeaves where leafMasses[leaf] > 0 { body(leafPoints[leaf]) }
    }

    @inline(__always)
    func child(of node: UInt16, towards point: UnsafePointer<Float>) -> UInt16 {
        let node = nodes[Int(node)]
        return node.child(isRight: point[Int(node.dimension)] > node.value)
    }

    /// The leaf that a point's coordinates lead to.
    @inline(__always)
    func leaf(towards point: UnsafePointer<Float>) -> UInt16 {
        var reference = root
        while reference < Self.leafFlag { reference = child(of: reference, towards: point) }
        return reference
    }

    @inline(__always)
    func parent(of reference: UInt16) -> UInt16 {
        reference < Self.leafFlag ? nodes[Int(reference)].parent : leafParents[Int(reference & ~Self.leafFlag)]
    }

    @inline(__always)
    func sibling(of reference: UInt16, under parent: UInt16) -> UInt16 {
        nodes[Int(parent)].sibling(of: reference)
    }

    /// Where a leaf's point is stored.
    func slot(of leaf: UInt16) -> UInt32 { leafPoints[Int(leaf)] }

    /// The point of a leaf.
    @inline(__always)
    func point(of leaf: UInt16, in store: borrowing PointStore) -> UnsafePointer<Float> {
        store.point(leafPoints[Int(leaf & ~Self.leafFlag)])
    }

    /// Joins all points below `top` to a box.
    func unite(_ top: UInt16, into box: UnsafeMutablePointer<Float>, store: borrowing PointStore) {
        TreeView(self, store, dimensions: dimensions).unite(top, into: box)
    }

    private func leaves(_ reference: UInt16) -> Int { reference < Self.leafFlag ? boxes.leaves(reference) : 1 }

    /// Gives a node its box where it should have one and there is room.
    private mutating func settleBox(_ node: UInt16, store: borrowing PointStore) {
        guard let box = boxes.place(for: node) else { return }
        Box.empty(box, dimensions)
        unite(nodes[Int(node)].left, into: box, store: store)
        unite(nodes[Int(node)].right, into: box, store: store)
    }

    /// Recomputes a node's box from what is below; false when it was right already.
    private func refresh(
        _ box: UnsafeMutablePointer<Float>, _ node: UInt16, store: borrowing PointStore, scratch: UnsafeMutablePointer<Float>
    ) -> Bool {
        Box.empty(scratch, dimensions)
        unite(nodes[Int(node)].left, into: scratch, store: store)
        unite(nodes[Int(node)].right, into: scratch, store: store)
        var changed = false
        for i in 0..<(2 * dimensions) {
            changed = changed || scratch[i] != box[i]
            box[i] = scratch[i]
        }
        return changed
    }

    private func setParent(of reference: UInt16, _ parent: UInt16) {
        if reference < Self.leafFlag {
            nodes[Int(reference)].parent = parent
        } else {
            leafParents[Int(reference & ~Self.leafFlag)] = parent
        }
    }

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
        leafParents[leaf] = Self.none
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

    // MARK: Rebuilding from a snapshot

    /// A tree's shape in preorder.
    enum Step {
        case node(dimension: Int, value: Float)
        case leaf(slot: UInt32, mass: Int)
    }

    /// Builds an empty tree from saved steps, its leaves numbered in their order; nil or the reason why they are no tree over these points.
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
                    Node(value: value, left: Self.none, right: Self.none, dimension: UInt16(truncatingIfNeeded: dimension)))
            case .leaf(let slot, let leafMass):
                guard usedLeaves < capacity, leafMass > 0, leafMass <= capacity - mass else { return "a tree has too many points" }
                reference = makeLeaf(slot)
                leafMasses[Int(reference & ~Self.leafFlag)] = UInt16(leafMass)
                mass += leafMass
            }
            if let parent = open.last {
                replaceChild(of: parent, Self.none, by: reference)
                setParent(of: reference, parent)
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
        for index in (0..<usedNodes).reversed() {
            let node = nodes[index]
            boxes.begin(UInt16(index), leaves: leaves(node.left) + leaves(node.right))
            settleBox(UInt16(index), store: store)
        }
        return misplacedLeaf(store: store) ? "a tree's cuts do not lead to its points" : nil
    }

    /// Whether some leaf's point is led elsewhere by the cuts.
    private func misplacedLeaf(store: borrowing PointStore) -> Bool {
        for leaf in 0..<usedLeaves where self.leaf(towards: store.point(leafPoints[leaf])) != UInt16(leaf) | Self.leafFlag {
            return true
        }
        return false
    }
}
