/// The way from a leaf to the root with the box of each subtree on it.
///
/// A kept box is used where it lies; one that is not kept is made from the box before by joining what hangs beside the way.
struct Climb {
    /// The subtree where the climb stands.
    private(set) var reference: UInt16
    /// Its box.
    private(set) var lower: Box.Corner
    private(set) var upper: Box.Corner
    /// The node above, ``CutTree/none`` at the root.
    private var parent: UInt16
    private let tree: TreeView
    /// Room for one box.
    private let scratch: UnsafeMutablePointer<Float>

    /// Begins at a leaf.
    @inline(__always)
    init(from leaf: UInt16, in tree: TreeView, scratch: UnsafeMutablePointer<Float>) {
        reference = leaf
        self.tree = tree
        self.scratch = scratch
        parent = tree.leafParents[Int(leaf & ~CutTree.leafFlag)]
        lower = tree.point(of: leaf)
        upper = lower
    }

    /// One node up; false at the root.
    @inline(__always)
    mutating func rise() -> Bool {
        guard parent != CutTree.none else { return false }
        let node = tree.nodes[Int(parent)]
        if let box = tree.box(of: parent) {
            lower = box
        } else {
            let sibling = node.sibling(of: reference)
            if sibling >= CutTree.leafFlag {
                let point = tree.point(of: sibling)
                Box.unite((lower, upper), (point, point), into: scratch, tree.dimensions)
            } else {
                Box.unite((lower, upper), (lower, upper), into: scratch, tree.dimensions)
                tree.unite(sibling, into: scratch)
            }
            lower = Box.Corner(scratch)
        }
        upper = lower + tree.dimensions
        reference = parent
        parent = node.parent
        return true
    }
}
