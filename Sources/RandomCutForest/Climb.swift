/// The way from a leaf to the root with the box of each subtree on it.
///
/// A kept box is used where it lies; one that is not kept is made from the box before by joining what hangs beside the way.
struct Climb {
    /// The subtree where the climb stands.
    private(set) var reference: UInt16
    /// Its box.
    private(set) var lower: UnsafePointer<Float>
    private(set) var upper: UnsafePointer<Float>
    /// Room for one box.
    private let scratch: UnsafeMutablePointer<Float>

    /// Begins at a leaf.
    @inline(__always)
    init(from leaf: UInt16, in tree: borrowing CutTree, store: borrowing PointStore, scratch: UnsafeMutablePointer<Float>) {
        reference = leaf
        let point = tree.point(of: leaf, in: store)
        lower = point
        upper = point
        self.scratch = scratch
    }

    /// One node up; false at the root.
    @inline(__always)
    mutating func rise(in tree: borrowing CutTree, store: borrowing PointStore) -> Bool {
        let parent = tree.parent(of: reference)
        guard parent != CutTree.none else { return false }
        if let box = tree.boxes.stored(parent) {
            lower = UnsafePointer(box)
            upper = UnsafePointer(box + tree.dimensions)
        } else {
            let sibling = tree.sibling(of: reference, under: parent)
            let here = (lower: lower, upper: upper)
            if sibling >= CutTree.leafFlag {
                let point = tree.point(of: sibling, in: store)
                Box.unite(here, (point, point), into: scratch, tree.dimensions)
            } else {
                Box.unite(here, here, into: scratch, tree.dimensions)
                tree.unite(sibling, into: scratch, store: store)
            }
            lower = UnsafePointer(scratch)
            upper = UnsafePointer(scratch + tree.dimensions)
        }
        reference = parent
        return true
    }
}
