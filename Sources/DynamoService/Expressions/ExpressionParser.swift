/// What the parsers of all expressions share: tokens one after the other, paths, placeholders, bounds, and the words of errors.

import AWSWire

/// A position among the tokens of one expression.
struct ExpressionParser {
    /// As messages name it, such as `ConditionExpression`.
    let parameter: String
    private let lexer: Lexer
    /// The number of the next token.
    private(set) var position = 0
    /// The tokens of the parentheses that closed last.
    var lastParenthesis: Range<Int>?
    var inputs: ExpressionInputs
    private var depth = 0
    private var operators = 0

    /// How deep parentheses, functions and NOTs may stand inside each other.
    private static let mostDepth = 100
    /// The most operators and functions (Developer Guide, "Expression parameters").
    private static let mostOperators = 300

    init(_ text: String, of parameter: String, _ inputs: ExpressionInputs) throws(AWSError) {
        self.parameter = parameter
        self.inputs = inputs
        let bytes = Array(text.utf8)
        guard bytes.contains(where: { $0 > 0x20 }) else {
            throw .invalid("Invalid \(parameter): The expression can not be empty;")
        }
        guard bytes.count <= Lexer.mostBytes else {
            throw .invalid(
                "Invalid \(parameter): Expression size has exceeded the maximum allowed size; expression size: \(bytes.count)")
        }
        do throws(Lexer.Stray) {
            lexer = try Lexer(bytes)
        } catch {
            let near = bytes[max(0, error.position - 8)..<min(bytes.count, error.position + 8)]
            let token = String(decoding: bytes[error.position...], as: UTF8.self).prefix(1)
            throw .invalid(
                "Invalid \(parameter): Syntax error; token: \"\(token)\", near: \"\(String(decoding: near, as: UTF8.self))\"")
        }
    }

    // MARK: Tokens

    var kind: Lexer.Kind { lexer.tokens[position].kind }

    /// The bytes of the next token.
    var bytes: ArraySlice<UInt8> { lexer.text[lexer.tokens[position].range] }

    var isAtEnd: Bool { kind == .end }

    mutating func advance() {
        if position < lexer.tokens.count - 1 { position += 1 }
    }

    /// Whether the token after the next is a sign.
    func isFollowed(by sign: String) -> Bool {
        guard position + 1 < lexer.tokens.count else { return false }
        return lexer.text[lexer.tokens[position + 1].range].elementsEqual(sign.utf8)
    }

    /// Passes over a sign, if it is the next.
    mutating func take(_ sign: String) -> Bool {
        guard kind == .sign, bytes.elementsEqual(sign.utf8) else { return false }
        advance()
        return true
    }

    /// Passes over a word in any case, if it is the next.
    mutating func take(word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    /// Whether a word in any case is the next.
    func isWord(_ word: String) -> Bool {
        kind == .name && bytes.count == word.utf8.count && zip(bytes, word.utf8).allSatisfy { $0 & ~0x20 == $1 & ~0x20 }
    }

    mutating func expect(_ sign: String) throws(AWSError) {
        guard take(sign) else { throw syntaxError() }
    }

    func expectEnd() throws(AWSError) {
        guard isAtEnd else { throw syntaxError() }
    }

    // MARK: Errors

    func error(_ message: String) -> AWSError { .invalid("Invalid \(parameter): \(message)") }

    func syntaxError() -> AWSError {
        let tokens = lexer.tokens
        let token = isAtEnd ? "<EOF>" : String(decoding: bytes, as: UTF8.self)
        let start = tokens[max(0, position - 1)].range.lowerBound
        let end = tokens[min(tokens.count - 1, position + 1)].range.upperBound
        return error("Syntax error; token: \"\(token)\", near: \"\(String(decoding: lexer.text[start..<end], as: UTF8.self))\"")
    }

    // MARK: Bounds

    /// Reads something inside something.
    mutating func within<Result>(
        _ body: (inout ExpressionParser) throws(AWSError) -> Result
    ) throws(AWSError) -> Result {
        guard depth < Self.mostDepth else { throw error("The expression is nested too deeply; maximum depth: \(Self.mostDepth)") }
        depth += 1
        let result = try body(&self)
        depth -= 1
        return result
    }

    mutating func countOperator() throws(AWSError) {
        operators += 1
        guard operators <= Self.mostOperators else {
            throw error(
                "The expression contains too many operators or functions; maximum allowed: \(Self.mostOperators)")
        }
    }

    // MARK: Parts

    /// A path: names, placeholders, places in lists.
    mutating func path() throws(AWSError) -> DocumentPath {
        var path = DocumentPath(try name())
        while true {
            if take(".") {
                path.steps.append(.name(try name()))
            } else if take("[") {
                guard kind == .number, bytes.count <= 9, let index = Int(String(decoding: bytes, as: UTF8.self)) else {
                    throw syntaxError()
                }
                advance()
                try expect("]")
                path.steps.append(.index(index))
            } else {
                break
            }
            guard path.steps.count < DocumentPath.mostSteps else {
                throw error(
                    "The document path has too many nesting elements; nesting levels: \(path.steps.count + 1)")
            }
        }
        return path
    }

    private mutating func name() throws(AWSError) -> AttributeName {
        let name = AttributeName(bytes)
        switch kind {
        case .name:
            guard !ReservedWords.contains(name) else {
                throw error("Attribute name is a reserved keyword; reserved keyword: \(String(decoding: name, as: UTF8.self))")
            }
            advance()
            return name
        case .namePlaceholder:
            advance()
            guard let resolved = inputs.name(name) else {
                throw error(
                    "An expression attribute name used in the document path is not defined; attribute name: "
                        + String(decoding: name, as: UTF8.self))
            }
            return resolved
        default: throw syntaxError()
        }
    }

    /// What a value's placeholder, which is next, stands for.
    mutating func value() throws(AWSError) -> AttributeValue {
        let name = AttributeName(bytes)
        guard kind == .valuePlaceholder else { throw syntaxError() }
        advance()
        guard let value = inputs.value(name) else {
            throw error(
                "An expression attribute value used in expression is not defined; attribute value: "
                    + String(decoding: name, as: UTF8.self))
        }
        return value
    }
}

extension ExpressionParser {
    /// Reads a ProjectionExpression.
    static func projection(_ text: String, _ inputs: inout ExpressionInputs) throws(AWSError) -> [DocumentPath] {
        var parser = try ExpressionParser(text, of: "ProjectionExpression", inputs)
        var paths: [DocumentPath] = []
        repeat { paths.append(try parser.path()) } while parser.take(",")
        try parser.expectEnd()
        try parser.checkApart(paths)
        inputs = parser.inputs
        return paths
    }

    /// Checks that no path leads to another.
    func checkApart(_ paths: [DocumentPath]) throws(AWSError) {
        let groups = Dictionary(grouping: paths, by: \.attribute)
        for group in groups.values where group.count > 1 {
            for (index, path) in group.enumerated() {
                for other in group[..<index] {
                    let verb: String
                    switch other.relation(to: path) {
                    case .apart: continue
                    case .overlapping: verb = "overlap"
                    case .conflicting: verb = "conflict"
                    }
                    throw error(
                        "Two document paths \(verb) with each other; must remove or rewrite one of these paths; path one: "
                            + "\(other.shown), path two: \(path.shown)")
                }
            }
        }
    }
}
