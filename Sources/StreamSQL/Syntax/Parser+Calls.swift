/// Parses function calls and the expressions that begin with a keyword; special syntax becomes the canonical call of `ScalarFunction`.

extension Parser {
    /// A keyword with which an expression begins, but not here: it was meant as a name.
    private func misusedKeyword(_ word: String) -> SQLError? {
        let what: String
        let isFollowed: Bool
        switch word {
        case "DATE", "TIME", "TIMESTAMP":
            what = "a \(word.lowercased()) in single quotes"
            if case .string = token(1).kind { isFollowed = true } else { isFollowed = isSign("(", ahead: 1) }
        case "INTERVAL":
            what = "the interval's value in single quotes"
            let ahead = isSign("-", ahead: 1) || isSign("+", ahead: 1) ? 2 : 1
            if case .string = token(ahead).kind { isFollowed = true } else { isFollowed = false }
        case "CAST", "EXISTS", "EXTRACT", "FLOOR", "CEIL", "CEILING", "SUBSTRING", "TRIM", "POSITION", "OVERLAY", "CURSOR":
            (what, isFollowed) = ("its arguments in parentheses", isSign("(", ahead: 1))
        case "CASE":
            what = "WHEN"
            switch token(1).kind {
            case .word("FROM"), .word("AS"), .sign(","), .sign(")"), .sign("."), .sign(";"), .end: isFollowed = false
            default: isFollowed = true
            }
        default: return nil
        }
        if isFollowed { return nil }
        return SQLError(
            "\(word) is a reserved word: as a name it needs double quotes, otherwise \(what) must follow", at: current.position)
    }

    mutating func wordPrimary(_ word: String) throws(SQLError) -> Syntax.Expression {
        let position = current.position
        if let misused = misusedKeyword(word) { throw misused }
        let opensCall = isSign("(", ahead: 1)
        switch word {
        case "NULL", "TRUE", "FALSE", "UNKNOWN":
            advance()
            return Syntax.Expression(Self.wordLiteral(word), at: position)
        case "DATE" where !opensCall, "TIME" where !opensCall, "TIMESTAMP" where !opensCall:
            advance()
            return Syntax.Expression(
                try datetimeLiteral(word == "DATE" ? .date : word == "TIME" ? .time : .timestamp), at: position)
        case "INTERVAL":
            advance()
            return Syntax.Expression(try intervalLiteral(), at: position)
        case "CASE": return try choice()
        case "CAST": return try cast()
        case "EXISTS":
            advance()
            try expectSign("(")
            let query = try query()
            try expectSign(")")
            return Syntax.Expression(.exists(query), at: position)
        case "FLOOR" where opensCall, "CEIL" where opensCall, "CEILING" where opensCall: return try rounding(word)
        case "STEP" where opensCall: return try step()
        case "EXTRACT" where opensCall: return try extract()
        case "SUBSTRING" where opensCall: return try substring()
        case "TRIM" where opensCall: return try trim()
        case "POSITION" where opensCall: return try positionOf()
        case "OVERLAY" where opensCall: return try overlay()
        case "ROW" where opensCall, "PERIOD" where opensCall:
            advance()
            advance()
            let parts = try expressionList()
            try expectSign(")")
            return try node(.row(parts), at: position)
        case "CURSOR" where opensCall:
            throw SQLError("CURSOR(...) may only stand in a table function: FROM TABLE(F(CURSOR(SELECT ...)))", at: position)
        default:
            if ScalarFunctions.bareWords.contains(word) {
                advance()
                // A precision in parentheses has no effect: datetimes always have milliseconds.
                if takeSign("(") {
                    if case .integer = current.kind { advance() }
                    try expectSign(")")
                }
                return try builtIn(word, [], at: position)
            }
            return try nameOrCall()
        }
    }

    private func builtIn(_ name: String, _ arguments: [Syntax.Expression], at position: SourcePosition) throws(SQLError)
        -> Syntax.Expression
    {
        let name = Syntax.Name(text: name, isQuoted: false, position: position)
        return try node(.call(Syntax.Call(name: name, arguments: arguments)), at: position)
    }

    /// The name of the call at the current token is read, as is its opening parenthesis.
    private mutating func open() throws(SQLError) -> SourcePosition {
        let position = current.position
        advance()
        try expectSign("(")
        return position
    }

    private mutating func close() throws(SQLError) {
        guard takeSign(")") else { throw unexpected("')'") }
    }

    // MARK: Special syntax

