/// Sets of characters, as patterns describe them.

/// A set of Unicode scalars: ranges, or all but them.
struct CharacterClass: Sendable, Equatable {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false
    /// Taken out again: `[set^minus]`.
    var excluded: [ClosedRange<UInt32>] = []

    init(_ ranges: [ClosedRange<UInt32>], isNegated: Bool = false) {
        self.ranges = ranges
        self.isNegated = isNegated
    }

    init(_ scalar: UInt32) { self.init([scalar...scalar]) }

    func contains(_ scalar: UInt32) -> Bool {
        ranges.contains { $0.contains(scalar) } != isNegated && !excluded.contains { $0.contains(scalar) }
    }

    static let all: ClosedRange<UInt32> = 0...0x10FFFF
    static let any = CharacterClass([all])
    static let notNewline = CharacterClass([10...10, 13...13, 0x85...0x85, 0x2028...0x2029], isNegated: true)
    static let digit = CharacterClass([0x30...0x39])
    static let word = CharacterClass([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = CharacterClass([9...13, 32...32])

    /// POSIX names, as in `\p{Alpha}` and `[:ALPHA:]`.
    static func named(_ name: String) -> CharacterClass? {
        switch name.uppercased() {
        case "ALPHA": CharacterClass([0x41...0x5A, 0x61...0x7A])
        case "LOWER": CharacterClass([0x61...0x7A])
        case "UPPER": CharacterClass([0x41...0x5A])
        case "DIGIT": digit
        case "ALNUM": CharacterClass([0x30...0x39, 0x41...0x5A, 0x61...0x7A])
        case "PUNCT": CharacterClass([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E])
        case "SPACE", "WHITESPACE": space
        case "BLANK": CharacterClass([9...9, 32...32])
        case "CNTRL": CharacterClass([0...31, 127...127])
        case "XDIGIT": CharacterClass([0x30...0x39, 0x41...0x46, 0x61...0x66])
        case "PRINT": CharacterClass([0x20...0x7E])
        case "GRAPH": CharacterClass([0x21...0x7E])
        case "ASCII": CharacterClass([0...127])
        default: nil
        }
    }

    /// The ranges that the set covers, whether negated or not.
    var covered: [ClosedRange<UInt32>] {
        guard isNegated else { return ranges }
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { gaps.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return gaps
    }

    /// The set with the other case of its ASCII letters.
    var ignoringCase: CharacterClass {
        var folded = self
        for range in ranges {
            for (first, last, shift) in [(UInt32(0x41), UInt32(0x5A), UInt32(0x20)), (0x61, 0x7A, 0)] {
                let low = max(first, range.lowerBound)
                let high = min(last, range.upperBound)
                guard low <= high else { continue }
                folded.ranges.append(shift > 0 ? low + shift...high + shift : low - 0x20...high - 0x20)
            }
        }
        return folded
    }
}

/// A pattern's structure.
indirect enum RegularExpressionNode: Sendable {
    case scalar(CharacterClass)
    case assertion(RegularExpression.Assertion)
    case sequence([RegularExpressionNode])
    case choice([RegularExpressionNode])
    case group(RegularExpressionNode, number: Int)
    /// `most` nil is without end.
    case repetition(RegularExpressionNode, least: Int, most: Int?, isGreedy: Bool)
}
