/// One tree's sample: weighted reservoir sampling without replacement (Efraimidis and Spirakis, 2006) with weights e^(λt).
///
/// A point offered when the decay has summed to D = λt gets the key ln(-ln u) - D; the smallest keys stay. They lie in a max-heap,
/// so the next to go is at the top.
package struct Reservoir: ~Copyable {
    package let capacity: Int
    package private(set) var count = 0
    private let keys: UnsafeMutablePointer<Double>
    private let points: UnsafeMutablePointer<UInt32>
    private let acceptFraction: Double
    /// No smaller than the value that -ln u must stay below to enter the full sample; lets most offers go without a logarithm.
    private var bound = Double.infinity

    package init(capacity: Int, acceptFraction: Double = 1) {
        self.capacity = capacity
        self.acceptFraction = acceptFraction
        keys = .allocate(capacity: capacity)
        points = .allocate(capacity: capacity)
    }

    deinit {
        keys.deallocate()
        points.deallocate()
    }

    /// An independent copy.
    func copy() -> Reservoir {
        var other = Reservoir(capacity: capacity, acceptFraction: acceptFraction)
        other.keys.update(from: keys, count: count)
        other.points.update(from: points, count: count)
        other.count = count
        other.bound = bound
        return other
    }

    package var isFull: Bool { count == capacity }

    /// The point that leaves next. Only for a sample that holds one.
    package var next: UInt32 { points[0] }

    package func key(at index: Int) -> Double { keys[index] }
    package func point(at index: Int) -> UInt32 { points[index] }

    /// Draws the key of a new point; nil when the point stays out. `decay` is D now, `growth` is e^(increase of D since the offer before).
    @inline(__always)
    package mutating func offer(decay: Double, growth: Double, random: inout RandomSource) -> Double? {
        let v = random.unit()
        if count == capacity {
            bound *= growth
            // -ln(1 - v) >= v, so no logarithm is needed where v alone is too large.
            if v >= bound { return nil }
            let key = Self.key(v, decay: decay)
            return key < keys[0] ? key : nil
        }
        let filled = Double(count) / Double(capacity)
        if filled >= acceptFraction, acceptFraction < 1 {
            guard random.unit() < 1 - (filled - acceptFraction) / (1 - acceptFraction) else { return nil }
        }
        return Self.key(v, decay: decay)
    }

    private static func key(_ v: Double, decay: Double) -> Double {
        Elementary.ln(-Elementary.ln(1 - v)) - decay
    }

    /// Takes a point in. Only while the sample is not full.
    package mutating func append(key: Double, point: UInt32, decay: Double) {
        precondition(count < capacity)
        var hole = count
        count += 1
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard keys[parent] < key else { break }
            keys[hole] = keys[parent]
            points[hole] = points[parent]
            hole = parent
        }
        keys[hole] = key
        points[hole] = point
        tightenBound(decay: decay)
    }

    /// Puts a point in the place of the one that leaves.
    package mutating func replaceNext(key: Double, point: UInt32, decay: Double) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < count else { break }
            if child + 1 < count, keys[child + 1] > keys[child] { child += 1 }
            guard keys[child] > key else { break }
            keys[hole] = keys[child]
            points[hole] = points[child]
            hole = child
        }
        keys[hole] = key
        points[hole] = point
        tightenBound(decay: decay)
    }

    /// Fills an empty sample with saved entries in heap order; false when they are not a heap or a key is not finite.
    mutating func restore(_ entries: [(key: Double, point: UInt32)], decay: Double) -> Bool {
        guard entries.count <= capacity else { return false }
        for (index, entry) in entries.enumerated() {
            guard entry.key.isFinite, index == 0 || entries[(index - 1) / 2].key >= entry.key else { return false }
            keys[index] = entry.key
            points[index] = entry.point
        }
        count = entries.count
        tightenBound(decay: decay)
        return true
    }

    private mutating func tightenBound(decay: Double) {
        guard count == capacity else { return }
        // The margin covers the rounding of up to 10^9 multiplications by `growth` until the next point enters.
        bound = max(Elementary.exp(keys[0] + decay) * (1 + 1e-6), .leastNormalMagnitude)
    }
}
