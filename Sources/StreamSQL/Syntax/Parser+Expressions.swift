/// Parses expressions by precedence, lowest first: OR, AND, NOT, predicates, sums, products, signs.

extension Parser {
    enum Precedence: Int, Comparable {
        case or, and, not, predicate, sum, product, sign
        static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    mutating func expressionList() throws(SQLError) -> [Syntax.Expression] {
        var expressions: [Syntax.Expression] = []
        repeat { expressions.append(try expression()) } while takeSign(",")
        return expressions
    }

    /// An expression whose outermost operator binds at least as tightly as `least`.
    mutating func expression(above least: Precedence = .or) throws(SQLError) -> Syntax.Expression {
        try enter()
        defer { leave() }
        var left = try prefix(least)
        var lastPeriod: Syntax.Period?
        while true {
            let token = current
            switch token.kind {
            case .sign("*") where least <= .product, .sign("/") where least <= .product:
                left = try chain(["*", "/"], left, above: .sign)
            case .sign("+") where least <= .sum, .sign("-") where least <= .sum, .sign("||") where least <= .sum:
                left = try chain(["+", "-", "||"], left, above: .product)
            case .word("AND") where least <= .and:
                left = try chain("AND", left, above: .not)
            case .word("OR") where least <= .or:
                left = try chain("OR", left, above: .and)
            default:
                guard least <= .predicate, let predicate = try predicate(left, after: &lastPeriod) else { return left }
                left = predicate
            }
        }
    }

    /// `first + b - c`, flat.
    private mutating func chain(_ signs: Set<String>, _ first: Syntax.Expression, above: Precedence) throws(SQLError)
        -> Syntax.Expression
    {
        var links: [Syntax.Link] = []
        while case .sign(let sign) = current.kind, signs.contains(sign) {
            let position = current.position
            guard links.count + 1 < Self.maximumTerms else {
                throw SQLError("this expression is too long; at most \(Self.maximumTerms) terms are allowed", at: position)
            }
            advance()
            links.append(Syntax.Link(operation: sign, operand: try expression(above: above), position: position))
        }
        return try chain(first, links)
    }

    private func chain(_ first: Syntax.Expression, _ links: [Syntax.Link]) throws(SQLError) -> Syntax.Expression {
        guard let last = links.last else { return first }
        let kind: Syntax.ExpressionKind = links.count == 1 ? .binary(last.operation, first, last.operand) : .chain(first, links)
        return try node(kind, at: last.position)
    }

    /// `first AND b AND c`, flat.
    private mutating func chain(_ word: String, _ first: Syntax.Expression, above: Precedence) throws(SQLError) -> Syntax.Expression
    {
        let position = current.position
        var parts = [first]
        while takeWord(word) { parts.append(try expression(above: above)) }
        return try node(word == "AND" ? .and(parts) : .or(parts), at: position)
    }

    private mutating func prefix(_ least: Precedence) throws(SQLError) -> Syntax.Expression {
        let token = current
        switch token.kind {
        case .word("NOT") where least <= .not:
            advance()
            return try node(.not(try expression(above: .not)), at: token.position)
        case .sign("+"):
            advance()
            return try expression(above: .sign)
        case .sign("-"):
            advance()
            // The sign belongs to the number: the smallest BIGINT has no positive counterpart.
            if let literal = try takeNumber(isNegative: true) { return Syntax.Expression(literal, at: token.position) }
            return try node(.negated(try expression(above: .sign)), at: token.position)
        default: return try primary()
        }
    }

    // MARK: Predicates

    private static let comparisons: Set<String> = ["=", "<>", "!=", "<", "<=", ">", ">="]

