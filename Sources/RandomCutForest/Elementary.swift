/// Logarithm and exponential in plain arithmetic, so that one seed gives the same bits whatever the C library.
package enum Elementary {
    private static let ln2 = 0.693147180559945309417232121458

    /// Natural logarithm of a positive, normal, finite number, to about one unit in the last place.
    package static func ln(_ x: Double) -> Double {
        let (exponent, logarithm) = split(x)
        return Double(exponent) * ln2 + logarithm
    }

    /// Binary logarithm of a positive, normal, finite number; exact for powers of two.
    package static func log2(_ x: Double) -> Double {
        let (exponent, logarithm) = split(x)
        return Double(exponent) + logarithm / ln2
    }

    /// e^x, to about 1e-15 relative; infinity and 0 outside the range of Double.
    package static func exp(_ x: Double) -> Double {
        guard x < 709.7 else { return .infinity }
        guard x > -708 else { return 0 }
        let power = Int(x / ln2 + (x < 0 ? -0.5 : 0.5))
        let rest = x - Double(power) * ln2
        // Taylor series for |rest| <= 0.35: the 15th term is below 1e-19.
        var sum = 1.0
        var term = 15.0
        while term >= 1 {
            sum = 1 + rest / term * sum
            term -= 1
        }
        return sum * Double(sign: .plus, exponent: power, significand: 1)
    }

    /// ln(1 + x) for x above -1 and finite, exact to a few units in the last place also near 0.
    package static func lnOnePlus(_ x: Double) -> Double {
        if x.magnitude < 1e-4 { return x * (1 - x * (0.5 - x * (1.0 / 3 - x * (0.25 - x * 0.2)))) }
        return ln(max(1 + x, .leastNormalMagnitude))
    }

    /// e^x - 1, exact to a few units in the last place also near 0.
    package static func expMinusOne(_ x: Double) -> Double {
        guard x.magnitude < 0.3 else { return exp(x) - 1 }
        var sum = 1.0
        var term = 16.0
        while term >= 2 {
            sum = 1 + x / term * sum
            term -= 1
        }
        return x * sum
    }

    /// x = 2^e · m with m in [√½, √2); gives e and ln m by the series 2 (s + s³/3 + s⁵/5 …), s = (m - 1)/(m + 1).
    @inline(__always)
    private static func split(_ x: Double) -> (exponent: Int, logarithm: Double) {
        let bits = x.bitPattern
        var exponent = Int(bits >> 52) - 1_023
        var mantissa = Double(bitPattern: (bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000)
        if mantissa > 1.414_213_562_373_095_1 {
            mantissa *= 0.5
            exponent += 1
        }
        let f = mantissa - 1
        let s = f / (2 + f)
        let z = s * s
        // |s| <= 0.1716, so the first omitted term is below 1e-18 of the sum.
        var sum = 1.0 / 23
        sum = sum * z + 1.0 / 21
        sum = sum * z + 1.0 / 19
        sum = sum * z + 1.0 / 17
        sum = sum * z + 1.0 / 15
        sum = sum * z + 1.0 / 13
        sum = sum * z + 1.0 / 11
        sum = sum * z + 1.0 / 9
        sum = sum * z + 1.0 / 7
        sum = sum * z + 1.0 / 5
        sum = sum * z + 1.0 / 3
        return (exponent, 2 * s + 2 * s * z * sum)
    }
}
