/// Parses type names, interval qualifiers and literals.

extension Parser {
    // MARK: Types

    /// The length of a VARCHAR or VARBINARY that names none.
    static let maximumLengthOfType = 65_535

    /// A type's name with its parameters (SQL Reference, "Data Types").
    mutating func dataType(allowingInterval: Bool = false) throws(SQLError) -> SQLType {
        let token = current
        guard case .word(let word) = token.kind else { throw unexpected("a type") }
        advance()
        switch word {
        case "BOOLEAN": return .boolean
        case "TINYINT": return .tinyint
        case "SMALLINT": return .smallint
        case "INTEGER", "INT": return .integer
        case "BIGINT": return .bigint
        case "DECIMAL", "DEC", "NUMERIC": return try decimalType()
        case "REAL": return .real
        case "FLOAT":
            _ = try parameter(of: "FLOAT", in: 1...53)
            return .double
        case "DOUBLE":
            _ = takeWord("PRECISION")
            return .double
        case "CHAR", "CHARACTER", "VARCHAR": return try characterType(word)
        case "BINARY": return .binary(try parameter(of: word, in: 1...Self.maximumLengthOfType) ?? 1)
        case "VARBINARY": return .varbinary(try parameter(of: word, in: 1...Self.maximumLengthOfType) ?? Self.maximumLengthOfType)
        case "DATE": return .date
        case "TIME":
            _ = try parameter(of: word, in: 0...9)
            return .time
        case "TIMESTAMP":
            _ = try parameter(of: word, in: 0...9)
            return .timestamp
        case "INTERVAL":
            guard allowingInterval else { throw SQLError("INTERVAL is a type of expressions, not of columns", at: token.position) }
            return .interval(try intervalQualifier())
        default:
            let hint = Suggestion.closest(to: word, among: Self.typeNames).map { "; did you mean \($0)?" } ?? ""
            throw SQLError("there is no type \(token.described)\(hint)", at: token.position)
        }
    }

    private static let typeNames = [
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "NUMERIC", "REAL", "FLOAT", "DOUBLE", "CHAR", "VARCHAR",
        "BINARY", "VARBINARY", "DATE", "TIME", "TIMESTAMP",
    ]

    private mutating func characterType(_ word: String) throws(SQLError) -> SQLType {
        let varies = word == "VARCHAR" || takeWord("VARYING")
        let length = try parameter(of: varies ? "VARCHAR" : "CHAR", in: 1...Self.maximumLengthOfType)
        if takeWords("CHARACTER", "SET") { _ = try qualifiedName("a character set") }
        return varies ? .varchar(length ?? Self.maximumLengthOfType) : .char(length ?? 1)
    }

    /// Precision and scale of at most 18; the 19 that one page of the reference allows is taken for 18.
    private mutating func decimalType() throws(SQLError) -> SQLType {
        guard takeSign("(") else { return .decimal(precision: 18, scale: 0) }
        let position = current.position
        let precision = min(18, try number(of: "the precision of DECIMAL", in: 1...19))
        var scale = 0
        if takeSign(",") { scale = try number(of: "the scale of DECIMAL", in: 0...19) }
        try expectSign(")")
        guard scale <= precision else {
            throw SQLError("the scale of DECIMAL (\(scale)) may not exceed its precision (\(precision))", at: position)
        }
        return .decimal(precision: precision, scale: scale)
    }

    /// `(n)`, if it is there.
    private mutating func parameter(of type: String, in range: ClosedRange<Int>) throws(SQLError) -> Int? {
        guard takeSign("(") else { return nil }
        let value = try number(of: "the parameter of \(type)", in: range)
        try expectSign(")")
        return value
    }

    private mutating func number(of what: String, in range: ClosedRange<Int>) throws(SQLError) -> Int {
        let token = current
        guard case .integer(let digits) = token.kind else { throw unexpected(what) }
        guard let value = Int(digits), range.contains(value) else {
            throw SQLError(
                "\(what) must be between \(range.lowerBound) and \(range.upperBound), not \(digits.prefix(30))", at: token.position)
        }
        advance()
        return value
    }