    /// `FLOOR(x)`, `FLOOR(x TO unit)`; CEIL likewise.
    private mutating func rounding(_ word: String) throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let argument = try expression()
        let name = word == "FLOOR" ? "FLOOR" : "CEIL"
        guard takeWord("TO") else {
            guard takeSign(")") else { throw unexpected("TO", "')'") }
            return try builtIn(name, [argument], at: position)
        }
        let unit = try unitLiteral()
        try close()
        return try builtIn(name + "_TO", [argument, unit], at: position)
    }

    /// `STEP(x BY width)`.
    private mutating func step() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let argument = try expression()
        guard takeWord("BY") else { throw unexpected("BY and the width of a step, such as INTERVAL '60' SECOND") }
        let width: Syntax.Expression
        // The reference also shows the interval without its keyword.
        if case .string = current.kind {
            let at = current.position
            width = Syntax.Expression(try intervalLiteral(), at: at)
        } else {
            width = try expression()
        }
        try close()
        return try builtIn("STEP", [argument, width], at: position)
    }

    /// `EXTRACT(unit FROM x)`.
    private mutating func extract() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let unit = try unitLiteral()
        try expectWord("FROM")
        let argument = try expression()
        try close()
        return try builtIn("EXTRACT", [unit, argument], at: position)
    }

    /// `SUBSTRING(s FROM p [FOR n])`, `SUBSTRING(s, p[, n])`, `SUBSTRING(s SIMILAR p ESCAPE e)`.
    private mutating func substring() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        var arguments = [try expression(above: .sum)]
        if takeWord("FROM") {
            arguments.append(try expression())
            if takeWord("FOR") { arguments.append(try expression()) }
        } else if takeWord("SIMILAR") {
            arguments.append(try expression(above: .sum))
            try expectWord("ESCAPE")
            arguments.append(try expression())
            try close()
            return try builtIn("SUBSTRING_SIMILAR", arguments, at: position)
        } else {
            while takeSign(",") { arguments.append(try expression()) }
        }
        guard takeSign(")") else { throw unexpected("FROM", "','", "')'") }
        return try builtIn("SUBSTRING", arguments, at: position)
    }

    /// `TRIM([[LEADING|TRAILING|BOTH] [character] FROM] s)`.
    private mutating func trim() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let side = ["LEADING", "TRAILING", "BOTH"].first { isWord($0) }
        if side != nil { advance() }
        var character = Syntax.Expression(Self.textLiteral(" "), at: current.position)
        var text: Syntax.Expression
        if side != nil, takeWord("FROM") {
            text = try expression()
        } else {
            text = try expression()
            if takeWord("FROM") {
                character = text
                text = try expression()
            } else if side != nil {
                throw unexpected("FROM")
            }
        }
        try close()
        return try builtIn(
            "TRIM", [Syntax.Expression(Self.textLiteral(side ?? "BOTH"), at: position), character, text], at: position)
    }

    /// `POSITION(a IN b)`.
    private mutating func positionOf() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let part = try expression(above: .sum)
        try expectWord("IN")
        let whole = try expression()
        try close()
        return try builtIn("POSITION", [part, whole], at: position)
    }

    /// `OVERLAY(s PLACING r FROM p [FOR n])`.
    private mutating func overlay() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        var arguments = [try expression()]
        try expectWord("PLACING")
        arguments.append(try expression())
        try expectWord("FROM")
        arguments.append(try expression())
        if takeWord("FOR") { arguments.append(try expression()) }
        try close()
        return try builtIn("OVERLAY", arguments, at: position)
    }

    private mutating func unitLiteral() throws(SQLError) -> Syntax.Expression {
        let position = current.position
        guard let unit = currentUnit else { throw unexpected("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND") }
        advance()
        return Syntax.Expression(Self.textLiteral(unit.rawValue), at: position)
    }

    /// `CASE [operand] WHEN a THEN b ... [ELSE c] END`.
    private mutating func choice() throws(SQLError) -> Syntax.Expression {
        let position = current.position
        try expectWord("CASE")
        let operand = isWord("WHEN") ? nil : try expression()
        var branches: [Syntax.Branch] = []
        while takeWord("WHEN") {
            let condition = try expression()
            try expectWord("THEN")
            branches.append(Syntax.Branch(condition: condition, result: try expression()))
        }
        if branches.isEmpty { throw unexpected("WHEN") }
        let otherwise = takeWord("ELSE") ? try expression() : nil
        guard takeWord("END") else { throw unexpected("WHEN", "ELSE", "END") }
        return try node(.choice(operand: operand, branches: branches, otherwise: otherwise), at: position)
    }

    private mutating func cast() throws(SQLError) -> Syntax.Expression {
        let position = try open()
        let argument = try expression()
        try expectWord("AS")
        let type = try dataType(allowingInterval: true)
        try close()
        return try node(.cast(argument, type), at: position)
    }

    // MARK: Calls by name

    /// What follows a function's name: arguments, treatment of NULLs, OVER.
    mutating func call(_ name: Syntax.Name) throws(SQLError) -> Syntax.Expression {
        var call = Syntax.Call(name: name, arguments: [])
        try expectSign("(")
        if takeSign("*") {
            call.isStar = true
        } else if !isSign(")") {
            call.isDistinct = takeWord("DISTINCT")
            if !call.isDistinct { _ = takeWord("ALL") }
            call.arguments = try expressionList()
            takeNullTreatment(&call)
        }
        guard takeSign(")") else { throw unexpected("an operator", "','", "')'") }
        if isWord("FROM"), isWord("LAST", ahead: 1) || isWord("FIRST", ahead: 1),
            ["OVER", "RESPECT", "IGNORE"].contains(where: { isWord($0, ahead: 2) })
        {
            advance()
            call.isFromLast = isWord("LAST")
            advance()
        }
        takeNullTreatment(&call)
        if isWord("FILTER"), isSign("(", ahead: 1) {
            throw SQLError("FILTER is not supported; aggregate a CASE instead", at: current.position)
        }
        if takeWord("OVER") { call.window = try windowReference() }
        return try node(.call(call), at: name.position)
    }

    private mutating func takeNullTreatment(_ call: inout Syntax.Call) {
        if takeWords("IGNORE", "NULLS") {
            call.nulls = .ignore
        } else if takeWords("RESPECT", "NULLS") {
            call.nulls = .respect
        }
    }
}
