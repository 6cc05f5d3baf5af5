/// Reads regular expressions in Java's syntax.

struct RegularExpressionParser {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var ignoresCase = false
    private var dotMatchesNewline = false
    private(set) var groupCount = 0
    private let pattern: String

    private static let maxDepth = 100
    static let maxRepetitions = 1000

    init(_ pattern: String) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
    }

    mutating func parse() throws(RowFailure) -> RegularExpressionNode {
        let node = try choice()
        if index < scalars.count { throw failure("has a closing parenthesis too many") }
        return node
    }

    private func failure(_ what: String) -> RowFailure { .argument("The pattern '\(pattern.prefix(200))' \(what).") }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func take(word: String) -> Bool {
        let word = Array(word.unicodeScalars)
        guard scalars.count - index >= word.count, scalars[index..<(index + word.count)].elementsEqual(word) else { return false }
        index += word.count
        return true
    }

    private mutating func choice() throws(RowFailure) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw failure("is nested too deeply") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(RowFailure) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            guard let node = try atom() else { continue }
            nodes.append(try repeated(node))
        }
        return .sequence(nodes)
    }

    private mutating func repeated(_ atom: RegularExpressionNode) throws(RowFailure) -> RegularExpressionNode {
        var node = atom
        var isFirst = true
        while true {
            let least: Int
            let most: Int?
            switch next {
            case "*": (least, most) = (0, nil)
            case "+": (least, most) = (1, nil)
            case "?": (least, most) = (0, 1)
            case "{":
                index += 1
                (least, most) = try bounds()
                index -= 1
            default: return node
            }
            guard isFirst else { throw failure("repeats a repetition") }
            isFirst = false
            index += 1
            if next == "+" { throw failure("uses possessive repetition, which is not supported") }
            node = .repetition(node, least: least, most: most, isGreedy: !take("?"))
        }
    }

    /// `n}`, `n,}`, `n,m}`; ends on the closing brace's successor.
    private mutating func bounds() throws(RowFailure) -> (Int, Int?) {
        let least = try number()
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : try number() }
        guard take("}") else { throw failure("has an open brace") }
        if let most, most < least { throw failure("repeats fewer times than it must") }
        return (least, most)
    }

    private mutating func number() throws(RowFailure) -> Int {
        var value = 0
        var digits = 0
        while let scalar = next, let digit = Int(String(scalar)), scalar.isASCII {
            value = min(value * 10 + digit, 1_000_000)
            digits += 1
            index += 1
        }
        guard digits > 0 else { throw failure("has a brace without a number") }
        guard value <= Self.maxRepetitions else { throw failure("repeats more than \(Self.maxRepetitions) times") }
        return value
    }

    /// nil for what matches nothing, such as a flag.
    private mutating func atom() throws(RowFailure) -> RegularExpressionNode? {
        guard let scalar = next else { return nil }
        index += 1
        switch scalar {
        case "(": return try group()
        case "[": return .scalar(folded(try set()))
        case ".": return .scalar(dotMatchesNewline ? .any : .notNewline)
        case "^": return .assertion(.start)
        case "$": return .assertion(.endBeforeNewline)
        case "\\": return try escape()
        case "*", "+", "?": throw failure("repeats nothing")
        default: return .scalar(folded(CharacterClass(scalar.value)))
        }
    }

    private func folded(_ set: CharacterClass) -> CharacterClass { ignoresCase ? set.ignoringCase : set }

    private mutating func group() throws(RowFailure) -> RegularExpressionNode? {
        var number: Int?
        if take("?") {
            if take("<") {
                guard let first = next, first.properties.isAlphabetic else { throw failure("looks behind, which is not supported") }
                while let scalar = next, scalar != ">" { index += scalar == "(" ? scalars.count : 1 }
                guard take(">") else { throw failure("has an open group name") }
                groupCount += 1
                number = groupCount
            } else if take("=") || take("!") || take(">") {
                throw failure("looks ahead or is atomic, which is not supported")
            } else if !take(":") {
                return try flags()
            }
        } else {
            groupCount += 1
            number = groupCount
        }
        let (outerCase, outerDot) = (ignoresCase, dotMatchesNewline)
        let node = try choice()
        (ignoresCase, dotMatchesNewline) = (outerCase, outerDot)
        guard take(")") else { throw failure("has an open parenthesis") }
        return number.map { .group(node, number: $0) } ?? node
    }

    /// `(?i)`, `(?s)`: for the rest of the group.
    private mutating func flags() throws(RowFailure) -> RegularExpressionNode? {
        while let scalar = next, scalar != ")" {
            index += 1
            switch scalar {
            case "i": ignoresCase = true
            case "s": dotMatchesNewline = true
            case "u": break
            default: throw failure("has the flag \(scalar), which is not supported")
            }
        }
        guard take(")") else { throw failure("has an open parenthesis") }
        return nil
    }

    private mutating func escape() throws(RowFailure) -> RegularExpressionNode? {
        guard let scalar = next else { throw failure("ends with a backslash") }
        switch scalar {
        case "b": index += 1; return .assertion(.wordBoundary)
        case "B": index += 1; return .assertion(.notWordBoundary)
        case "A": index += 1; return .assertion(.start)
        case "z": index += 1; return .assertion(.end)
        case "Z": index += 1; return .assertion(.endBeforeNewline)
        case "Q":
            index += 1
            var nodes: [RegularExpressionNode] = []
            while index < scalars.count, !take(word: "\\E") {
                nodes.append(.scalar(folded(CharacterClass(scalars[index].value))))
                index += 1
            }
            return .sequence(nodes)
        case "1"..."9": throw failure("refers back to a group, which is not supported")
        default: return .scalar(folded(try escapedSet()))
        }
    }

    /// What a backslash stands for inside and outside of brackets.
    private mutating func escapedSet() throws(RowFailure) -> CharacterClass {
        guard let scalar = next else { throw failure("ends with a backslash") }
        index += 1
        switch scalar {
        case "d": return .digit
        case "D": return CharacterClass(CharacterClass.digit.ranges, isNegated: true)
        case "w": return .word
        case "W": return CharacterClass(CharacterClass.word.ranges, isNegated: true)
        case "s": return .space
        case "S": return CharacterClass(CharacterClass.space.ranges, isNegated: true)
        case "t": return CharacterClass(9)
        case "n": return CharacterClass(10)
        case "r": return CharacterClass(13)
        case "f": return CharacterClass(12)
        case "a": return CharacterClass(7)
        case "e": return CharacterClass(27)
        case "x": return CharacterClass(try hex(2))
        case "u": return CharacterClass(try hex(4))
        case "p", "P":
            guard take("{"), let end = scalars[index...].firstIndex(of: "}") else { throw failure("has \\p without a name") }
            var name = String(String.UnicodeScalarView(scalars[index..<end]))
            index = end + 1
            if name.hasPrefix("Is") { name = String(name.dropFirst(2)) }
            let short = ["L": "ALPHA", "Lu": "UPPER", "Ll": "LOWER", "N": "DIGIT", "Nd": "DIGIT", "P": "PUNCT"]
            guard let set = CharacterClass.named(short[name] ?? name) else { throw failure("has the unknown class \(name)") }
            return scalar == "P" ? CharacterClass(set.ranges, isNegated: true) : set
        default:
            guard !scalar.isASCII || !scalar.properties.isAlphabetic else { throw failure("has the unknown escape \\\(scalar)") }
            return CharacterClass(scalar.value)
        }
    }

    private mutating func hex(_ digits: Int) throws(RowFailure) -> UInt32 {
        guard scalars.count - index >= digits,
            let value = UInt32(String(String.UnicodeScalarView(scalars[index..<(index + digits)])), radix: 16)
        else { throw failure("has an escape without its hex digits") }
        index += digits
        return value
    }

    /// `[abc]`, `[^a-z]`, `[\d_]`; ends after the closing bracket.
    private mutating func set() throws(RowFailure) -> CharacterClass {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let scalar = next, scalar != "]" || isFirst {
            isFirst = false
            if scalar == "[" || scalar == "&" && index + 1 < scalars.count && scalars[index + 1] == "&" {
                throw failure("nests or intersects sets, which is not supported")
            }
            index += 1
            let low = scalar == "\\" ? try escapedSet() : CharacterClass(scalar.value)
            guard let first = low.ranges.first, low.ranges.count == 1, first.count == 1, !low.isNegated, next == "-",
                index + 1 < scalars.count, scalars[index + 1] != "]"
            else {
                ranges += low.covered
                continue
            }
            index += 1
            guard let scalar = next else { break }
            index += 1
            let high = scalar == "\\" ? try escapedSet() : CharacterClass(scalar.value)
            guard let last = high.ranges.first, last.count == 1, first.lowerBound <= last.lowerBound else {
                throw failure("has a range that goes backwards")
            }
            ranges.append(first.lowerBound...last.lowerBound)
        }
        guard take("]") else { throw failure("has an open bracket") }
        return CharacterClass(ranges, isNegated: isNegated)
    }
}
