/// Parses MATCH_RECOGNIZE.

extension Parser {
    var beginsMatch: Bool { isWord("MATCH_RECOGNIZE") && isSign("(", ahead: 1) }

    /// `MATCH_RECOGNIZE (...)`, from its first word on.
    mutating func matchRecognize() throws(SQLError) -> Syntax.MatchRecognize {
        let position = current.position
        try expectWord("MATCH_RECOGNIZE")
        try expectSign("(")
        var partition: [Syntax.Expression] = []
        if takeWord("PARTITION") {
            try expectWord("BY")
            partition = try expressionList()
        }
        var order: [Syntax.OrderTerm] = []
        if takeWord("ORDER") {
            try expectWord("BY")
            order = try orderTerms()
        }
        let measures = takeWord("MEASURES") ? try measures() : []
        if isWord("ALL"), isWord("ROWS", ahead: 1) {
            throw SQLError("ALL ROWS PER MATCH is not supported, only ONE ROW PER MATCH", at: current.position)
        }
        if takeWord("ONE") { try expectWord("ROW", "PER", "MATCH") }
        let skip = takeWord("AFTER") ? try matchSkip() : .pastLastRow
        guard takeWord("PATTERN") else {
            throw measures.isEmpty
                ? unexpected("PARTITION BY", "ORDER BY", "MEASURES", "AFTER MATCH SKIP", "PATTERN") : unexpected("PATTERN")
        }
        try expectSign("(")
        let pattern = try rowPattern()
        guard takeSign(")") else { throw unexpected("a pattern variable", "')'") }
        let within = takeWord("WITHIN") ? try expression() : nil
        if isWord("SUBSET") { throw SQLError("SUBSET is not supported", at: current.position) }
        let definitions = takeWord("DEFINE") ? try definitions() : []
        guard takeSign(")") else { throw definitions.isEmpty ? unexpected("WITHIN", "DEFINE", "')'") : unexpected("','", "')'") }
        return Syntax.MatchRecognize(
            partition: partition, order: order, measures: measures, skip: skip, pattern: pattern, within: within,
            definitions: definitions, position: position)
    }

    private mutating func measures() throws(SQLError) -> [Syntax.Measure] {
        var measures: [Syntax.Measure] = []
        repeat {
            let expression = try expression()
            _ = takeWord("AS")
            guard let name = takeName(allowing: []) else { throw unexpected("AS and the measure's name") }
            measures.append(Syntax.Measure(expression: expression, name: name))
        } while takeSign(",")
        return measures
    }

    private mutating func definitions() throws(SQLError) -> [Syntax.Definition] {
        var definitions: [Syntax.Definition] = []
        repeat {
            let variable = try name("a pattern variable")
            try expectWord("AS")
            definitions.append(Syntax.Definition(variable: variable, condition: try expression()))
        } while takeSign(",")
        return definitions
    }

    private mutating func matchSkip() throws(SQLError) -> Syntax.MatchSkip {
        try expectWord("MATCH", "SKIP")
        if takeWord("PAST") {
            try expectWord("LAST", "ROW")
            return .pastLastRow
        }
        guard takeWord("TO") else { throw unexpected("PAST LAST ROW", "TO NEXT ROW", "TO FIRST", "TO LAST") }
        if takeWords("NEXT", "ROW") { return .toNextRow }
        if takeWord("FIRST") { return .toFirst(try name("a pattern variable")) }
        _ = takeWord("LAST")
        return .toLast(try name("a pattern variable"))
    }

    // MARK: The pattern

    private mutating func rowPattern() throws(SQLError) -> Syntax.RowPattern {
        try enter()
        defer { leave() }
        var choices = [try patternSequence()]
        while takeSign("|") { choices.append(try patternSequence()) }
        return choices.count == 1 ? choices[0] : .alternation(choices)
    }

    private mutating func patternSequence() throws(SQLError) -> Syntax.RowPattern {
        var parts: [Syntax.RowPattern] = []
        while !isSign("|"), !isSign(")") { parts.append(try quantified()) }
        if parts.isEmpty { throw unexpected("a pattern variable") }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func quantified() throws(SQLError) -> Syntax.RowPattern {
        var pattern = try patternPrimary()
        while let (least, most) = try quantifier() {
            if case .absence(let name) = pattern {
                throw SQLError("NOT \(Identifiers.written(name.text)) takes no quantifier", at: name.position)
            }
            try enter()
            defer { leave() }
            pattern = .repetition(pattern, least: least, most: most, isReluctant: takeSign("?"))
        }
        return pattern
    }

    private mutating func quantifier() throws(SQLError) -> (Int, Int?)? {
        if takeSign("*") { return (0, nil) }
        if takeSign("+") { return (1, nil) }
        if takeSign("?") { return (0, 1) }
        guard isSign("{"), !isSign("-", ahead: 1) else { return nil }
        let position = current.position
        advance()
        let least = try patternCount()
        var most = least
        if takeSign(",") { most = try patternCount() } else if least == nil { throw unexpected("a number", "','") }
        try expectSign("}")
        if let most, most < max(1, least ?? 0) {
            throw SQLError("{n,m} takes an m that is at least 1 and at least n", at: position)
        }
        return (least ?? 0, most)
    }

    private mutating func patternCount() throws(SQLError) -> Int? {
        guard case .integer(let digits) = current.kind else { return nil }
        guard let count = Int(digits), count <= 1000 else {
            throw SQLError("a pattern is repeated 1000 times at most", at: current.position)
        }
        advance()
        return count
    }

    private mutating func patternPrimary() throws(SQLError) -> Syntax.RowPattern {
        if takeWord("NOT") { return .absence(try name("a pattern variable")) }
        if isSign("["), isSign("^", ahead: 1) {
            advance()
            advance()
            let name = try name("a pattern variable")
            try expectSign("]")
            return .absence(name)
        }
        if isSign("{") || isSign("^") || isWord("PERMUTE") && isSign("(", ahead: 1) {
            throw SQLError("'\(current.text)' is not supported in a pattern", at: current.position)
        }
        if takeSign("(") {
            let inner = try rowPattern()
            guard takeSign(")") else { throw unexpected("a pattern variable", "')'") }
            return inner
        }
        return .variable(try name("a pattern variable"))
    }
}
