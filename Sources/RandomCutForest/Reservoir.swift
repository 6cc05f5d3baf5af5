/// One tree's sample: weighted reservoir sampling without replacement (Efraimidis and Spirakis, 2006) with weights e^(λt).
///
/// A point offered when the decay has summed to D = λt gets the key ln(-ln u) - D; the smallest keys stay. They lie in a max-heap,
/// so the next to go is at the top. Points that will not enter are not drawn for: how many pass until the next enters is drawn at once
/// (the "exponential jumps" of the same paper), for the chances -ln u < e^(largest key + D) of the points to come are known.
package struct Reservoir: ~Copyable {
    package let capacity: Int
    package private(set) var count = 0
    private let keys: UnsafeMutablePointer<Double>
    /// Per key: the tree's leaf that stands for the point.
    private let leaves: UnsafeMutablePointer<UInt16>
    private let acceptFraction: Double
    /// The number (from 0, of all points offered) of the next point that enters.
    package private(set) var next = 0

    /// Numbers of points stay below, and far from overflow.
    static let farthest = 1 << 60

    package init(capacity: Int, acceptFraction: Double = 1) {
        self.capacity = capacity
        self.acceptFraction = acceptFraction
        keys = .allocate(capacity: capacity)
        keys.initialize(repeating: 0, count: capacity)
        leaves = .allocate(capacity: capacity)
        leaves.initialize(repeating: 0, count: capacity)
    }

    deinit {
        keys.deallocate()
        leaves.deallocate()
    }

    /// The memory that a sample occupies, in bytes.
    static func bytes(capacity: Int) -> Int { 10 * capacity }

    /// An independent copy.
    func copy() -> Reservoir {
        var other = Reservoir(capacity: capacity, acceptFraction: acceptFraction)
        other.keys.update(from: keys, count: count)
        other.leaves.update(from: leaves, count: count)
        other.count = count
        other.next = next
        return other
    }

    package var isFull: Bool { count == capacity }

    /// The leaf of the point that leaves next. Only for a sample that holds one.
    package var leaving: UInt16 { leaves[0] }

    package func key(at index: Int) -> Double { keys[index] }
    package func leaf(at index: Int) -> UInt16 { leaves[index] }

    /// The key of the point numbered ``next``, when it is its turn and the decay has summed to `decay`.
    package mutating func drawKey(decay: Double, random: inout RandomSource) -> Double {
        var negativeLog = -Elementary.ln(random.unit())
        if isFull {
            // Conditional on being small enough to enter.
            let bound = Self.bound(keys[0], decay)
            negativeLog = -Elementary.lnOnePlus(random.unit() * Elementary.expMinusOne(-bound))
        }
        return Elementary.ln(max(negativeLog, .leastNormalMagnitude)) - decay
    }

    /// Takes a point in. Only while the sample is not full.
    package mutating func append(key: Double, leaf: UInt16) {
        precondition(count < capacity)
        var hole = count
        count += 1
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard keys[parent] < key else { break }
            keys[hole] = keys[parent]
            leaves[hole] = leaves[parent]
            hole = parent
        }
        keys[hole] = key
        leaves[hole] = leaf
    }

    /// Puts a point in the place of the one that leaves.
    package mutating func replaceLeaving(key: Double, leaf: UInt16) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < count else { break }
            if child + 1 < count, keys[child + 1] > keys[child] { child += 1 }
            guard keys[child] > key else { break }
            keys[hole] = keys[child]
            leaves[hole] = leaves[child]
            hole = child
        }
        keys[hole] = key
        leaves[hole] = leaf
    }

    /// Draws which of the points numbered `first` and on enters next; `decay` is D for point `first`, and grows by `rate` from each to the
    /// next. To be called after each point that entered, and when the rate changes (the draw has no memory).
    package mutating func schedule(from first: Int, decay: Double, rate: Double, random: inout RandomSource) {
        guard isFull else {
            let filled = Double(count) / Double(capacity)
            let chance = filled >= acceptFraction && acceptFraction < 1 ? 1 - (filled - acceptFraction) / (1 - acceptFraction) : 1
            next = first
            if chance < 1 { next = Self.skip(first, -Elementary.ln(random.unit()) / -Elementary.lnOnePlus(-chance)) }
            return
        }
        // Point first + m has the rate b e^(m·rate) of entering; they are summed until an exponential variable is used up.
        let exponential = -Elementary.ln(random.unit())
        let bound = Self.bound(keys[0], decay)
        if rate == 0 {
            next = Self.skip(first, exponential / bound)
        } else {
            next = Self.skip(first, Elementary.lnOnePlus(exponential / bound * Elementary.expMinusOne(rate)) / rate)
        }
    }

    /// The point in which a sum of `distance` steps, counted from the beginning of point `first`, ends.
    private static func skip(_ first: Int, _ distance: Double) -> Int {
        distance < Double(farthest) ? min(first + Int(distance), farthest) : farthest
    }

    private static func bound(_ key: Double, _ decay: Double) -> Double {
        min(max(Elementary.exp(key + decay), .leastNormalMagnitude), 1e300)
    }

    /// Fills an empty sample with saved entries in heap order; false when they are not a heap or a key is not finite.
    mutating func restore(_ entries: [(key: Double, leaf: UInt16)], next: Int) -> Bool {
        guard entries.count <= capacity else { return false }
        for (index, entry) in entries.enumerated() {
            guard entry.key.isFinite, index == 0 || entries[(index - 1) / 2].key >= entry.key else { return false }
            keys[index] = entry.key
            leaves[index] = entry.leaf
        }
        count = entries.count
        self.next = next
        return true
    }
}
