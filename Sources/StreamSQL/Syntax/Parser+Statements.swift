/// Parses statements: CREATE, DROP, ALTER PUMP, INSERT and bare queries.

extension Parser {
    mutating func statement() throws(SQLError) -> Syntax.Statement {
        let position = current.position
        let kind: Syntax.StatementKind
        switch current.kind {
        case .word("CREATE"): kind = try create()
        case .word("DROP"): kind = try drop()
        case .word("ALTER"): kind = try alterPump()
        case .word("INSERT"): kind = .insert(try insert())
        case .word("SELECT"), .word("VALUES"), .word("WITH"), .sign("("): kind = .query(try query())
        default: throw unexpected("CREATE", "DROP", "ALTER", "INSERT", "SELECT")
        }
        return Syntax.Statement(kind: kind, position: position)
    }

    // MARK: CREATE

    private mutating func create() throws(SQLError) -> Syntax.StatementKind {
        try expectWord("CREATE")
        var orReplace = false
        if takeWord("OR") {
            try expectWord("REPLACE")
            orReplace = true
            if isWord("RENAME") { throw SQLError("RENAME is not supported yet", at: current.position) }
        }
        if takeWord("STREAM") { return .createStream(try createStream(orReplace)) }
        if takeWord("PUMP") { return .createPump(try createPump(orReplace)) }
        let isMaterialized = takeWords("MATERIALIZED")
        if isMaterialized, !isWord("VIEW") { throw unexpected("VIEW") }
        if takeWord("VIEW") { return .createView(try createView(orReplace, isMaterialized: isMaterialized)) }
        if takeWord("FUNCTION") { return .createFunction(try createFunction(orReplace)) }
        throw orReplace
            ? unexpected("STREAM", "PUMP", "VIEW", "MATERIALIZED VIEW", "FUNCTION")
            : unexpected("OR REPLACE", "STREAM", "PUMP", "VIEW", "MATERIALIZED VIEW", "FUNCTION")
    }

    private mutating func createStream(_ orReplace: Bool) throws(SQLError) -> Syntax.CreateStream {
        let name = try qualifiedName("the stream's name")
        let columns = try columnDeclarations("a column's name")
        try descriptionAndOptions()
        return Syntax.CreateStream(name: name, orReplace: orReplace, columns: columns)
    }

    /// `(name type [NOT NULL], ...)`.
    private mutating func columnDeclarations(_ what: String) throws(SQLError) -> [Syntax.ColumnDeclaration] {
        try expectSign("(")
        var columns: [Syntax.ColumnDeclaration] = []
        repeat {
            guard let name = takeName(allowing: Identifiers.usableBare) else { throw unexpected(what) }
            let type = try dataType()
            var notNull = false
            if takeWord("NOT") {
                try expectWord("NULL")
                notNull = true
            } else {
                _ = takeWord("NULL")
            }
            try descriptionAndOptions()
            columns.append(Syntax.ColumnDeclaration(name: name, type: type, notNull: notNull))
        } while takeSign(",")
        guard takeSign(")") else { throw unexpected("','", "')'") }
        return columns
    }

    /// `[DESCRIPTION 'text'] [OPTIONS (...)]`: read and forgotten.
    private mutating func descriptionAndOptions() throws(SQLError) {
        while true {
            if takeWord("DESCRIPTION") {
                guard case .string = current.kind else { throw unexpected("a description in single quotes") }
                advance()
            } else if isWord("OPTIONS"), isSign("(", ahead: 1) {
                advance()
                advance()
                var open = 1
                while open > 0 {
                    if current.kind == .end { throw unexpected("')'") }
                    if isSign("(") { open += 1 }
                    if isSign(")") { open -= 1 }
                    advance()
                }
            } else {
                return
            }
        }
    }

