/// The head of a CBOR item: its major type and the number that goes with it.

/// What stands at the beginning of every item (RFC 8949, section 3).
struct CBORHead {
    /// The upper three bits of the first byte.
    enum Major: UInt8 {
        case unsigned = 0
        case negative = 1
        case bytes = 2
        case text = 3
        case array = 4
        case map = 5
        case tag = 6
        case simple = 7
    }

    /// The lower five bits of the first byte of items whose length is not told, and of the item that ends them.
    static let indefinite: UInt8 = 31
    /// Ends items whose length is not told.
    static let `break`: UInt8 = 0xFF

    /// The longest head.
    static let mostBytes = 9

    var major: Major
    /// The lower five bits of the first byte.
    var information: UInt8
    /// The number, or the bits of a float; 0 where `information` is `indefinite`.
    var argument: UInt64
    /// How many bytes the head has.
    var length: Int

    /// Reads the head at an offset; nil where it is cut off or reserved, which `isCutOff` tells apart.
    init?(_ text: UnsafeBufferPointer<UInt8>, at offset: Int) {
        guard offset >= 0, offset < text.count, let major = Major(rawValue: text[offset] >> 5) else { return nil }
        self.major = major
        information = text[offset] & 31
        length = Self.length(information)
        guard length > 0, length <= text.count - offset else { return nil }
        argument = length == 1 && information < 24 ? UInt64(information) : 0
        for index in 1..<max(1, length) { argument = argument << 8 | UInt64(text[offset + index]) }
    }

    /// Whether the head at an offset lacks bytes.
    static func isCutOff(_ text: UnsafeBufferPointer<UInt8>, at offset: Int) -> Bool {
        offset >= text.count || length(text[offset] & 31) > text.count - offset
    }

    /// Of a head with such a first byte; 0 for the reserved ones.
    private static func length(_ information: UInt8) -> Int {
        switch information {
        case 0..<24, indefinite: 1
        case 24: 2
        case 25: 3
        case 26: 5
        case 27: 9
        default: 0
        }
    }

    // MARK: What it means

    /// Of an integer, in decimal digits; it may lie outside 64 bits.
    var integerText: String {
        guard major == .negative else { return String(argument) }
        return argument == .max ? "-18446744073709551616" : "-\(argument + 1)"
    }

    /// Of an integer; the nearest of 64 bits.
    var integer: Int64 {
        let magnitude = Int64(clamping: argument)
        return major == .negative ? -1 - magnitude : magnitude
    }

    /// Of a float of 16, 32 or 64 bits; nil for everything else.
    var float: Double? {
        guard major == .simple else { return nil }
        return switch information {
        case 25: Self.half(UInt16(truncatingIfNeeded: argument))
        case 26: Double(Float(bitPattern: UInt32(truncatingIfNeeded: argument)))
        case 27: Double(bitPattern: argument)
        default: nil
        }
    }

    /// A float of 16 bits (RFC 8949, appendix D).
    private static func half(_ bits: UInt16) -> Double {
        let exponent = Int(bits >> 10 & 31)
        let fraction = Double(bits & 1023)
        let magnitude: Double =
            switch exponent {
            case 0: fraction * 0x1p-24
            case 31: fraction == 0 ? .infinity : .nan
            default: (fraction + 1024) * Double(sign: .plus, exponent: exponent - 25, significand: 1)
            }
        return bits & 0x8000 == 0 ? magnitude : -magnitude
    }
}

extension WireMemory {
    /// Appends the head of an item in its shortest form.
    mutating func append(_ major: CBORHead.Major, _ argument: UInt64) {
        let type = major.rawValue << 5
        switch argument {
        case 0..<24: append(type | UInt8(truncatingIfNeeded: argument))
        case 24...0xFF:
            append(type | 24)
            append(UInt8(truncatingIfNeeded: argument))
        case 0x100...0xFFFF:
            append(type | 25)
            append(bigEndian: UInt16(truncatingIfNeeded: argument))
        case 0x1_0000...0xFFFF_FFFF:
            append(type | 26)
            append(bigEndian: UInt32(truncatingIfNeeded: argument))
        default:
            append(type | 27)
            append(bigEndian: argument)
        }
    }

    mutating func append(bigEndian number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { append($0) }
    }

    /// Appends an integer.
    mutating func append(cbor number: Int64) {
        if number < 0 { append(.negative, UInt64(bitPattern: ~number)) } else { append(.unsigned, UInt64(number)) }
    }

    /// Appends a float of 64 bits.
    mutating func append(cbor number: Double) {
        append(UInt8(0xFB))
        append(bigEndian: number.bitPattern)
    }

    /// Appends a text, which is UTF-8.
    mutating func append(cbor text: UnsafeRawBufferPointer) {
        append(.text, UInt64(text.count))
        append(text)
    }
}
