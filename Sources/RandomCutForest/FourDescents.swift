/// Walks down four trees in step, so that their memory accesses overlap.
struct FourDescents {
    private(set) var a: Descent
    private(set) var b: Descent
    private(set) var c: Descent
    private(set) var d: Descent

    /// Begins at the roots of four trees, none of them empty.
    @inline(__always)
    init(_ units: UnsafeMutablePointer<ForestStorage.Unit>) {
        a = Descent(units[0].tree)
        b = Descent(units[1].tree)
        c = Descent(units[2].tree)
        d = Descent(units[3].tree)
    }

    /// Whether some walk has not reached its leaf.
    @inline(__always)
    var isInside: Bool { a.reference & b.reference & c.reference & d.reference < CutTree.leafFlag }

    @inline(__always)
    mutating func step(towards point: UnsafePointer<Float>) {
        a.step(towards: point)
        b.step(towards: point)
        c.step(towards: point)
        d.step(towards: point)
    }

    /// The same in trees of one dimension.
    @inline(__always)
    mutating func step(towards value: Float) {
        a.step(towards: value)
        b.step(towards: value)
        c.step(towards: value)
        d.step(towards: value)
    }
}
