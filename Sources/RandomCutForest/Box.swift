/// Arithmetic on axis-parallel boxes.
import CInstructions

/// How much a box grows for a point, the cut that separates the point, unions.
///
/// A stored box is its lower corner and then its upper corner. Coordinates are of single precision, as in the reference library; minimum
/// and maximum are exact, so a box is the same to the bit in whatever order its points joined it.
enum Box {
    typealias Corner = UnsafePointer<Float>

    /// By how much the sum of a box's sides grows when the point joins it (0 when it is inside), and that sum without it.
    @inline(__always)
    static func measure(lower: Corner, upper: Corner, _ point: Corner, _ dimensions: Int) -> (growth: Float, sides: Float) {
        var i = 0
        var (growths, sides) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
        if dimensions >= 4 {
            let (low, high, x) = (four(lower), four(upper), four(point))
            growths = larger_floats(larger_floats(x - high, low - x), .zero)
            sides = high - low
            i = 4
        }
        while i &+ 4 <= dimensions {
            let (low, high, x) = (four(lower + i), four(upper + i), four(point + i))
            growths += larger_floats(larger_floats(x - high, low - x), .zero)
            sides += high - low
            i &+= 4
        }
        // Both sums in one vector from here on: growths in its lower half, sides in its upper.
        var pairs =
            SIMD4(lowHalf: growths.lowHalf, highHalf: sides.lowHalf) + SIMD4(lowHalf: growths.highHalf, highHalf: sides.highHalf)
        if i &+ 2 <= dimensions {
            let (low, high, x) = (two(lower + i), two(upper + i), two(point + i))
            let growths = larger_floats(larger_floats(x - high, low - x), .zero)
            pairs += SIMD4(lowHalf: growths.lowHalf, highHalf: (high - low).lowHalf)
            i &+= 2
        }
        var sums = pairs.evenHalf + pairs.oddHalf
        if i < dimensions {
            let (low, high, x) = (lower[i], upper[i], point[i])
            let (above, below) = (x - high, low - x)
            let growth = above > below ? above : below
            sums += SIMD2(growth > 0 ? growth : 0, high - low)
        }
        return (sums.x, sums.y)
    }

    /// Sum over the dimensions of the distance between two points; 0 only when they are equal.
    @inline(__always)
    static func distance(_ a: Corner, _ b: Corner, _ dimensions: Int) -> Float {
        var i = 0
        var sums = SIMD4<Float>.zero
        while i &+ 4 <= dimensions {
            let (x, y) = (four(a + i), four(b + i))
            sums += larger_floats(x - y, y - x)
            i &+= 4
        }
        var pair = sums.lowHalf + sums.highHalf
        if i &+ 2 <= dimensions {
            let (x, y) = (two(a + i), two(b + i))
            pair += larger_floats(x - y, y - x).lowHalf
            i &+= 2
        }
        let sum = pair.x + pair.y
        return i < dimensions ? sum + (a[i] - b[i]).magnitude : sum
    }

    /// The cut that leaves the box on one side and the point on the other, `draw` being uniform in [0, growth).
    static func separatingCut(lower: Corner, upper: Corner, point: Corner, dimensions: Int, draw: Double) -> (
        dimension: Int, value: Float
    ) {
        var rest = draw
        var last = (dimension: 0, value: lower[0])
        for i in 0..<dimensions {
            let x = point[i]
            // Of the two that the cut lies between, the lesser may be its value, the greater may not.
            let (low, high) = x > upper[i] ? (upper[i], x) : (x, lower[i])
            guard low < high else { continue }
            let gap = Double(high) - Double(low)
            last = (i, high.nextDown)
            if rest < gap { return (i, min(Float(Double(low) + rest), high.nextDown)) }
            rest -= gap
        }
        // Rounding let the draw run off the end: the last dimension that separates takes it.
        return last
    }

    /// Whether the point is inside and on none of the sides.
    @inline(__always)
    static func holdsStrictly(_ box: Corner, _ point: Corner, _ dimensions: Int) -> Bool {
        for i in 0..<dimensions where !(box[i] < point[i] && point[i] < box[dimensions + i]) { return false }
        return true
    }

    /// The box of no points, which any other joins.
    static func empty(_ box: UnsafeMutablePointer<Float>, _ dimensions: Int) {
        box.update(repeating: .infinity, count: dimensions)
        (box + dimensions).update(repeating: -.infinity, count: dimensions)
    }

    /// Joins the box between two corners to a stored box; false when that changes nothing.
    @inline(__always) @discardableResult
    static func join(_ box: UnsafeMutablePointer<Float>, lower: Corner, upper: Corner, _ dimensions: Int) -> Bool {
        unite((Corner(box), Corner(box + dimensions)), (lower, upper), into: box, dimensions)
    }

    /// Stores the union of two boxes, of which the first may be the stored one; false when the union is the first.
    @inline(__always) @discardableResult
    static func unite(
        _ a: (lower: Corner, upper: Corner), _ b: (lower: Corner, upper: Corner), into box: UnsafeMutablePointer<Float>,
        _ dimensions: Int
    ) -> Bool {
        var i = 0
        var changed: UInt32 = 0
        while i &+ 4 <= dimensions {
            let (low, high) = (four(a.lower + i), four(a.upper + i))
            let (newLow, newHigh) = (smaller_floats(low, four(b.lower + i)), larger_floats(high, four(b.upper + i)))
            changed |= any((newLow .!= low) .| (newHigh .!= high)) ? 1 : 0
            store(newLow, at: box + i)
            store(newHigh, at: box + dimensions + i)
            i &+= 4
        }
        if i &+ 2 <= dimensions {
            let (low, high) = (two(a.lower + i), two(a.upper + i))
            let (newLow, newHigh) = (smaller_floats(low, two(b.lower + i)), larger_floats(high, two(b.upper + i)))
            changed |= any((newLow .!= low) .| (newHigh .!= high)) ? 1 : 0
            store(newLow.lowHalf, at: box + i)
            store(newHigh.lowHalf, at: box + dimensions + i)
            i &+= 2
        }
        if i < dimensions {
            let (low, high) = (a.lower[i], a.upper[i])
            changed |= b.lower[i] < low || b.upper[i] > high ? 1 : 0
            box[i] = b.lower[i] < low ? b.lower[i] : low
            box[dimensions + i] = b.upper[i] > high ? b.upper[i] : high
        }
        return changed != 0
    }

    @inline(__always)
    private static func four(_ coordinates: Corner) -> SIMD4<Float> {
        UnsafeRawPointer(coordinates).loadUnaligned(as: SIMD4<Float>.self)
    }

    /// Two coordinates and two zeros.
    @inline(__always)
    private static func two(_ coordinates: Corner) -> SIMD4<Float> {
        SIMD4(lowHalf: UnsafeRawPointer(coordinates).loadUnaligned(as: SIMD2<Float>.self), highHalf: .zero)
    }

    @inline(__always)
    private static func store(_ values: SIMD4<Float>, at place: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(place).storeBytes(of: values, as: SIMD4<Float>.self)
    }

    @inline(__always)
    private static func store(_ values: SIMD2<Float>, at place: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(place).storeBytes(of: values, as: SIMD2<Float>.self)
    }
}
