/// Numbers as decimal digits, written straight to memory that has room for them.

enum NumberText {
    /// No integer and no double that `writeShort` takes is longer.
    static let longest = 24

    /// The digits of 0 to 99, two bytes each.
    private static let pairs: [UInt16] = (0..<100).map { (number: UInt16) in
        let (tens, ones) = (number / 10 + 48, number % 10 + 48)
        return UInt16(littleEndian: tens | ones << 8)
    }

    /// Writes an integer; returns how many bytes it took.
    static func write(_ value: Int64, to output: UnsafeMutablePointer<UInt8>) -> Int {
        if value < 0 {
            output[0] = UInt8(ascii: "-")
            return 1 + write(magnitude: value.magnitude, to: output + 1)
        }
        return write(magnitude: value.magnitude, to: output)
    }

    private static func write(magnitude: UInt64, to output: UnsafeMutablePointer<UInt8>) -> Int {
        let length = digitCount(magnitude)
        writeDigits(magnitude, endingAt: output + length)
        return length
    }

    private static func digitCount(_ value: UInt64) -> Int {
        var (rest, count) = (value, 1)
        while rest >= 10_000 {
            rest /= 10_000
            count += 4
        }
        return count + (rest >= 1000 ? 3 : rest >= 100 ? 2 : rest >= 10 ? 1 : 0)
    }

    /// Writes the digits before `end`.
    private static func writeDigits(_ value: UInt64, endingAt end: UnsafeMutablePointer<UInt8>) {
        var (rest, place) = (value, end)
        pairs.withUnsafeBufferPointer { pairs in
            while rest >= 10 {
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100)
                // The last of an odd number of digits is written alone.
                place -= 2
                UnsafeMutableRawPointer(place).storeBytes(of: pairs[Int(remainder)], as: UInt16.self)
                rest = quotient
            }
        }
        if rest > 0 || place == end { place[-1] = UInt8(truncatingIfNeeded: rest) + 48 }
    }

    /// Writes the shortest text that reads back as a finite double; returns how many bytes it took.
    static func write(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int {
        let length = writeShort(value, to: output)
        if length > 0 { return length }
        var position = output
        for byte in value.description.utf8 {
            position[0] = byte
            position += 1
        }
        return position - output
    }

    /// Writes a double whose shortest text has few digits and no exponent; returns how many bytes that took, 0 for any other double.
    ///
    /// A decimal number of at most 15 digits is the only such number near its double (IEEE 754: 15 digits survive the way there and back), so
    /// one that reads back as the value is the shortest text.
    static func writeShort(_ value: Double, to output: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = value.magnitude
        guard magnitude >= 1e-4, magnitude < 1e10, let (digits, places) = decimal(magnitude) else { return 0 }
        let scale = powers[places]
        let (whole, fraction) = digits.quotientAndRemainder(dividingBy: scale)
        var position = output
        if value < 0 {
            position[0] = UInt8(ascii: "-")
            position += 1
        }
        position += write(magnitude: whole, to: position)
        position[0] = UInt8(ascii: ".")
        position += 1
        // At least one digit follows the point.
        let fractionPlaces = max(places, 1)
        writeFraction(fraction, fractionPlaces, to: position)
        return position + fractionPlaces - output
    }

    /// Writes a number of so many digits, with zeros before it.
    private static func writeFraction(_ fraction: UInt64, _ count: Int, to output: UnsafeMutablePointer<UInt8>) {
        var (rest, place) = (fraction, count)
        pairs.withUnsafeBufferPointer { pairs in
            while place >= 2 {
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100)
                place -= 2
                UnsafeMutableRawPointer(output + place).storeBytes(of: pairs[Int(remainder)], as: UInt16.self)
                rest = quotient
            }
        }
        if place == 1 { output[0] = UInt8(truncatingIfNeeded: rest) + 48 }
    }

    private static let powers: [UInt64] = (0...8).map { exponent in (0..<exponent).reduce(1) { power, _ in power * 10 } }

    /// The value as an integer divided by a power of ten, without zeros at the end; nil when it takes more than 8 places or 15 digits.
    private static func decimal(_ value: Double) -> (digits: UInt64, places: Int)? {
        for places in [4, 8] {
            let scale = places == 4 ? 1e4 : 1e8
            let product = value * scale
            guard product < 1e15 else { return nil }
            // Rounded by hand: without SSE 4.1 the standard library calls a function for it. What it gives is tried before it is believed.
            let scaled = Double(Int64(product + 0.5))
            // A quotient of two exact doubles is rounded once: this is how the text would be read.
            guard scaled / scale == value else { continue }
            var (digits, left) = (UInt64(scaled), places)
            while left > 0 {
                let (quotient, last) = digits.quotientAndRemainder(dividingBy: 10)
                guard last == 0 else { break }
                digits = quotient
                left -= 1
            }
            return (digits, left)
        }
        return nil
    }
}
