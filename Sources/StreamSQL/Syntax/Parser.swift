/// Reads a program's tokens into its syntax tree, going on at the next statement after an error.

/// A recursive-descent parser. Its parts are the `Parser+*.swift` files: statements, queries, expressions, calls, types.
package struct Parser {
    /// A program's text has at most 100 KB (Developer Guide, "Limits").
    package static let maximumLength = 102_400
    /// How deep expressions and queries may nest, and how long a chain of predicates may be.
    package static let maximumDepth = 128
    /// How many terms a chain of `||`, or of other operators of one precedence, may have. AND and OR have no bound.
    package static let maximumTerms = 2000

    private let tokens: [Token]
    private var index = 0
    var nesting = 0

    private init(_ tokens: [Token]) { self.tokens = tokens }

    /// What a program's text says, as far as it could be understood.
    package struct Result: Sendable {
        package var statements: [Syntax.Statement]
        package var errors: [SQLError]
        /// Names that refused CREATE statements would have defined, so that their readers need not be reported too.
        package var lostNames: Set<String>
    }

    package static func parse(_ text: String) -> Result {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count <= maximumLength else {
            let error = SQLError("a program has at most \(maximumLength) characters, this one has \(scalars.count)", at: .start)
            return Result(statements: [], errors: [error], lostNames: [])
        }
        let (tokens, lexicalErrors) = Lexer.tokens(of: scalars)
        var parser = Parser(tokens)
        var result = parser.program()
        result.errors = (result.errors + lexicalErrors).filter { !$0.isConsequence }.sorted { $0.position < $1.position }
        return result
    }

    /// Reads a text that is one expression.
    package static func expression(_ text: String) throws(ProgramErrors) -> Syntax.Expression {
        try parsed(text) { parser throws(SQLError) in try parser.expression() }
    }

    /// Reads a text that is one whole, whatever that is.
    static func parsed<Whole>(_ text: String, _ read: (inout Parser) throws(SQLError) -> Whole) throws(ProgramErrors) -> Whole {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count <= maximumLength else {
            throw ProgramErrors([SQLError("an expression has at most \(maximumLength) characters", at: .start)])
        }
        let (tokens, errors) = Lexer.tokens(of: scalars)
        if !errors.isEmpty { throw ProgramErrors(errors) }
        var parser = Parser(tokens)
        do throws(SQLError) {
            let whole = try read(&parser)
            guard parser.current.kind == .end else { throw parser.unexpected("an operator", "the end of the expression") }
            return whole
        } catch {
            throw ProgramErrors([error])
        }
    }

    private mutating func program() -> Result {
        var result = Result(statements: [], errors: [], lostNames: [])
        while true {
            while takeSign(";") {}
            if current.kind == .end { return result }
            let start = index
            nesting = 0
            do throws(SQLError) {
                let statement = try statement()
                if current.kind != .end, !isSign(";") { throw unexpected("';' between statements", "the end of the program") }
                result.statements.append(statement)
            } catch {
                result.errors.append(error)
                result.lostNames.formUnion(nameCreated(from: start))
                recover(from: start)
            }
        }
    }

    /// Goes to the next `;`, or to a CREATE, with which only a statement can begin.
    private mutating func recover(from start: Int) {
        if index == start { advance() }
        while current.kind != .end, !isSign(";"), current.kind != .word("CREATE") { advance() }
    }

    /// The name after CREATE [OR REPLACE] kind, if the tokens from `start` read so.
    private func nameCreated(from start: Int) -> Set<String> {
        var at = start
        func kind() -> Token.Kind { at < tokens.count ? tokens[at].kind : .end }
        guard kind() == .word("CREATE") else { return [] }
        at += 1
        if kind() == .word("OR") { at += 2 }
        at += 1
        switch kind() {
        case .word(let name), .quotedName(let name): return [name]
        default: return []
        }
    }

    // MARK: Tokens

    var current: Token { token(0) }

    func token(_ ahead: Int) -> Token {
        // The list ends with `.end`, which stays current for ever.
        tokens[min(index + ahead, tokens.count - 1)]
    }

    mutating func advance() { index = min(index + 1, tokens.count - 1) }

    /// For the few places that must look further ahead than a token or two.
    func mark() -> Int { index }
    mutating func goBack(to mark: Int) { index = mark }

    func isWord(_ word: String, ahead: Int = 0) -> Bool { token(ahead).kind == .word(word) }
    func isSign(_ sign: String, ahead: Int = 0) -> Bool { token(ahead).kind == .sign(sign) }

    mutating func takeWord(_ word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    mutating func takeSign(_ sign: String) -> Bool {
        guard isSign(sign) else { return false }
        advance()
        return true
    }

    /// Takes all the words or none.
    mutating func takeWords(_ words: String...) -> Bool {
        for (offset, word) in words.enumerated() where !isWord(word, ahead: offset) { return false }
        for _ in words { advance() }
        return true
    }

    mutating func expectWord(_ words: String...) throws(SQLError) {
        for word in words where !takeWord(word) { throw unexpected(word) }
    }

    mutating func expectSign(_ sign: String) throws(SQLError) {
        guard takeSign(sign) else { throw unexpected("'\(sign)'") }
    }

    // MARK: Errors

    /// Found one thing where others were expected. Where the lexer has already complained, only a consequence.
    func unexpected(_ expected: String...) -> SQLError {
        let token = current
        if token.kind == .invalid { return .consequence(at: token.position) }
        var message = "found \(token.described), expected \(Self.list(expected))"
        if case .word(let word) = token.kind {
            let keywords = expected.flatMap { $0.split(separator: " ").map(String.init) }.filter { $0.allSatisfy(\.isUppercase) }
            if expected.count > 1, let meant = Suggestion.closest(to: word, among: keywords) {
                message += "; did you mean \(meant)?"
            }
            if Identifiers.reserved.contains(word), expected.contains(where: { $0.contains("name") || $0 == "an expression" }) {
                message += "; \(word) is a reserved word, as a name it needs double quotes"
            }
        }
        return SQLError(message, at: token.position)
    }

    private static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    // MARK: Depth

    /// Counts a level of nesting; the caller takes it off again with `leave`.
    mutating func enter() throws(SQLError) {
        nesting += 1
        if nesting > Self.maximumDepth { throw tooDeep(at: current.position) }
    }

    mutating func leave() { nesting -= 1 }

    func tooDeep(at position: SourcePosition) -> SQLError {
        SQLError("this is nested too deeply; at most \(Self.maximumDepth) levels are allowed", at: position)
    }

    /// A node of an expression, refused when the tree below it is too deep.
    func node(_ kind: Syntax.ExpressionKind, at position: SourcePosition) throws(SQLError) -> Syntax.Expression {
        let expression = Syntax.Expression(kind, at: position)
        if expression.depth > Self.maximumDepth { throw tooDeep(at: position) }
        return expression
    }

    // MARK: Names

    /// A name; a bare one must not be a reserved word.
    mutating func name(_ what: String = "a name") throws(SQLError) -> Syntax.Name {
        guard let name = takeName(allowing: []) else { throw unexpected(what) }
        return name
    }

    mutating func takeName(allowing exceptions: Set<String>) -> Syntax.Name? {
        let token = current
        switch token.kind {
        case .quotedName(let text):
            advance()
            return Syntax.Name(text: text, isQuoted: true, position: token.position)
        case .word(let text) where !Identifiers.reserved.contains(text) || exceptions.contains(text):
            advance()
            return Syntax.Name(text: text, isQuoted: false, position: token.position)
        default: return nil
        }
    }

    mutating func qualifiedName(_ what: String) throws(SQLError) -> Syntax.QualifiedName {
        var last = try name(what)
        var qualifiers: [Syntax.Name] = []
        while isSign(".") {
            advance()
            qualifiers.append(last)
            last = try name(what)
        }
        if qualifiers.count > 2 { throw SQLError("a name has at most three parts: catalog.schema.name", at: last.position) }
        return Syntax.QualifiedName(qualifiers: qualifiers, last: last)
    }

    /// `(a, b, ...)`.
    mutating func nameList(_ what: String) throws(SQLError) -> [Syntax.Name] {
        try expectSign("(")
        var names: [Syntax.Name] = []
        repeat {
            guard let name = takeName(allowing: Identifiers.usableBare) else { throw unexpected(what) }
            names.append(name)
        } while takeSign(",")
        try expectSign(")")
        return names
    }
}
