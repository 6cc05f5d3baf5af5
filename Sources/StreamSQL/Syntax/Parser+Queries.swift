/// Parses queries: SELECT with its clauses, set operations, FROM, windows and ORDER BY.

extension Parser {
    /// Whether a query begins, be it some tokens ahead.
    func beginsQuery(ahead: Int = 0) -> Bool { ["SELECT", "VALUES", "WITH"].contains { isWord($0, ahead: ahead) } }

    /// `[WITH tables] body [ORDER BY terms] [LIMIT n]`.
    mutating func query() throws(SQLError) -> Syntax.Query {
        try enter()
        defer { leave() }
        let position = current.position
        let with = takeWord("WITH") ? try commonTables() : []
        let body = try unions()
        var order: [Syntax.OrderTerm] = []
        if takeWord("ORDER") {
            try expectWord("BY")
            order = try orderTerms()
        }
        return Syntax.Query(body: body, order: order, position: position, with: with, limit: try limit())
    }

    private mutating func commonTables() throws(SQLError) -> [Syntax.CommonTable] {
        var tables: [Syntax.CommonTable] = []
        repeat {
            let name = try name("a name after WITH")
            let columns = isSign("(") ? try nameList("a column's name") : []
            try expectWord("AS")
            try expectSign("(")
            tables.append(Syntax.CommonTable(name: name, columnNames: columns, query: try query()))
            try expectSign(")")
        } while takeSign(",")
        return tables
    }

    private mutating func limit() throws(SQLError) -> Syntax.Limit? {
        let token = current
        guard case .word(let word) = token.kind, ["LIMIT", "OFFSET", "FETCH"].contains(word) else { return nil }
        var limit = Syntax.Limit(count: nil, offset: 0, word: word, position: token.position)
        if takeWord("LIMIT"), !takeWord("ALL") { limit.count = try rowCount() }
        if takeWord("OFFSET") {
            limit.offset = try rowCount()
            _ = takeWord("ROWS") || takeWord("ROW")
        }
        if limit.count == nil, takeWord("FETCH") {
            guard takeWord("FIRST") || takeWord("NEXT") else { throw unexpected("FIRST", "NEXT") }
            limit.count = isWord("ROW") || isWord("ROWS") ? 1 : try rowCount()
            guard takeWord("ROWS") || takeWord("ROW") else { throw unexpected("ROWS") }
            try expectWord("ONLY")
        }
        return limit
    }

    private mutating func rowCount() throws(SQLError) -> Int {
        let position = current.position
        guard case .literal(.integer(let count), let type)? = try takeNumber(isNegative: false), type.isInteger,
            let rows = Int(exactly: count)
        else { throw SQLError("a number of rows is a whole number written out", at: position) }
        return rows
    }

    // MARK: Set operations

    private mutating func unions() throws(SQLError) -> Syntax.QueryBody {
        try chain(of: ["UNION", "EXCEPT"], intersections: true)
    }

    /// A chain of set operators; operands of UNION and EXCEPT are chains of INTERSECT, which binds tighter.
    private mutating func chain(of words: [String], intersections: Bool) throws(SQLError) -> Syntax.QueryBody {
        let position = current.position
        var body = intersections ? try chain(of: ["INTERSECT"], intersections: false) : try queryPrimary()
        var operands: [Syntax.Query] = []
        var operation: Syntax.SetOperator?
        var changes = 0
        while let word = words.first(where: { isWord($0) }) {
            let at = current.position
            advance()
            var next: Syntax.SetOperator = word == "UNION" ? .union : word == "EXCEPT" ? .except : .intersect
            if takeWord("ALL") {
                guard word == "UNION" else { throw SQLError("\(word) ALL is not supported, only \(word)", at: at) }
                next = .unionAll
            } else {
                _ = takeWord("DISTINCT")
            }
            if next != operation {
                if let operation { body = .set(operation, operands) }
                operands = [Syntax.Query(body: body, order: [], position: position)]
                operation = next
                changes += 1
                if changes + nesting > Self.maximumDepth { throw tooDeep(at: at) }
            }
            let operandPosition = current.position
            let operand = intersections ? try chain(of: ["INTERSECT"], intersections: false) : try queryPrimary()
            operands.append(Syntax.Query(body: operand, order: [], position: operandPosition))
        }
        return operation.map { .set($0, operands) } ?? body
    }

