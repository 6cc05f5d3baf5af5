/// Where a tree's parts lie.
import CInstructions

/// Where a tree's parts lie: what every step of a walk needs, in a value that the compiler can keep in registers.
struct TreeView {
    /// Of the tree. Where a walk is compiled for one number of dimensions it is put here, and the loops over them go.
    let dimensions: Int
    let nodes: UnsafeMutablePointer<CutTree.Node>
    let leafPoints: UnsafeMutablePointer<UInt32>
    let leafParents: UnsafeMutablePointer<UInt16>
    let leafMasses: UnsafeMutablePointer<UInt16>
    /// Number of points, duplicates counted.
    let mass: Int
    private let corners: UnsafeMutablePointer<Float>
    private let places: UnsafeMutablePointer<UInt16>
    /// Of all points, of all trees.
    private let coordinates: UnsafeMutablePointer<Float>

    /// Holds while neither the tree nor the store is changed or freed.
    @inline(__always)
    init(_ tree: borrowing CutTree, _ store: borrowing PointStore, dimensions: Int) {
        self.init(tree, coordinates: store.coordinates, dimensions: dimensions)
    }

    /// The same with the store's coordinates.
    @inline(__always)
    init(_ tree: borrowing CutTree, coordinates: UnsafeMutablePointer<Float>, dimensions: Int) {
        self.dimensions = dimensions
        nodes = tree.nodes
        leafPoints = tree.leafPoints
        leafParents = tree.leafParents
        leafMasses = tree.leafMasses
        mass = tree.mass
        corners = tree.boxes.corners
        places = tree.boxes.places
        self.coordinates = coordinates
    }

    /// The point of a leaf.
    @inline(__always)
    func point(of leaf: UInt16) -> Box.Corner {
        Box.Corner(coordinates + Int(leafPoints[Int(leaf & ~CutTree.leafFlag)]) &* dimensions)
    }

    /// The box that is kept for a node, nil where none is.
    @inline(__always)
    func box(of node: UInt16) -> Box.Corner? {
        if dimensions == 1 { return Box.Corner(corners + 2 * Int(node)) }
        let place = places[Int(node)]
        return place == BoxCache.none ? nil : Box.Corner(corners + Int(place) &* 2 &* dimensions)
    }

    /// Begins to fetch what a score reads first on its way up from a leaf.
    @inline(__always)
    func prefetch(around leaf: UInt16) {
        let point = UnsafeRawPointer(point(of: leaf))
        prefetch_line(point)
        let parent = leafParents[Int(leaf & ~CutTree.leafFlag)]
        guard parent != CutTree.none else { return }
        if dimensions == 1 {
            prefetch_line(box(of: parent))
            return
        }
        if dimensions > 4 { prefetch_line(point + 4 &* (dimensions &- 1)) }
        // Beside a leaf hangs a leaf more often than not.
        let sibling = nodes[Int(parent)].sibling(of: leaf)
        guard sibling >= CutTree.leafFlag else { return }
        let other = UnsafeRawPointer(self.point(of: sibling))
        prefetch_line(other)
        if dimensions > 4 { prefetch_line(other + 4 &* (dimensions &- 1)) }
    }

    @inline(__always)
    func parent(of reference: UInt16) -> UInt16 {
        reference < CutTree.leafFlag ? nodes[Int(reference)].parent : leafParents[Int(reference & ~CutTree.leafFlag)]
    }

    /// Joins all points below `top` to a box.
    func unite(_ top: UInt16, into box: UnsafeMutablePointer<Float>) {
        var reference = top
        while true {
            var kept = reference < CutTree.leafFlag ? self.box(of: reference) : nil
            while reference < CutTree.leafFlag, kept == nil {
                reference = nodes[Int(reference)].left
                kept = reference < CutTree.leafFlag ? self.box(of: reference) : nil
            }
            if let kept {
                Box.join(box, lower: kept, upper: kept + dimensions, dimensions)
            } else {
                let point = point(of: reference)
                Box.join(box, lower: point, upper: point, dimensions)
            }
            // On to the right of the nearest node above of which this was the left.
            while true {
                if reference == top { return }
                let node = nodes[Int(parent(of: reference))]
                if node.left == reference {
                    reference = node.right
                    break
                }
                reference = parent(of: reference)
            }
        }
    }
}
