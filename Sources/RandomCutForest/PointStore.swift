/// The points that the trees hold, each stored once with a count of the samples it is in.
package struct PointStore: ~Copyable {
    package let dimensions: Int
    /// Coordinates, `dimensions` per slot.
    package private(set) var coordinates: UnsafeMutablePointer<Double>
    /// Per slot: in how many samples the point is, or, where a slot is free, the next free slot.
    private var references: UnsafeMutablePointer<UInt32>
    private var capacity: Int
    /// Slots ever used; beyond them memory is uninitialized.
    private(set) var used = 0
    private var firstFree = Self.none
    private static let none = UInt32.max

    package init(dimensions: Int, capacity: Int = 64) {
        self.dimensions = dimensions
        self.capacity = max(capacity, 1)
        coordinates = .allocate(capacity: self.capacity * dimensions)
        references = .allocate(capacity: self.capacity)
    }

    deinit {
        coordinates.deallocate()
        references.deallocate()
    }

    /// An independent copy.
    func copy() -> PointStore {
        var other = PointStore(dimensions: dimensions, capacity: capacity)
        other.coordinates.update(from: coordinates, count: used * dimensions)
        other.references.update(from: references, count: used)
        other.used = used
        other.firstFree = firstFree
        return other
    }

    @inline(__always)
    package func point(_ slot: UInt32) -> UnsafePointer<Double> {
        UnsafePointer(coordinates + Int(slot) * dimensions)
    }

    /// Stores a point that no sample holds yet.
    package mutating func add(_ point: UnsafePointer<Double>) -> UInt32 {
        let slot: UInt32
        if firstFree != Self.none {
            slot = firstFree
            firstFree = references[Int(slot)]
        } else {
            if used == capacity { grow() }
            slot = UInt32(used)
            used += 1
        }
        (coordinates + Int(slot) * dimensions).update(from: point, count: dimensions)
        references[Int(slot)] = 0
        return slot
    }

    package mutating func retain(_ slot: UInt32) {
        references[Int(slot)] += 1
    }

    /// Takes the point out of one sample and frees its slot when it was the last.
    package mutating func release(_ slot: UInt32) {
        references[Int(slot)] -= 1
        freeIfUnused(slot)
    }

    /// Frees a slot that was added but that no sample took.
    package mutating func freeIfUnused(_ slot: UInt32) {
        guard references[Int(slot)] == 0 else { return }
        references[Int(slot)] = firstFree
        firstFree = slot
    }

    /// How many samples the point is in. Only for a slot in use.
    func referenceCount(_ slot: UInt32) -> UInt32 { references[Int(slot)] }

    private mutating func grow() {
        let larger = capacity * 2
        let newCoordinates = UnsafeMutablePointer<Double>.allocate(capacity: larger * dimensions)
        newCoordinates.update(from: coordinates, count: used * dimensions)
        coordinates.deallocate()
        coordinates = newCoordinates
        let newReferences = UnsafeMutablePointer<UInt32>.allocate(capacity: larger)
        newReferences.update(from: references, count: used)
        references.deallocate()
        references = newReferences
        capacity = larger
    }
}