    private mutating func createPump(_ orReplace: Bool) throws(SQLError) -> Syntax.CreatePump {
        let name = try qualifiedName("the pump's name")
        let isStopped = takeWord("STOPPED")
        if !isStopped { _ = takeWord("STARTED") }
        try descriptionAndOptions()
        guard takeWord("AS") else { throw unexpected("AS INSERT INTO") }
        let insert = try insert()
        return Syntax.CreatePump(name: name, orReplace: orReplace, isStopped: isStopped, insert: insert)
    }

    private mutating func createView(_ orReplace: Bool, isMaterialized: Bool) throws(SQLError) -> Syntax.CreateView {
        let name = try qualifiedName("the view's name")
        let columns = isSign("(") ? try nameList("a column's name") : []
        try descriptionAndOptions()
        try expectWord("AS")
        return Syntax.CreateView(
            name: name, orReplace: orReplace, columnNames: columns, query: try query(), isMaterialized: isMaterialized)
    }

    private mutating func createFunction(_ orReplace: Bool) throws(SQLError) -> Syntax.CreateFunction {
        let name = try qualifiedName("the function's name")
        var parameters: [Syntax.ColumnDeclaration] = []
        if isSign("("), isSign(")", ahead: 1) {
            advance()
            advance()
        } else {
            parameters = try columnDeclarations("a parameter's name")
        }
        try expectWord("RETURNS")
        let result = try dataType()
        var returnsNullOnNull = false
        while !takeWord("RETURN") {
            if takeWord("LANGUAGE") {
                guard takeWord("SQL") else { throw unexpected("SQL") }
            } else if takeWord("SPECIFIC") {
                _ = try qualifiedName("the function's specific name")
            } else if takeWords("RETURNS", "NULL", "ON", "NULL", "INPUT") {
                returnsNullOnNull = true
            } else if !takeWord("DETERMINISTIC"), !takeWords("NOT", "DETERMINISTIC"), !takeWords("CONTAINS", "SQL"),
                !takeWords("READS", "SQL", "DATA"), !takeWords("MODIFIES", "SQL", "DATA"),
                !takeWords("CALLED", "ON", "NULL", "INPUT")
            {
                throw unexpected("LANGUAGE SQL", "CONTAINS SQL", "RETURN")
            }
        }
        return Syntax.CreateFunction(
            name: name, orReplace: orReplace, parameters: parameters, result: result, returnsNullOnNull: returnsNullOnNull,
            body: try expression())
    }

    // MARK: DROP, ALTER, INSERT

    private mutating func drop() throws(SQLError) -> Syntax.StatementKind {
        try expectWord("DROP")
        if isWord("MATERIALIZED"), isWord("VIEW", ahead: 1) { advance() }
        guard case .word(let word) = current.kind, let kind = Syntax.ObjectKind(rawValue: word) else {
            throw unexpected("STREAM", "PUMP", "VIEW", "FUNCTION")
        }
        advance()
        let ifExists = takeWords("IF", "EXISTS")
        let name = try qualifiedName("the \(word.lowercased())'s name")
        _ = takeWord("CASCADE") || takeWord("RESTRICT")
        return .drop(kind, name, ifExists: ifExists)
    }

    private mutating func alterPump() throws(SQLError) -> Syntax.StatementKind {
        try expectWord("ALTER", "PUMP")
        let name = try qualifiedName("the pump's name")
        if takeWord("START") { return .alterPump(name, start: true) }
        if takeWord("STOP") { return .alterPump(name, start: false) }
        throw unexpected("START", "STOP")
    }

    private mutating func insert() throws(SQLError) -> Syntax.Insert {
        let position = current.position
        try expectWord("INSERT")
        _ = takeWord("EXPEDITED")
        try expectWord("INTO")
        let target = try qualifiedName("the name of the stream to insert into")
        // A parenthesis may open the column list or the query.
        let hasColumns = isSign("(") && !beginsQuery(ahead: 1) && !isSign("(", ahead: 1)
        let columns = hasColumns ? try nameList("a column's name") : []
        return Syntax.Insert(target: target, columnNames: columns, query: try query(), position: position)
    }
}
