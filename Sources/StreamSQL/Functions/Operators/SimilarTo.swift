/// SIMILAR TO: the whole text follows a pattern of `%`, `_`, `|`, `*`, `+`, `?`, `{n,m}`, `( )` and `[sets]`.
extension ScalarFunction {
    static let similarTo = ScalarFunction(
        "SIMILAR TO", [.text, .text, .text], optional: 1, returns: { _ in .boolean },
        example: (sql: "'abcabc' SIMILAR TO '(abc|x){2}'", gives: "TRUE")
    ) { columns, _, context in evaluateSimilar(columns, wanted: true, &context) }

    static let notSimilarTo = ScalarFunction(
        "NOT SIMILAR TO", [.text, .text, .text], optional: 1, returns: { _ in .boolean },
        example: (sql: "'a1' NOT SIMILAR TO '[a-z]+'", gives: "TRUE")
    ) { columns, _, context in evaluateSimilar(columns, wanted: false, &context) }
}

private func evaluateSimilar(_ columns: [Column], wanted: Bool, _ context: inout EvaluationContext) -> Column {
    let texts = columns[0].byteColumn
    let patterns = columns[1].byteColumn
    let escapes = columns.count > 2 ? columns[2].byteColumn : nil
    var last: (pattern: String, escape: String?, compiled: RegularExpression)?
    return Kernel.eachRow(columns, .boolean, &context) { row, builder throws(RowFailure) in
        let pattern = patterns.text(row)
        let escape = escapes?.text(row)
        let compiled: RegularExpression
        if let last, last.pattern == pattern, last.escape == escape {
            compiled = last.compiled
        } else {
            var parser = try SimilarPattern(pattern, escape: escape)
            compiled = try RegularExpression(try parser.parse(), groupCount: 0)
            last = (pattern, escape, compiled)
        }
        let range = texts.range(row)
        let matches = texts.bytes.withUnsafeBytes {
            compiled.firstMatch(in: UnsafeRawBufferPointer(rebasing: $0[range]), anchored: true, whole: true) != nil
        }
        builder.append(matches == wanted)
    }
}

/// Reads patterns of SIMILAR TO.
struct SimilarPattern {
    private let scalars: [Unicode.Scalar]
    private let escape: Unicode.Scalar?
    private let pattern: String
    private var index = 0
    private var depth = 0

    init(_ pattern: String, escape: String?) throws(RowFailure) {
        self.pattern = pattern
        scalars = Array(pattern.unicodeScalars)
        let escapes = escape.map { Array($0.unicodeScalars) }
        if let escapes, escapes.count != 1 { throw .argument("ESCAPE must be one character.") }
        self.escape = escapes?.first
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

    private mutating func choice() throws(RowFailure) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw failure("is nested too deeply") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(RowFailure) -> RegularExpressionNode {
        var nodes: [RegularExpressionNode] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            var node = try atom()
            while let (least, most) = try repetition() {
                node = .repetition(node, least: least, most: most, isGreedy: true)
            }
            nodes.append(node)
        }
        return .sequence(nodes)
    }

    private mutating func repetition() throws(RowFailure) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard take("{") else { return nil }
        guard let close = scalars[index...].firstIndex(of: "}") else { throw failure("has an open brace") }
        let parts = String(String.UnicodeScalarView(scalars[index..<close])).split(separator: ",", omittingEmptySubsequences: false)
        index = close + 1
        let most = RegularExpressionParser.maxRepetitions
        guard let least = parts.first.flatMap({ Int($0) }), (0...most).contains(least), parts.count <= 2 else {
            throw failure("has a brace without its numbers")
        }
        if parts.count == 1 { return (least, least) }
        if parts[1].isEmpty { return (least, nil) }
        guard let last = Int(parts[1]), (least...most).contains(last) else { throw failure("has a brace without its numbers") }
        return (least, last)
    }

    private mutating func atom() throws(RowFailure) -> RegularExpressionNode {
        guard let scalar = next else { throw failure("is not complete") }
        index += 1
        if scalar == escape { return .scalar(CharacterClass(try escaped())) }
        switch scalar {
        case "%": return .repetition(.scalar(.any), least: 0, most: nil, isGreedy: true)
        case "_": return .scalar(.any)
        case "[": return .scalar(try set())
        case "(":
            let node = try choice()
            guard take(")") else { throw failure("has an open parenthesis") }
            return node
        case "*", "+", "?", "{": throw failure("repeats nothing")
        default: return .scalar(CharacterClass(scalar.value))
        }
    }

    private mutating func escaped() throws(RowFailure) -> UInt32 {
        guard let scalar = next else { throw failure("ends with its escape") }
        index += 1
        return scalar.value
    }

    /// `[set]`, `[^set]`, `[set^minus]`, with ranges and `[:ALPHA:]`.
    private mutating func set() throws(RowFailure) -> CharacterClass {
        var sets: [[ClosedRange<UInt32>]] = [[]]
        while let scalar = next, scalar != "]" {
            index += 1
            if scalar == "^", sets.count == 1 {
                sets.append([])
            } else if scalar == "[", take(":") {
                guard let close = scalars[index...].firstIndex(of: ":"), close + 1 < scalars.count, scalars[close + 1] == "]",
                    let named = CharacterClass.named(String(String.UnicodeScalarView(scalars[index..<close])))
                else { throw failure("has an unknown set name") }
                index = close + 2
                sets[sets.count - 1] += named.ranges
            } else {
                let low = scalar == escape ? try escaped() : scalar.value
                var high = low
                if next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" {
                    index += 1
                    let scalar = try escaped()
                    high = escape?.value == scalar ? try escaped() : scalar
                }
                guard low <= high else { throw failure("has a range that goes backwards") }
                sets[sets.count - 1].append(low...high)
            }
        }
        guard take("]") else { throw failure("has an open bracket") }
        guard sets.count > 1 else { return CharacterClass(sets[0]) }
        if sets[0].isEmpty { return CharacterClass(sets[1], isNegated: true) }
        var difference = CharacterClass(sets[0])
        difference.excluded = sets[1]
        return difference
    }
}