    // MARK: Intervals

    /// The unit of datetime at the current token; plural forms are in use too.
    var currentUnit: TimeUnit? {
        guard case .word(let word) = current.kind else { return nil }
        return TimeUnit(rawValue: word) ?? (word.hasSuffix("S") ? TimeUnit(rawValue: String(word.dropLast())) : nil)
    }

    /// `unit [(p)] [TO unit [(p)]]`; precisions are read and not enforced, as programs in the field exceed them.
    mutating func intervalQualifier() throws(SQLError) -> IntervalQualifier {
        let leading = try unit()
        // FLOOR((a - b) SECOND TO SECOND) has a TO that is not the qualifier's: only smaller units can follow.
        guard isWord("TO") else { return IntervalQualifier(leading) }
        let start = mark()
        advance()
        guard let trailing = currentUnit, trailing < leading, (leading >= .month) == (trailing >= .month) else {
            goBack(to: start)
            return IntervalQualifier(leading)
        }
        return IntervalQualifier(leading, to: try unit())
    }

    private mutating func unit() throws(SQLError) -> TimeUnit {
        guard let unit = currentUnit else { throw unexpected("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND") }
        advance()
        if takeSign("(") {
            _ = try number(of: "the precision of an interval", in: 0...10)
            if takeSign(",") { _ = try number(of: "the precision of fractional seconds", in: 0...9) }
            try expectSign(")")
        }
        return unit
    }

    /// What follows INTERVAL: `[+|-] 'value' qualifier`.
    mutating func intervalLiteral() throws(SQLError) -> Syntax.ExpressionKind {
        let isNegative = takeSign("-")
        if !isNegative { _ = takeSign("+") }
        let token = current
        guard case .string(let text) = token.kind else { throw unexpected("the interval's value in single quotes") }
        advance()
        let qualifier = try intervalQualifier()
        guard let amount = IntervalText.parse(text, qualifier) else {
            throw SQLError("\(token.described) is not a value of an interval \(qualifier)", at: token.position)
        }
        return .literal(.integer(isNegative ? -amount : amount), .interval(qualifier))
    }

    /// What follows DATE, TIME or TIMESTAMP.
    mutating func datetimeLiteral(_ type: SQLType) throws(SQLError) -> Syntax.ExpressionKind {
        let token = current
        guard case .string(let text) = token.kind else {
            throw unexpected("a \(type == .date ? "date" : type == .time ? "time" : "timestamp") in single quotes")
        }
        let value: Int64?
        let layout: String
        switch type {
        case .date: (value, layout) = (CivilTime.date(parsing: text), "yyyy-MM-dd")
        case .time: (value, layout) = (CivilTime.time(parsing: text), "HH:mm:ss[.SSS]")
        default: (value, layout) = (CivilTime.timestamp(parsing: text), "yyyy-MM-dd HH:mm:ss[.SSS]")
        }
        guard let value else {
            throw SQLError("\(token.described) is not of the form \(layout)", at: token.position)
        }
        advance()
        return .literal(.integer(value), type)
    }

    // MARK: Text and words

    static func textLiteral(_ text: String) -> Syntax.ExpressionKind {
        let length = text.unicodeScalars.count
        // The language has no CHAR(0).
        return .literal(
            .text(text), length == 0 ? .varchar(1) : length > maximumLengthOfType ? .varchar(maximumLengthOfType) : .char(length))
    }

    static func wordLiteral(_ word: String) -> Syntax.ExpressionKind {
        switch word {
        case "TRUE": .literal(.boolean(true), .boolean)
        case "FALSE": .literal(.boolean(false), .boolean)
        case "UNKNOWN": .literal(.null, .boolean)
        default: .literal(.null, .null)
        }
    }

