/// The boxes that a tree keeps: those of its larger subtrees. The others are made of their points where they are wanted.
///
/// A node with few leaves below is rarely far from them, and such nodes are most of a tree: keeping the boxes of the others only takes a
/// third of the memory and reads less of it. With one dimension every node has its box, at the node's own place. Which boxes are kept changes
/// no score.
struct BoxCache: ~Copyable {
    static let none: UInt16 = 0xFFFF
    /// From so many leaves on a node has a box.
    private static let leastLeaves = 6

    private let dimensions: Int
    private let nodes: Int
    /// Whether every node has its box.
    let isComplete: Bool
    let corners: UnsafeMutablePointer<Float>
    private let memory: UnsafeMutableRawPointer
    /// Per node: the leaves below it. Only where not every node has its box.
    private let leafCounts: UnsafeMutablePointer<UInt16>
    /// Per node: the place of its box, ``none`` without. Likewise.
    let places: UnsafeMutablePointer<UInt16>
    /// Places never used begin here; freed ones are chained through their first bytes.
    private var usedPlaces = 0
    private var freePlace = Self.none

    init(dimensions: Int, nodes: Int) {
        self.dimensions = dimensions
        self.nodes = nodes
        isComplete = dimensions == 1
        memory = .allocate(byteCount: Self.bytes(dimensions: dimensions, nodes: nodes), alignment: 16)
        let cornerCount = Self.capacity(dimensions: dimensions, nodes: nodes) * 2 * dimensions
        corners = memory.bindMemory(to: Float.self, capacity: cornerCount)
        corners.initialize(repeating: 0, count: cornerCount)
        let perNode = isComplete ? 0 : nodes
        leafCounts = (memory + cornerCount * 4).bindMemory(to: UInt16.self, capacity: perNode)
        leafCounts.initialize(repeating: 0, count: perNode)
        places = (memory + cornerCount * 4 + perNode * 2).bindMemory(to: UInt16.self, capacity: perNode)
        places.initialize(repeating: Self.none, count: perNode)
    }

    deinit { memory.deallocate() }

    /// The most boxes kept. In a tree cut evenly a node in three has six leaves or more.
    private static func capacity(dimensions: Int, nodes: Int) -> Int { dimensions == 1 ? nodes : nodes * 3 / 8 + 1 }

    static func bytes(dimensions: Int, nodes: Int) -> Int {
        capacity(dimensions: dimensions, nodes: nodes) * 8 * dimensions + (dimensions == 1 ? 0 : 4 * nodes)
    }

    /// An independent copy.
    func copy() -> BoxCache {
        var other = BoxCache(dimensions: dimensions, nodes: nodes)
        other.memory.copyMemory(from: memory, byteCount: Self.bytes(dimensions: dimensions, nodes: nodes))
        other.usedPlaces = usedPlaces
        other.freePlace = freePlace
        return other
    }

    /// The box of a node, nil where it has none.
    @inline(__always)
    func stored(_ node: UInt16) -> UnsafeMutablePointer<Float>? {
        if isComplete { return corners + 2 * Int(node) }
        let place = places[Int(node)]
        return place == Self.none ? nil : corners + Int(place) * 2 * dimensions
    }

    func leaves(_ node: UInt16) -> Int { isComplete ? 0 : Int(leafCounts[Int(node)]) }

    /// A new node, without a box as yet.
    mutating func begin(_ node: UInt16, leaves: Int) {
        guard !isComplete else { return }
        leafCounts[Int(node)] = UInt16(leaves)
        places[Int(node)] = Self.none
    }

    /// A node goes.
    mutating func end(_ node: UInt16) {
        guard !isComplete else { return }
        free(node)
    }

    @inline(__always)
    mutating func addLeaf(_ node: UInt16) {
        guard !isComplete else { return }
        leafCounts[Int(node)] += 1
    }

    /// One leaf less below; where few are left the box goes.
    @inline(__always)
    mutating func removeLeaf(_ node: UInt16) {
        guard !isComplete else { return }
        leafCounts[Int(node)] -= 1
        if leafCounts[Int(node)] < Self.leastLeaves { free(node) }
    }

    /// Memory for the box of a node that has none and should, now its own, to be filled; nil when it should not, or there is no room.
    mutating func place(for node: UInt16) -> UnsafeMutablePointer<Float>? {
        if isComplete { return corners + 2 * Int(node) }
        guard leafCounts[Int(node)] >= Self.leastLeaves else { return nil }
        let place: UInt16
        if freePlace != Self.none {
            place = freePlace
            freePlace = UInt16(truncatingIfNeeded: corner(place).pointee.bitPattern)
        } else {
            guard usedPlaces < Self.capacity(dimensions: dimensions, nodes: nodes) else { return nil }
            place = UInt16(usedPlaces)
            usedPlaces += 1
        }
        places[Int(node)] = place
        return corner(place)
    }

    private mutating func free(_ node: UInt16) {
        let place = places[Int(node)]
        guard place != Self.none else { return }
        corner(place).pointee = Float(bitPattern: UInt32(freePlace))
        freePlace = place
        places[Int(node)] = Self.none
    }

    private func corner(_ place: UInt16) -> UnsafeMutablePointer<Float> { corners + Int(place) * 2 * dimensions }
}
