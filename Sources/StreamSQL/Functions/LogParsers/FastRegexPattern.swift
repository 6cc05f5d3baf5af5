/// Reads patterns of FAST_REGEX_LOG_PARSE (SQL Reference, "FAST_REGEX_LOG_PARSER": the syntax is that of the library dk.brics.automaton).

/// A pattern as the sequence of what stands inside and outside of its outermost groups.
struct FastRegexPattern {
    /// One expression of the sequence.
    struct Part {
        var node: RegularExpressionNode
        /// Whether it is a group, which makes a field.
        var isGroup: Bool
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private(set) var parts: [Part] = []

    init(_ pattern: String) throws(RowFailure) {
        scalars = Array(pattern.unicodeScalars)
        var outside: [RegularExpressionNode] = []
        while index < scalars.count {
            if next == "(" {
                let node = try atom()
                // A repeated group is no field.
                if let repetition = try repetition(of: node) {
                    outside.append(repetition)
                    continue
                }
                if !outside.isEmpty { parts.append(Part(node: .sequence(outside), isGroup: false)) }
                outside = []
                parts.append(Part(node: node, isGroup: true))
            } else if next == ")" || next == "|" {
                throw failure(next == ")" ? "has a closing parenthesis too many" : "has a choice outside of parentheses")
            } else {
                outside.append(try repeated(try atom()))
            }
        }
        if !outside.isEmpty { parts.append(Part(node: .sequence(outside), isGroup: false)) }
    }

    private func failure(_ what: String) -> RowFailure {
        .argument("The pattern '\(String(String.UnicodeScalarView(scalars.prefix(200))))' \(what).")
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        index += 1
        return true
    }

    private mutating func choice() throws(RowFailure) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw failure("is nested too deeply") }
        var branches = [try intersection()]
        while take("|") { branches.append(try intersection()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    /// Sets of characters can be intersected; whole expressions cannot.
    private mutating func intersection() throws(RowFailure) -> RegularExpressionNode {
        let first = try sequence()
        guard next == "&" else { return first }
        guard case .sequence(let nodes) = first, nodes.count == 1, case .scalar(var set) = nodes[0] else {
            throw failure("intersects more than sets of characters, which is not supported")
        }
        while take("&") {
            guard case .sequence(let more) = try sequence(), more.count == 1, case .scalar(let other) = more[0] else {
                throw failure("intersects more than sets of characters, which is not supported")
            }
            set.excluded += CharacterClass(other.covered, isNegated: true).covered
        }
        return .scalar(set)
    }

    private mutating func sequence() throws(RowFailure) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = next, scalar != "|", scalar != ")", scalar != "&" { nodes.append(try repeated(try atom())) }
        return .sequence(nodes)
    }

    private mutating func repeated(_ node: RegularExpressionNode) throws(RowFailure) -> RegularExpressionNode {
        var node = node
        while let repetition = try repetition(of: node) { node = repetition }
        return node
    }

    private mutating func repetition(of node: RegularExpressionNode) throws(RowFailure) -> RegularExpressionNode? {
        if take("*") { return .repetition(node, least: 0, most: nil, isGreedy: false) }
        if take("+") { return .repetition(node, least: 1, most: nil, isGreedy: false) }
        if take("?") { return .repetition(node, least: 0, most: 1, isGreedy: false) }
        guard take("{") else { return nil }
        let least = try number()
        var most: Int? = least
        if take(",") { most = next == "}" ? nil : try number() }
        guard take("}") else { throw failure("has an open brace") }
        if let most, most < least { throw failure("repeats fewer times than it must") }
        return .repetition(node, least: least, most: most, isGreedy: false)
    }

    private mutating func number() throws(RowFailure) -> Int {
        let start = index
        while let scalar = next, scalar.isASCII, scalar.properties.numericType == .decimal { index += 1 }
        guard let value = Int(String(String.UnicodeScalarView(scalars[start..<index]))),
            value <= RegularExpressionParser.maxRepetitions
        else { throw failure("has a brace without its numbers") }
        return value
    }

    private mutating func atom() throws(RowFailure) -> RegularExpressionNode {
        guard let scalar = next else { throw failure("is not complete") }
        index += 1
        switch scalar {
        case "(":
            if take(")") { return .sequence([]) }
            let node = try choice()
            guard take(")") else { throw failure("has an open parenthesis") }
            return node
        case ".": return .scalar(.any)
        case "@": return .repetition(.scalar(.any), least: 0, most: nil, isGreedy: false)
        case "#": return .scalar(CharacterClass([]))
        case "[": return .scalar(try set())
        case "<": return try named()
        case "\"":
            var nodes: [RegularExpressionNode] = []
            while let scalar = next, scalar != "\"" {
                nodes.append(.scalar(CharacterClass(scalar.value)))
                index += 1
            }
            guard take("\"") else { throw failure("has an open quote") }
            return .sequence(nodes)
        case "\\":
            guard let escaped = next else { throw failure("ends with a backslash") }
            index += 1
            return .scalar(CharacterClass(escaped.value))
        case "*", "+", "?", "{": throw failure("repeats nothing")
        default: return .scalar(CharacterClass(scalar.value))
        }
    }

    /// `<Alpha>` or `<n-m>`.
    private mutating func named() throws(RowFailure) -> RegularExpressionNode {
        guard let close = scalars[index...].firstIndex(of: ">") else { throw failure("has an open angle bracket") }
        let name = String(String.UnicodeScalarView(scalars[index..<close]))
        index = close + 1
        if let set = CharacterClass.named(name), name.first?.isLetter == true { return .scalar(set) }
        let ends = name.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 0 else {
            throw failure("has the unknown class \(name)")
        }
        guard low <= high, high - low < 1000 else { throw failure("has an interval of numbers that is empty or too large") }
        return .choice(
            (low...high).reversed().map { number in
                .sequence("\(number)".unicodeScalars.map { .scalar(CharacterClass($0.value)) })
            })
    }

    private mutating func set() throws(RowFailure) -> CharacterClass {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = next, scalar != "]" {
            index += 1
            let low = scalar == "\\" ? try escaped() : scalar.value
            var high = low
            if next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" {
                index += 1
                let last = scalars[index]
                index += 1
                high = last == "\\" ? try escaped() : last.value
            }
            guard low <= high else { throw failure("has a range that goes backwards") }
            ranges.append(low...high)
        }
        guard take("]") else { throw failure("has an open bracket") }
        return CharacterClass(ranges, isNegated: isNegated)
    }