    /// `u&'...' [UESCAPE 'c']`: `\hhhh`, `\+hhhhhh`, and the escape character twice for itself.
    mutating func unicodeLiteral(_ text: String) throws(SQLError) -> Syntax.ExpressionKind {
        let position = current.position
        advance()
        var escape: Character = "\\"
        if takeWord("UESCAPE") {
            guard case .string(let written) = current.kind, let character = written.first, written.count == 1 else {
                throw unexpected("one character in single quotes")
            }
            escape = character
            advance()
        }
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == escape else {
                result.append(character)
                continue
            }
            if rest.first == escape {
                result.append(escape)
                rest.removeFirst()
                continue
            }
            let length = rest.first == "+" ? 6 : 4
            if length == 6 { rest.removeFirst() }
            let digits = rest.prefix(length)
            rest = rest.dropFirst(length)
            guard digits.count == length, digits.allSatisfy(\.isHexDigit), let code = UInt32(digits, radix: 16),
                let scalar = Unicode.Scalar(code)
            else {
                throw SQLError(
                    "in a Unicode literal, \(escape) is followed by four hexadecimal digits of a character", at: position)
            }
            result.unicodeScalars.append(scalar)
        }
        return Self.textLiteral(result)
    }

    // MARK: Numbers

    /// A number at the current token as a literal: INTEGER or BIGINT by size, DECIMAL with a point, DOUBLE with an exponent.
    mutating func takeNumber(isNegative: Bool) throws(SQLError) -> Syntax.ExpressionKind? {
        let token = current
        let sign = isNegative ? "-" : ""
        let literal: Syntax.ExpressionKind
        switch token.kind {
        case .integer(let digits):
            guard let value = Int64(sign + digits) else {
                throw SQLError(
                    "\(token.described) does not fit a BIGINT; write it with an exponent for a DOUBLE", at: token.position)
            }
            literal = .literal(.integer(value), Int32(exactly: value) != nil ? .integer : .bigint)
        case .decimal(let written):
            guard let decimal = Self.decimalLiteral(written, sign: sign) else {
                throw SQLError(
                    "\(token.described) has more than 18 digits; write it with an exponent for a DOUBLE", at: token.position)
            }
            literal = decimal
        case .approximate(let written):
            guard let value = Double(sign + (written.hasPrefix(".") ? "0" : "") + written.replacingPointBeforeExponent),
                value.isFinite
            else {
                throw SQLError("\(token.described) does not fit a DOUBLE", at: token.position)
            }
            literal = .literal(.double(value), .double)
        default: return nil
        }
        advance()
        return literal
    }

    /// Digits beyond the eighteenth are rounded off if they stand after the point; before it, there is no such DECIMAL.
    private static func decimalLiteral(_ written: String, sign: String) -> Syntax.ExpressionKind? {
        let parts = written.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts[0].drop { $0 == "0" }
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        guard whole.count <= 18 else { return nil }
        var roundsUp = false
        if whole.count + fraction.count > 18 {
            let kept = 18 - whole.count
            roundsUp = fraction.dropFirst(kept).first.map { $0 >= "5" } ?? false
            fraction = String(fraction.prefix(kept))
        }
        guard var digits = Int64("0" + whole + fraction) else { return nil }
        if roundsUp {
            digits += 1
            if digits >= 1_000_000_000_000_000_000 { return nil }
        }
        let precision = max(1, whole.count + fraction.count)
        return .literal(.integer(sign.isEmpty ? digits : -digits), .decimal(precision: precision, scale: fraction.count))
    }
}

extension String {
    /// `1.e5` as `1.0e5`, which is how Swift reads it.
    fileprivate var replacingPointBeforeExponent: String {
        guard let exponent = firstIndex(of: "e"), exponent > startIndex, self[index(before: exponent)] == "." else { return self }
        return self[..<exponent] + "0" + self[exponent...]
    }
}
