/// The points that the trees hold, each stored once however many trees hold it.
///
/// Nobody counts who holds a point: when there is no free slot left, the owner marks those that some tree still holds, and the others are
/// free again. That happens once in some thousands of points.
package struct PointStore: ~Copyable {
    package let dimensions: Int
    /// Coordinates, `dimensions` per slot.
    package private(set) var coordinates: UnsafeMutablePointer<Float>
    package private(set) var capacity: Int
    /// A bit per slot: set when the slot was in use at the last marking or was taken since.
    private var marks: UnsafeMutablePointer<UInt64>
    /// No slot below is free.
    private var cursor = 0
    private var taken = 0

    package init(dimensions: Int, capacity: Int = 64) {
        self.dimensions = dimensions
        self.capacity = max(capacity, 1)
        coordinates = .allocate(capacity: self.capacity * dimensions)
        // Copies take the store over whole, whichever slots are in use.
        coordinates.initialize(repeating: 0, count: self.capacity * dimensions)
        marks = .allocate(capacity: Self.words(self.capacity))
        marks.initialize(repeating: 0, count: Self.words(self.capacity))
    }

    deinit {
        coordinates.deallocate()
        marks.deallocate()
    }

    private static func words(_ capacity: Int) -> Int { (capacity + 63) / 64 }

    /// An independent copy.
    func copy() -> PointStore {
        var other = PointStore(dimensions: dimensions, capacity: capacity)
        other.coordinates.update(from: coordinates, count: capacity * dimensions)
        other.marks.update(from: marks, count: Self.words(capacity))
        other.cursor = cursor
        other.taken = taken
        return other
    }

    @inline(__always)
    package func point(_ slot: UInt32) -> UnsafePointer<Float> {
        UnsafePointer(coordinates + Int(slot) &* dimensions)
    }

    /// Whether the next point finds no slot: mark then, with ``clearMarks()``, ``mark(_:)`` and ``makeRoom()``.
    package var isFull: Bool { taken == capacity }

    /// Number of slots marked or taken.
    var count: Int { taken }

    /// Stores a point. Only while the store is not full.
    package mutating func add(_ point: UnsafePointer<Float>) -> UInt32 {
        precondition(taken < capacity)
        while isMarked(cursor) { cursor += 1 }
        let slot = UInt32(cursor)
        mark(slot)
        (coordinates + cursor * dimensions).update(from: point, count: dimensions)
        cursor += 1
        return slot
    }

    /// Begins to tell anew which slots are in use.
    mutating func clearMarks() {
        marks.update(repeating: 0, count: Self.words(capacity))
        taken = 0
        cursor = 0
    }

    /// Notes that a slot is in use.
    mutating func mark(_ slot: UInt32) {
        guard !isMarked(Int(slot)) else { return }
        marks[Int(slot) / 64] |= 1 << UInt64(slot % 64)
        taken += 1
    }

    private func isMarked(_ slot: Int) -> Bool { marks[slot / 64] & (1 << UInt64(slot % 64)) != 0 }

    /// Grows where less than an eighth of the slots came free, so that the next marking is far off.
    package mutating func makeRoom() {
        guard taken >= capacity - capacity / 8 else { return }
        let larger = capacity + capacity / 8 + 32
        let newCoordinates = UnsafeMutablePointer<Float>.allocate(capacity: larger * dimensions)
        newCoordinates.initialize(from: coordinates, count: capacity * dimensions)
        (newCoordinates + capacity * dimensions).initialize(repeating: 0, count: (larger - capacity) * dimensions)
        coordinates.deallocate()
        coordinates = newCoordinates
        let newMarks = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.words(larger))
        newMarks.initialize(repeating: 0, count: Self.words(larger))
        newMarks.update(from: marks, count: Self.words(capacity))
        marks.deallocate()
        marks = newMarks
        capacity = larger
    }
}
