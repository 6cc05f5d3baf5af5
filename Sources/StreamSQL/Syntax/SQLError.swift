/// What is wrong with a program, and where.

/// A place in a program's text. Lines and columns count from 1; a column is one character.
public struct SourcePosition: Hashable, Sendable, Comparable {
    public var line: Int
    public var column: Int
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    public static let start = SourcePosition(line: 1, column: 1)
    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// One reason why a program is refused, in words for its author.
public struct SQLError: Error, Sendable, Hashable, CustomStringConvertible {
    public var position: SourcePosition
    public var message: String
    /// True if the reason was already reported elsewhere in the program; such errors are not shown.
    package var isConsequence = false

    public init(_ message: String, at position: SourcePosition) {
        self.message = message
        self.position = position
    }

    /// An error that only follows from one reported before.
    package static func consequence(at position: SourcePosition) -> SQLError {
        var error = SQLError("follows from another error", at: position)
        error.isConsequence = true
        return error
    }

    /// `LINE:COLUMN: message`, as `millrace sql replay` prints it.
    public var description: String { "\(position.line):\(position.column): \(message)" }
}

/// All the reasons why a program is refused: at least one, in the order of the text.
public struct ProgramErrors: Error, Sendable, Hashable, CustomStringConvertible {
    public var errors: [SQLError]
    public init(_ errors: [SQLError]) { self.errors = errors }
    /// One line for each error.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}