    private mutating func queryPrimary() throws(SQLError) -> Syntax.QueryBody {
        if isWord("SELECT") { return .select(try select()) }
        if takeWord("VALUES") { return .values(try valueRows()) }
        guard takeSign("(") else { throw unexpected("SELECT", "VALUES", "'('") }
        let inner = try query()
        try expectSign(")")
        return .parenthesized(inner)
    }

    private mutating func valueRows() throws(SQLError) -> [[Syntax.Expression]] {
        var rows: [[Syntax.Expression]] = []
        repeat {
            try expectSign("(")
            rows.append(try expressionList())
            try expectSign(")")
        } while takeSign(",")
        return rows
    }

    // MARK: SELECT

    private mutating func select() throws(SQLError) -> Syntax.Select {
        let position = current.position
        try expectWord("SELECT")
        let isStream = takeWord("STREAM")
        let isDistinct = takeWord("DISTINCT")
        if !isDistinct { _ = takeWord("ALL") }
        var select = Syntax.Select(
            isStream: isStream, isDistinct: isDistinct, items: try selectItems(), windows: [], position: position,
            groupPosition: position)
        if takeWord("FROM") {
            select.from = try tableReferences()
        } else if current.kind != .end, !isSign(";"), !isSign(")"), !Self.afterSelect.contains(where: { isWord($0) }) {
            throw unexpected("','", "FROM")
        }
        if takeWord("WHERE") { select.filter = try expression() }
        select.groupPosition = current.position
        if takeWord("GROUP") {
            try expectWord("BY")
            select.groupBy = try groupTerms()
            if beginsFill { select.fill = try fill() }
        } else if takeWord("WINDOWED") {
            try expectWord("BY", "STAGGER")
            select.stagger = try stagger()
        }
        if takeWord("HAVING") { select.having = try expression() }
        if takeWord("WINDOW") {
            repeat {
                let name = try name("the window's name")
                try expectWord("AS")
                select.windows.append(Syntax.NamedWindow(name: name, window: try windowInParentheses()))
            } while takeSign(",")
        }
        return select
    }

