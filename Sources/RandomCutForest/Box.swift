/// Arithmetic on axis-parallel boxes: how much one grows for a point, the cut that separates the point, unions.
///
/// A stored box is its lower corner, its upper corner and the sum of its sides, one after the other.
enum Box {
    typealias Corner = UnsafePointer<Double>

    /// By how much the sum of a box's sides grows when the point joins it; 0 when it is inside.
    @inline(__always)
    static func growth(_ box: UnsafePointer<Double>, _ point: Corner, _ dimensions: Int) -> Double {
        growth(lower: box, upper: box + dimensions, point, dimensions)
    }

    @inline(__always)
    static func growth(lower: Corner, upper: Corner, _ point: Corner, _ dimensions: Int) -> Double {
        var i = 0
        // Two sums side by side, so that an addition need not wait for the one before.
        var (even, odd) = (SIMD2<Double>.zero, SIMD2<Double>.zero)
        while i + 4 <= dimensions {
            even += overhang(pair(point + i), pair(lower + i), pair(upper + i))
            odd += overhang(pair(point + i + 2), pair(lower + i + 2), pair(upper + i + 2))
            i += 4
        }
        var sum = (even.x + odd.x) + (even.y + odd.y)
        while i < dimensions {
            sum += max(point[i] - upper[i], 0) + max(lower[i] - point[i], 0)
            i += 1
        }
        return sum
    }

    @inline(__always)
    private static func pair(_ coordinates: Corner) -> SIMD2<Double> {
        UnsafeRawPointer(coordinates).loadUnaligned(as: SIMD2<Double>.self)
    }

    @inline(__always)
    private static func overhang(_ x: SIMD2<Double>, _ lower: SIMD2<Double>, _ upper: SIMD2<Double>) -> SIMD2<Double> {
        let above = x - upper
        let below = lower - x
        return above.replacing(with: 0, where: above .< 0) + below.replacing(with: 0, where: below .< 0)
    }

    /// Sum over the dimensions of the distance between two points; 0 only when they are equal.
    @inline(__always)
    static func distance(_ a: Corner, _ b: Corner, _ dimensions: Int) -> Double {
        var i = 0
        var (even, odd) = (0.0, 0.0)
        while i + 2 <= dimensions {
            even += (a[i] - b[i]).magnitude
            odd += (a[i + 1] - b[i + 1]).magnitude
            i += 2
        }
        return i < dimensions ? even + odd + (a[i] - b[i]).magnitude : even + odd
    }

    /// The cut that leaves the box on one side and the point on the other, `draw` being uniform in [0, growth).
    static func separatingCut(lower: Corner, upper: Corner, point: Corner, dimensions: Int, draw: Double) -> (
        dimension: Int, value: Double
    ) {
        var rest = draw
        var last = (dimension: 0, value: lower[0])
        for i in 0..<dimensions {
            let x = point[i]
            if x > upper[i] {
                let gap = x - upper[i]
                if rest < gap { return (i, min(upper[i] + rest, x.nextDown)) }
                rest -= gap
                last = (i, x.nextDown)
            } else if x < lower[i] {
                let gap = lower[i] - x
                if rest < gap { return (i, min(x + rest, lower[i].nextDown)) }
                rest -= gap
                last = (i, lower[i].nextDown)
            }
        }
        // Rounding let the draw run off the end: the last dimension that separates takes it.
        return last
    }

    /// Whether the point is inside and on none of the sides.
    static func holdsStrictly(_ box: UnsafePointer<Double>, _ point: Corner, _ dimensions: Int) -> Bool {
        for i in 0..<dimensions where !(box[i] < point[i] && point[i] < box[dimensions + i]) { return false }
        return true
    }

    /// Joins a point to a stored box.
    static func expand(_ box: UnsafeMutablePointer<Double>, by point: Corner, _ dimensions: Int) {
        join(into: box, lower: box, upper: box + dimensions, otherLower: point, otherUpper: point, dimensions)
    }

    /// Stores the union of two boxes; false when the stored box was that already.
    @discardableResult
    static func join(
        into box: UnsafeMutablePointer<Double>, lower: Corner, upper: Corner, otherLower: Corner, otherUpper: Corner,
        _ dimensions: Int
    ) -> Bool {
        var changed = false
        var sides = 0.0
        for i in 0..<dimensions {
            let low = lower[i] < otherLower[i] ? lower[i] : otherLower[i]
            let high = upper[i] > otherUpper[i] ? upper[i] : otherUpper[i]
            changed = changed || low != box[i] || high != box[dimensions + i]
            box[i] = low
            box[dimensions + i] = high
            sides += high - low
        }
        box[2 * dimensions] = sides
        return changed
    }
}