    /// The predicate that begins at the current token with `left` as its left side, or nil if none does.
    private mutating func predicate(_ left: Syntax.Expression, after lastPeriod: inout Syntax.Period?) throws(SQLError)
        -> Syntax.Expression?
    {
        let token = current
        let position = token.position
        if case .sign(let sign) = token.kind, Self.comparisons.contains(sign) {
            advance()
            return try node(.binary(sign == "!=" ? "<>" : sign, left, try expression(above: .sum)), at: position)
        }
        if takeWord("IS") { return try isPredicate(left, at: position) }
        if let period = try periodPredicate(left, after: &lastPeriod) { return period }
        let isNegated =
            isWord("NOT") && ["BETWEEN", "IN", "LIKE", "SIMILAR"].contains { isWord($0, ahead: 1) }
        if isNegated { advance() }
        if takeWord("BETWEEN") {
            let isSymmetric = takeWord("SYMMETRIC")
            if !isSymmetric { _ = takeWord("ASYMMETRIC") }
            let low = try expression(above: .sum)
            guard takeWord("AND") else { throw unexpected("AND and the upper bound of BETWEEN") }
            let high = try expression(above: .sum)
            return try node(.between(left, low: low, high: high, isSymmetric: isSymmetric, isNegated: isNegated), at: position)
        }
        if takeWord("IN") {
            try expectSign("(")
            let kind: Syntax.ExpressionKind =
                beginsQuery()
                ? .inQuery(left, try query(), isNegated: isNegated) : .inList(left, try expressionList(), isNegated: isNegated)
            guard takeSign(")") else { throw unexpected("','", "')'") }
            return try node(kind, at: position)
        }
        if isWord("LIKE") || isWord("SIMILAR") {
            let function = isWord("LIKE") ? "LIKE" : "SIMILAR TO"
            advance()
            if function != "LIKE" { try expectWord("TO") }
            let pattern = try expression(above: .sum)
            let escape = takeWord("ESCAPE") ? try expression(above: .sum) : nil
            return try node(
                .pattern(function: function, left, pattern: pattern, escape: escape, isNegated: isNegated), at: position)
        }
        return nil
    }

    /// What follows `left IS`.
    private mutating func isPredicate(_ left: Syntax.Expression, at position: SourcePosition) throws(SQLError) -> Syntax.Expression
    {
        let isNegated = takeWord("NOT")
        if takeWord("DISTINCT") {
            try expectWord("FROM")
            return try node(.distinct(left, try expression(above: .sum), isNegated: isNegated), at: position)
        }
        guard case .word(let word) = current.kind, let test = Syntax.TruthTest(rawValue: word) else {
            throw isNegated
                ? unexpected("NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT FROM")
                : unexpected("NULL", "NOT NULL", "TRUE", "FALSE", "UNKNOWN", "DISTINCT FROM")
        }
        advance()
        return try node(.test(left, test, isNegated: isNegated), at: position)
    }

    private static let periodWords: Set<String> = ["CONTAINS", "OVERLAPS", "EQUALS", "PRECEDES", "SUCCEEDS", "LEADS", "LAGS"]

    /// `(s, e) [STRICTLY|IMMEDIATELY] predicate (s, e)`; after one, another may follow whose left side is the last right side.
    private mutating func periodPredicate(_ left: Syntax.Expression, after lastPeriod: inout Syntax.Period?) throws(SQLError)
        -> Syntax.Expression?
    {
        let position = current.position
        let start: Syntax.Period
        if let last = lastPeriod {
            start = last
        } else if case .row(let parts) = left.kind, parts.count == 2 {
            start = Syntax.Period(start: parts[0], end: parts[1])
        } else {
            return nil
        }
        let modifier = ["STRICTLY", "IMMEDIATELY"].first { isWord($0) }
        guard case .word(let word) = token(modifier == nil ? 0 : 1).kind, Self.periodWords.contains(word) else { return nil }
        if modifier != nil { advance() }
        advance()
        let right = try expression(above: .sum)
        let end: Syntax.Period
        if case .row(let parts) = right.kind, parts.count == 2 {
            end = Syntax.Period(start: parts[0], end: parts[1])
        } else if word == "CONTAINS" {
            end = Syntax.Period(start: right)
        } else {
            throw SQLError("\(word) needs a period on its right, such as (start, end)", at: right.position)
        }
        let operation = (modifier.map { $0 + " " } ?? "") + word
        let result = try node(.period(start, operation, end), at: position)
        defer { lastPeriod = end }
        return lastPeriod == nil ? result : try node(.and([left, result]), at: position)
    }