    /// Words that may follow a SELECT without FROM.
    private static let afterSelect = ["UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "OFFSET", "FETCH", "WHERE"]

    private mutating func selectItems() throws(SQLError) -> [Syntax.SelectItem] {
        var items: [Syntax.SelectItem] = []
        repeat { items.append(try selectItem()) } while takeSign(",")
        return items
    }

    private mutating func selectItem() throws(SQLError) -> Syntax.SelectItem {
        let position = current.position
        if takeSign("*") { return .star(position) }
        if let name = takeQualifiedStar() { return .qualifiedStar(name) }
        let expression = try expression()
        if takeWord("AS") {
            guard let alias = takeName(allowing: Identifiers.usableBare) else { throw unexpected("a name after AS") }
            return .expression(expression, alias: alias)
        }
        return .expression(expression, alias: takeName(allowing: []))
    }

    /// `a.b.*`.
    private mutating func takeQualifiedStar() -> Syntax.QualifiedName? {
        let start = mark()
        var names: [Syntax.Name] = []
        while let name = takeName(allowing: []), takeSign(".") {
            names.append(name)
            if takeSign("*") { return Syntax.QualifiedName(qualifiers: Array(names.dropLast()), last: name) }
        }
        goBack(to: start)
        return nil
    }

    private mutating func groupTerms() throws(SQLError) -> [Syntax.Expression] {
        try expressionList().flatMap(Self.parts)
    }

    /// The terms of a list in parentheses, or the one term.
    private static func parts(of term: Syntax.Expression) -> [Syntax.Expression] {
        if case .row(let parts) = term.kind { parts } else { [term] }
    }

    private mutating func stagger() throws(SQLError) -> Syntax.Stagger {
        try expectSign("(")
        try expectWord("PARTITION", "BY")
        let partition = try expressionList()
        try expectWord("RANGE")
        let range = try expression()
        try expectSign(")")
        return Syntax.Stagger(partition: partition, range: range)
    }

    mutating func orderTerms() throws(SQLError) -> [Syntax.OrderTerm] {
        var terms: [Syntax.OrderTerm] = []
        repeat {
            let expression = try expression()
            if takeWord("WITHIN") {
                terms.append(Syntax.OrderTerm(expression: expression, isDescending: false, within: try self.expression()))
                continue
            }
            let isDescending = takeWord("DESC")
            if !isDescending { _ = takeWord("ASC") }
            let nullsFirst = takeWords("NULLS", "FIRST") ? true : takeWords("NULLS", "LAST") ? false : nil
            terms.append(Syntax.OrderTerm(expression: expression, isDescending: isDescending, nullsFirst: nullsFirst))
        } while takeSign(",")
        return terms
    }

    // MARK: FROM

    private mutating func tableReferences() throws(SQLError) -> Syntax.TableReference {
        var reference = try joinedTable()
        while isSign(",") {
            let position = current.position
            advance()
            reference = try join(.cross, reference, try joinedTable(), .none, at: position)
        }
        return reference
    }

    private mutating func joinedTable() throws(SQLError) -> Syntax.TableReference {
        var left = try tablePrimary()
        while true {
            let position = current.position
            let isNatural = takeWord("NATURAL")
            let kind: Syntax.JoinKind
            if takeWord("CROSS") {
                kind = .cross
            } else if takeWord("LEFT") {
                kind = .left
            } else if takeWord("RIGHT") {
                kind = .right
            } else if takeWord("FULL") {
                kind = .full
            } else if takeWord("INNER") || isWord("JOIN") || isNatural {
                kind = .inner
            } else {
                return left
            }
            if kind != .cross, kind != .inner { _ = takeWord("OUTER") }
            try expectWord("JOIN")
            let right = try tablePrimary()
            let condition: Syntax.JoinCondition
            if isNatural {
                condition = .natural
            } else if kind == .cross {
                condition = .none
            } else if takeWord("ON") {
                condition = .on(try expression())
            } else if takeWord("USING") {
                condition = .using(try nameList("a column's name"))
            } else {
                throw unexpected("ON", "USING")
            }
            left = try join(kind, left, right, condition, at: position)
        }
    }

    private func join(
        _ kind: Syntax.JoinKind, _ left: Syntax.TableReference, _ right: Syntax.TableReference, _ condition: Syntax.JoinCondition,
        at position: SourcePosition
    ) throws(SQLError) -> Syntax.TableReference {
        let depth = 1 + max(left.depth, right.depth)
        if depth > Self.maximumDepth { throw tooDeep(at: position) }
        return Syntax.TableReference(
            kind: .join(kind, left, right, condition), columnNames: [], position: position, depth: depth)
    }

    private mutating func tablePrimary() throws(SQLError) -> Syntax.TableReference {
        try enter()
        defer { leave() }
        let position = current.position
        var kind: Syntax.TableReferenceKind
        if takeWord("TABLE") {
            kind = try tableFunction()
        } else if isSign("(") {
            // Parentheses may open a query or a join; the first word after them tells.
            var inside = 1
            while isSign("(", ahead: inside), inside <= Self.maximumDepth { inside += 1 }
            if beginsQuery(ahead: inside) {
                advance()
                kind = .subquery(try query())
                try expectSign(")")
            } else {
                advance()
                let inner = try tableReferences()
                try expectSign(")")
                return inner
            }
        } else {
            kind = .named(try qualifiedName("the name of a stream, a view, TABLE(...) or a subquery"))
        }
        var reference = Syntax.TableReference(kind: kind, columnNames: [], position: position, depth: 1)
        if takeWord("OVER") { reference.window = try windowReference() }
        try alias(of: &reference)
        guard beginsMatch else { return reference }
        let match = try matchRecognize()
        var matches = Syntax.TableReference(
            kind: .match(reference, match), columnNames: [], position: match.position, depth: reference.depth + 1)
        try alias(of: &matches)
        return matches
    }

    /// `[AS] name [(columns)]`.
    private mutating func alias(of reference: inout Syntax.TableReference) throws(SQLError) {
        if takeWord("AS") {
            reference.alias = try name("a name after AS")
        } else if !beginsMatch {
            reference.alias = takeName(allowing: [])
        }
        if reference.alias != nil, isSign("(") { reference.columnNames = try nameList("a column's name") }
    }

    /// What follows TABLE: `(F(CURSOR(query), ...))`. An extension, after the table functions of SQL:2016: PARTITION BY a term, or terms in
    /// parentheses, after the cursor; or terms after the call.
    private mutating func tableFunction() throws(SQLError) -> Syntax.TableReferenceKind {
        try expectSign("(")
        let function = try name("the table function's name")
        try expectSign("(")
        var arguments: [Syntax.TableArgument] = []
        if !isSign(")") {
            repeat {
                if isWord("CURSOR") {
                    advance()
                    try expectSign("(")
                    let query = try query()
                    try expectSign(")")
                    var partition: [Syntax.Expression] = []
                    if takeWord("PARTITION") {
                        try expectWord("BY")
                        // One term: a comma ends the argument.
                        partition = Self.parts(of: try expression())
                    }
                    arguments.append(.cursor(query, partition: partition))
                } else {
                    arguments.append(.expression(try expression()))
                }
            } while takeSign(",")
        }
        guard takeSign(")") else { throw unexpected("','", "')'") }
        var partition: [Syntax.Expression] = []
        if takeWord("PARTITION") {
            try expectWord("BY")
            partition = try groupTerms()
        }
        try expectSign(")")
        return .function(function, arguments, partition: partition)
    }

    // MARK: Windows

    /// What follows OVER: a name or a specification in parentheses.
    mutating func windowReference() throws(SQLError) -> Syntax.Window {
        if isSign("(") { return try windowInParentheses() }
        let name = try name("the name of a window")
        return Syntax.Window(base: name, partition: [], order: [], position: name.position)
    }

    private mutating func windowInParentheses() throws(SQLError) -> Syntax.Window {
        var window = Syntax.Window(partition: [], order: [], position: current.position)
        try expectSign("(")
        // PARTITION, ORDER, RANGE and ROWS are reserved, so a name here can only be another window's.
        window.base = takeName(allowing: [])
        if takeWord("PARTITION") {
            try expectWord("BY")
            window.partition = try expressionList()
        }
        if takeWord("ORDER") {
            try expectWord("BY")
            window.order = try orderTerms()
        }
        if isWord("RANGE") || isWord("ROWS") { window.frame = try frame() }
        guard takeSign(")") else { throw unexpected("PARTITION BY", "ORDER BY", "RANGE", "ROWS", "')'") }
        return window
    }

    private mutating func frame() throws(SQLError) -> Syntax.Frame {
        let isRange = isWord("RANGE")
        advance()
        guard takeWord("BETWEEN") else { return Syntax.Frame(isRange: isRange, start: try frameBound(), end: .currentRow) }
        let start = try frameBound()
        try expectWord("AND")
        return Syntax.Frame(isRange: isRange, start: start, end: try frameBound())
    }

    private mutating func frameBound() throws(SQLError) -> Syntax.FrameBound {
        if takeWord("CURRENT") {
            try expectWord("ROW")
            return .currentRow
        }
        if takeWord("UNBOUNDED") {
            if takeWord("PRECEDING") { return .unboundedPreceding }
            if takeWord("FOLLOWING") { return .unboundedFollowing }
            throw unexpected("PRECEDING", "FOLLOWING")
        }
        // Not a whole expression: AND ends the bound.
        let amount = try expression(above: .sum)
        if takeWord("PRECEDING") { return .preceding(amount) }
        if takeWord("FOLLOWING") { return .following(amount) }
        throw unexpected("PRECEDING", "FOLLOWING")
    }
}