    private mutating func escaped() throws(RowFailure) -> UInt32 {
        guard let scalar = next else { throw failure("ends with a backslash") }
        index += 1
        return scalar.value
    }
}

extension RegularExpressionNode {
    /// How many characters every text has that matches; nil where they differ, or are more than any text has.
    var fixedLength: Int? {
        switch self {
        case .scalar: return 1
        case .assertion: return 0
        case .group(let node, _): return node.fixedLength
        case .sequence(let nodes):
            var sum = 0
            for node in nodes {
                guard let length = node.fixedLength else { return nil }
                sum += length
                guard sum <= Self.longestText else { return nil }
            }
            return sum
        case .choice(let nodes):
            let lengths = nodes.map(\.fixedLength)
            return lengths.allSatisfy { $0 == lengths[0] } ? lengths[0] : nil
        case .repetition(let node, let least, let most, _):
            guard most == least else { return nil }
            guard let length = node.fixedLength, case let (product, overflow) = length.multipliedReportingOverflow(by: least),
                !overflow,
                product <= Self.longestText
            else { return nil }
            return product
        }
    }

    private static let longestText = 1 << 31

    /// The part of fixed length that it begins with, and the rest.
    var parted: (fixed: [RegularExpressionNode], rest: [RegularExpressionNode]) {
        switch self {
        case .sequence(let nodes):
            var fixed: [RegularExpressionNode] = []
            for (place, node) in nodes.enumerated() {
                if node.fixedLength != nil {
                    fixed.append(node)
                    continue
                }
                let (more, rest) = node.parted
                return (fixed + more, rest + nodes[(place + 1)...])
            }
            return (fixed, [])
        // x+ is x x*.
        case .repetition(let node, let least, let most, let isGreedy) where least > 0 && node.fixedLength != nil && least <= 100:
            return (
                [RegularExpressionNode](repeating: node, count: least),
                [.repetition(node, least: 0, most: most.map { $0 - least }, isGreedy: isGreedy)]
            )
        default: return fixedLength != nil ? ([self], []) : ([], [self])
        }
    }

    /// The same with every repetition taking as much as it can, or as little.
    func repeating(greedily isGreedy: Bool) -> RegularExpressionNode {
        switch self {
        case .scalar, .assertion: self
        case .sequence(let nodes): .sequence(nodes.map { $0.repeating(greedily: isGreedy) })
        case .choice(let nodes): .choice(nodes.map { $0.repeating(greedily: isGreedy) })
        case .group(let node, let number): .group(node.repeating(greedily: isGreedy), number: number)
        case .repetition(let node, let least, let most, _):
            .repetition(node.repeating(greedily: isGreedy), least: least, most: most, isGreedy: isGreedy)
        }
    }
}
