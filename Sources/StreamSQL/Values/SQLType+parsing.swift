/// Types from their SQL text: SqlType of an InputSchema, `type` of a replay schema.

extension SQLType {
    /// Why a text names no column type, in words for its author.
    public struct ParseError: Error, Sendable, Hashable {
        public var message: String
    }

    /// Reads a column type such as `VARCHAR(8)`, `DECIMAL(5,2)`, `double precision`; INTERVAL is none. VARCHAR, VARBINARY without a
    /// length have the greatest one; CHAR and BINARY have 1.
    public init(parsing text: String) throws(ParseError) {
        let upper = text.uppercased()
        var name = upper[...]
        var parameters: [Int] = []
        if let open = upper.firstIndex(of: "(") {
            name = upper[..<open]
            let rest = upper[upper.index(after: open)...].trimmingSuffixBlanks
            guard rest.last == ")" else { throw ParseError(message: "'\(text)' lacks a closing parenthesis") }
            for part in rest.dropLast().split(separator: ",", omittingEmptySubsequences: false) {
                guard let number = Int(part.trimmingSuffixBlanks.drop { $0 == " " }), number >= 0 else {
                    throw ParseError(message: "'\(text)' has '\(part)' where a number belongs")
                }
                parameters.append(number)
            }
        }
        let words = name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        self = try Self.make(words, parameters, text)
    }

    /// The type of a name in upper case, words separated by one blank, and its parameters.
    static func make(_ name: String, _ parameters: [Int], _ text: String) throws(ParseError) -> SQLType {
        switch name {
        case "CHAR", "CHARACTER": return .char(try length(parameters, 1, text))
        case "VARCHAR", "CHAR VARYING", "CHARACTER VARYING": return .varchar(try length(parameters, 65_535, text))
        case "BINARY": return .binary(try length(parameters, 1, text))
        case "VARBINARY", "BINARY VARYING": return .varbinary(try length(parameters, 65_535, text))
        case "DECIMAL", "DEC", "NUMERIC":
            guard parameters.count <= 2 else { throw ParseError(message: "'\(text)' has more than precision and scale") }
            let precision = parameters.first ?? 18
            let scale = parameters.dropFirst().first ?? 0
            guard (1...19).contains(precision) else { throw ParseError(message: "the precision of '\(text)' is not 1 to 18") }
            guard scale <= min(precision, 18) else { throw ParseError(message: "the scale of '\(text)' is not 0 to its precision") }
            return .decimal(precision: min(precision, 18), scale: scale)
        case "TIME", "TIMESTAMP", "FLOAT":
            guard parameters.count <= 1 else { throw ParseError(message: "'\(text)' has more than one parameter") }
            return name == "TIME" ? .time : name == "TIMESTAMP" ? .timestamp : .double
        default: break
        }
        let plain: [String: SQLType] = [
            "BOOLEAN": .boolean, "TINYINT": .tinyint, "SMALLINT": .smallint, "INTEGER": .integer, "INT": .integer,
            "BIGINT": .bigint,
            "REAL": .real, "DOUBLE": .double, "DOUBLE PRECISION": .double, "DATE": .date,
        ]
        guard let type = plain[name] else { throw ParseError(message: "'\(text)' is not a column type") }
        guard parameters.isEmpty else { throw ParseError(message: "\(name) takes no parameters: '\(text)'") }
        return type
    }

    private static func length(_ parameters: [Int], _ missing: Int, _ text: String) throws(ParseError) -> Int {
        guard parameters.count <= 1 else { throw ParseError(message: "'\(text)' has more than a length") }
        let length = parameters.first ?? missing
        guard (1...65_535).contains(length) else { throw ParseError(message: "the length of '\(text)' is not 1 to 65535") }
        return length
    }
}

extension Substring {
    fileprivate var trimmingSuffixBlanks: Substring {
        var rest = self
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return rest
    }
}
