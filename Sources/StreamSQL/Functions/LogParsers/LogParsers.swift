/// The table of log parsers.

/// A log parser before its arguments are known.
struct LogParserFunction: Sendable {
    var name: String
    var aliases: [String] = []
    /// What the arguments after the text make; nil for one that is no literal.
    var make: @Sendable (_ arguments: [SQLValue?]) throws(SignatureError) -> LogParser
}

enum LogParsers {
    static let all: [LogParserFunction] = [.regex, .fastRegex, .fixedColumn, .variableColumn, .w3c, .sys]

    static func named(_ name: String) -> LogParserFunction? { all.first { $0.name == name || $0.aliases.contains(name) } }
    static var names: [String] { all.map(\.name) }

    /// An argument that is a text; its position counts from the text that is parsed.
    static func text(_ arguments: [SQLValue?], _ place: Int, _ what: String) throws(SignatureError) -> String {
        guard arguments.indices.contains(place), case .text(let text)? = arguments[place] else {
            throw SignatureError("\(what) must be a text in single quotes", argument: place + 1)
        }
        return text
    }

    static func check(_ arguments: [SQLValue?], _ range: ClosedRange<Int>) throws(SignatureError) {
        guard range.contains(arguments.count) else {
            let wanted = range.count == 1 ? "\(range.lowerBound + 1)" : "\(range.lowerBound + 1) to \(range.upperBound + 1)"
            throw SignatureError("takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count + 1)")
        }
    }

    /// A pattern's mistake is the program's, not a row's.
    static func compiled<Pattern>(_ place: Int, _ compile: () throws(RowFailure) -> Pattern) throws(SignatureError) -> Pattern {
        do throws(RowFailure) { return try compile() } catch { throw SignatureError(error.message, argument: place + 1) }
    }

    static let mostFields = 1000
}