    // MARK: Primaries

    private mutating func primary() throws(SQLError) -> Syntax.Expression {
        let token = current
        let position = token.position
        if let literal = try takeNumber(isNegative: false) { return Syntax.Expression(literal, at: position) }
        switch token.kind {
        case .string(let text):
            advance()
            return Syntax.Expression(Self.textLiteral(text), at: position)
        case .unicodeString(let text): return Syntax.Expression(try unicodeLiteral(text), at: position)
        case .binaryString(let bytes):
            advance()
            return Syntax.Expression(.literal(.binary(bytes), .binary(max(1, bytes.count))), at: position)
        case .sign("("): return try parenthesized()
        case .sign("{"): return try braced()
        case .quotedName: return try nameOrCall()
        case .word(let word): return try wordPrimary(word)
        default: throw unexpected("an expression")
        }
    }

    private mutating func parenthesized() throws(SQLError) -> Syntax.Expression {
        let position = current.position
        try expectSign("(")
        if beginsQuery() {
            let query = try query()
            try expectSign(")")
            return Syntax.Expression(.subquery(query), at: position)
        }
        let expressions = try expressionList()
        guard takeSign(")") else { throw unexpected("an operator", "','", "')'") }
        guard expressions.count == 1 else { return try node(.row(expressions), at: position) }
        if case .binary("-", let a, let b) = expressions[0].kind, currentUnit != nil {
            return try node(.difference(a, b, try intervalQualifier()), at: position)
        }
        if case .chain(let first, var links) = expressions[0].kind, currentUnit != nil, let last = links.popLast(),
            last.operation == "-"
        {
            return try node(.difference(try chain(first, links), last.operand, try intervalQualifier()), at: position)
        }
        return expressions[0]
    }

    /// JDBC escapes: `{d '...'}`, `{t '...'}`, `{ts '...'}`, `{fn f(...)}`.
    private mutating func braced() throws(SQLError) -> Syntax.Expression {
        let position = current.position
        try expectSign("{")
        let result: Syntax.Expression
        if takeWord("FN") {
            result = try expression()
        } else {
            let type: SQLType
            if takeWord("D") {
                type = .date
            } else if takeWord("T") {
                type = .time
            } else if takeWord("TS") {
                type = .timestamp
            } else {
                throw unexpected("D", "T", "TS", "FN")
            }
            result = Syntax.Expression(try datetimeLiteral(type), at: position)
        }
        try expectSign("}")
        return result
    }

    /// A column, or a function called by name.
    func isFunctionName(_ word: String) -> Bool {
        !Identifiers.reserved.contains(word)
            || ["COALESCE", "NULLIF", "ANY", "SOME", "EVERY", "CEIL", "CEILING", "FLOOR"].contains(word)
    }

    mutating func nameOrCall() throws(SQLError) -> Syntax.Expression {
        let position = current.position
        if case .word(let word) = current.kind, isSign("(", ahead: 1), isFunctionName(word) {
            advance()
            return try call(Syntax.Name(text: word, isQuoted: false, position: position))
        }
        guard var last = takeName(allowing: Identifiers.usableBare) else { throw unexpected("an expression") }
        var qualifiers: [Syntax.Name] = []
        while isSign(".") {
            advance()
            qualifiers.append(last)
            guard let next = takeName(allowing: Identifiers.usableBare) else { throw unexpected("a column's name") }
            last = next
        }
        if isSign("(") { return try call(last) }
        if qualifiers.count > 3 { throw SQLError("a column's name has at most four parts", at: last.position) }
        return Syntax.Expression(.name(Syntax.QualifiedName(qualifiers: qualifiers, last: last)), at: position)
    }
}
