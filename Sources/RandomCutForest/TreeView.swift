/// Where a tree's parts lie: what every step of a walk needs, in a value that the compiler can keep in registers.
struct TreeView {
    /// Of the tree. Where a walk is compiled for one number of dimensions it is put here, and the loops over them go.
    let dimensions: Int
    let nodes: UnsafeMutablePointer<CutTree.Node>
    let leafPoints: UnsafeMutablePointer<UInt32>
    let leafParents: UnsafeMutablePointer<UInt16>
    private let corners: UnsafeMutablePointer<Float>
    private let places: UnsafeMutablePointer<UInt16>
    /// Of all points, of all trees.
    private let coordinates: UnsafeMutablePointer<Float>

    /// Holds while neither the tree nor the store is changed or freed.
    @inline(__always)
    init(_ tree: borrowing CutTree, _ store: borrowing PointStore, dimensions: Int) {
        self.dimensions = dimensions
        nodes = tree.nodes
        leafPoints = tree.leafPoints
        leafParents = tree.leafParents
        corners = tree.boxes.corners
        places = tree.boxes.places
        coordinates = store.coordinates
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

    @inline(__always)
    private func parent(of reference: UInt16) -> UInt16 {
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
