/// Expressions as Flink SQL writes them.

/// What Flink SQL has no words for.
struct Unsaid: Error {
    var reason: String
    var position: SourcePosition
}

/// Writes the expressions of one SELECT.
struct FlinkExpressions {
    /// The rows' time, as a column of what FROM gives.
    var rowtime = "ROWTIME"
    /// Windows of the WINDOW clause.
    var windows: [String: Syntax.Window] = [:]
    /// The term of GROUP BY that is the window, and its width; nil without one.
    var tumbling: FlinkTumbling?

    static func quoted(_ name: String) -> String { "`\(name.replacing("`", with: "``"))`" }
    static func quoted(_ name: Syntax.QualifiedName) -> String {
        (name.qualifiers + [name.last]).map { quoted($0.text) }.joined(separator: ".")
    }

    static func type(_ type: SQLType) -> String {
        switch type {
        case .real: "FLOAT"
        case .timestamp: "TIMESTAMP(3)"
        case .time: "TIME(3)"
        case .integer: "INT"
        default: "\(type)".replacing(",", with: ", ")
        }
    }

    static func text(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }

    // MARK: Expressions

    func written(_ expression: Syntax.Expression) throws(Unsaid) -> String {
        if let tumbling, tumbling.isTerm(expression) { return "window_start" }
        let position = expression.position
        switch expression.kind {
        case .literal(let value, let type): return try literal(value, type, position)
        case .name(let name): return self.name(name)
        case .negated(let a): return "-\(try nested(a))"
        case .binary(let sign, let a, let b): return "\(try nested(a)) \(sign == "!=" ? "<>" : sign) \(try nested(b))"
        case .chain(let first, let links):
            var text = try nested(first)
            for link in links { text += " \(link.operation) \(try nested(link.operand))" }
            return text
        case .and(let all): return try joined(all, " AND ")
        case .or(let all): return try joined(all, " OR ")
        case .not(let a): return "NOT \(try nested(a))"
        case .test(let a, let test, let isNegated): return "\(try nested(a)) IS \(isNegated ? "NOT " : "")\(test.rawValue)"
        case .distinct(let a, let b, let isNegated):
            return "\(try nested(a)) IS \(isNegated ? "NOT " : "")DISTINCT FROM \(try nested(b))"
        case .between(let a, let low, let high, let isSymmetric, let isNegated):
            let words = "\(isNegated ? "NOT " : "")BETWEEN\(isSymmetric ? " SYMMETRIC" : "")"
            return "\(try nested(a)) \(words) \(try nested(low)) AND \(try nested(high))"
        case .inList(let a, let list, let isNegated):
            return "\(try nested(a)) \(isNegated ? "NOT " : "")IN (\(try joined(list, ", ", isNested: false)))"
        case .pattern(let function, let a, let pattern, let escape, let isNegated):
            let end = try escape.map { (escape) throws(Unsaid) in " ESCAPE \(try nested(escape))" } ?? ""
            return "\(try nested(a)) \(isNegated ? "NOT " : "")\(function) \(try nested(pattern))\(end)"
        case .choice(let operand, let branches, let otherwise): return try choice(operand, branches, otherwise)
        case .cast(let a, let type): return "CAST(\(try written(a)) AS \(Self.type(type)))"
        case .call(let call): return try self.call(call, position)
        case .difference: throw Unsaid(reason: "the difference of two times as an interval", position: position)
        case .period: throw Unsaid(reason: "predicates of periods", position: position)
        case .row: throw Unsaid(reason: "rows of values", position: position)
        case .inQuery, .exists, .subquery: throw Unsaid(reason: "subqueries in expressions of streams", position: position)
        }
    }

    private func nested(_ expression: Syntax.Expression) throws(Unsaid) -> String {
        let text = try written(expression)
        if let tumbling, tumbling.isTerm(expression) { return text }
        switch expression.kind {
        case .literal, .name, .call, .cast: return text
        default: return "(\(text))"
        }
    }

    private func joined(_ all: [Syntax.Expression], _ sign: String, isNested: Bool = true) throws(Unsaid) -> String {
        var texts: [String] = []
        for part in all { texts.append(isNested ? try nested(part) : try written(part)) }
        return texts.joined(separator: sign)
    }

    private func choice(
        _ operand: Syntax.Expression?, _ branches: [Syntax.Branch], _ otherwise: Syntax.Expression?
    ) throws(Unsaid) -> String {
        var text = "CASE"
        if let operand { text += " \(try nested(operand))" }
        for branch in branches { text += " WHEN \(try written(branch.condition)) THEN \(try written(branch.result))" }
        if let otherwise { text += " ELSE \(try written(otherwise))" }
        return text + " END"
    }

    private func name(_ name: Syntax.QualifiedName) -> String {
        // Alone, it is the time of the row that is made.
        if name.last.text == "ROWTIME", !name.last.isQuoted {
            if tumbling != nil { return name.qualifiers.isEmpty ? "window_end" : "window_start" }
            return name.qualifiers.isEmpty ? Self.quoted(rowtime) : Self.quoted(name)
        }
        return Self.quoted(name)
    }

    private func literal(_ value: SQLValue, _ type: SQLType, _ position: SourcePosition) throws(Unsaid) -> String {
        switch (value, type) {
        case (.null, _): return "NULL"
        case (.boolean(let value), _): return value ? "TRUE" : "FALSE"
        case (.integer(let value), .interval(let qualifier)): return Self.interval(value, qualifier)
        case (.integer(let value), .decimal(_, let scale)): return DecimalDigits.text(value, scale: scale)
        case (.integer, .date), (.integer, .time), (.integer, .timestamp):
            let word = "\(type)".prefix { $0 != "(" }
            guard let text = Column(type, values: [value]).literalText else {
                throw Unsaid(reason: "this literal", position: position)
            }
            return "\(word) '\(text)'"
        case (.integer(let value), _): return "\(value)"
        case (.double(let value), _): return "CAST(\(value) AS DOUBLE)"
        case (.text(let value), _): return Self.text(value)
        case (.binary(let bytes), _):
            return "X'\(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())'"
        }
    }

    /// An interval in the largest unit of which it is a whole number.
    static func interval(_ value: Int64, _ qualifier: IntervalQualifier) -> String {
        if qualifier.countsMonths { return value % 12 == 0 ? "INTERVAL '\(value / 12)' YEAR" : "INTERVAL '\(value)' MONTH" }
        for (unit, milliseconds) in [("DAY", 86_400_000), ("HOUR", 3_600_000), ("MINUTE", 60_000), ("SECOND", 1_000)]
            as [(String, Int64)]
        where value % milliseconds == 0 && value != 0 {
            let count = value / milliseconds
            // More digits than two are to be asked for.
            let digits = String(count.magnitude).count
            return "INTERVAL '\(count)' \(unit)\(digits > 2 ? "(\(digits))" : "")"
        }
        let fraction = String(value % 1000)
        let padded = String(repeating: "0", count: 3 - fraction.count) + fraction
        let seconds = String(value / 1000)
        return "INTERVAL '\(seconds).\(padded)' SECOND(\(max(2, seconds.count)), 3)"
    }

    // MARK: Calls

    private static let alike: Set<String> = [
        "ABS", "EXP", "LN", "LOG10", "POWER", "SQRT", "MOD", "CHAR_LENGTH", "CHARACTER_LENGTH", "INITCAP", "LOWER", "UPPER",
        "COALESCE",
        "NULLIF", "SUM", "AVG", "MIN", "MAX", "COUNT", "STDDEV_POP", "STDDEV_SAMP", "VAR_POP", "VAR_SAMP", "FIRST_VALUE",
        "LAST_VALUE",
        "LAG", "CEIL", "FLOOR", "ROUND", "SIGN",
    ]

    private func call(_ call: Syntax.Call, _ position: SourcePosition) throws(Unsaid) -> String {
        let name = call.name.text.uppercased()
        var text = try plain(call, name, position)
        if let window = call.window { text += " OVER (\(try self.window(window)))" }
        return text
    }

    private func plain(_ call: Syntax.Call, _ name: String, _ position: SourcePosition) throws(Unsaid) -> String {
        if call.nulls == .ignore { throw Unsaid(reason: "IGNORE NULLS", position: position) }
        if call.isStar { return "\(name)(*)" }
        var given: [String] = []
        for argument in call.arguments { given.append(try written(argument)) }
        let bare = call.arguments.map { argument -> String in
            if case .literal(.text(let text), _) = argument.kind { text } else { "" }
        }
        switch (name, given.count) {
        case ("FLOOR_TO", 2), ("CEIL_TO", 2): return "\(name.dropLast(3))(\(given[0]) TO \(bare[1]))"
        case ("EXTRACT", 2): return "EXTRACT(\(bare[0]) FROM \(given[1]))"
        case ("POSITION", 2): return "POSITION(\(given[0]) IN \(given[1]))"
        case ("OVERLAY", 3): return "OVERLAY(\(given[0]) PLACING \(given[1]) FROM \(given[2]))"
        case ("OVERLAY", 4): return "OVERLAY(\(given[0]) PLACING \(given[1]) FROM \(given[2]) FOR \(given[3]))"
        case ("TRIM", 3): return "TRIM(\(bare[0]) \(given[1]) FROM \(given[2]))"
        case ("SUBSTRING", 2) where !bare[1].isEmpty: return "REGEXP_EXTRACT(\(given[0]), \(given[1]))"
        case ("SUBSTRING", 2): return "SUBSTRING(\(given[0]) FROM \(given[1]))"
        case ("SUBSTRING", 3): return "SUBSTRING(\(given[0]) FROM \(given[1]) FOR \(given[2]))"
        case ("REGEX_REPLACE", 5) where given[3] == "1" && given[4] == "0":
            return "REGEXP_REPLACE(\(given[0]), \(given[1]), \(given[2]))"
        case ("CHAR_TO_TIMESTAMP", 2): return "TO_TIMESTAMP(\(given[1]), \(given[0]))"
        case ("TIMESTAMP_TO_CHAR", 2), ("DATE_TO_CHAR", 2): return "DATE_FORMAT(\(given[1]), \(given[0]))"
        case ("TO_TIMESTAMP", 1): return "CAST(TO_TIMESTAMP_LTZ(\(given[0]), 3) AS TIMESTAMP(3))"
        case ("MONOTONIC", 1): return given[0]
        case ("STDDEV", 1): return "STDDEV_SAMP(\(given[0]))"
        case ("APPROX_COUNT_DISTINCT", 1): return "APPROX_COUNT_DISTINCT(\(given[0]))"
        case ("CURRENT_TIMESTAMP", 0), ("CURRENT_DATE", 0), ("CURRENT_TIME", 0), ("LOCALTIME", 0), ("LOCALTIMESTAMP", 0):
            return name
        case ("CURRENT_ROW_TIMESTAMP", 0): return "CURRENT_ROW_TIMESTAMP()"
        case _ where Self.alike.contains(name):
            return "\(name)(\(call.isDistinct ? "DISTINCT " : "")\(given.joined(separator: ", ")))"
        case ("STEP", 2): throw Unsaid(reason: "STEP of anything but ROWTIME in GROUP BY", position: position)
        default: throw Unsaid(reason: "the function \(call.name.text)", position: position)
        }
    }

    /// A window of OVER: it is of event time, where ours is of ROWTIME.
    private func window(_ window: Syntax.Window) throws(Unsaid) -> String {
        var window = window
        if let base = window.base {
            guard let named = windows[base.text] else { throw Unsaid(reason: "the window \(base.text)", position: window.position) }
            (window.partition, window.frame) = (named.partition + window.partition, window.frame ?? named.frame)
        }
        var text = ""
        if !window.partition.isEmpty { text += "PARTITION BY \(try joined(window.partition, ", ", isNested: false)) " }
        text += "ORDER BY \(Self.quoted(rowtime))"
        guard let frame = window.frame else { return text + " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW" }
        let start: String
        switch frame.start {
        case .unboundedPreceding: start = "UNBOUNDED PRECEDING"
        case .currentRow: start = "CURRENT ROW"
        case .preceding(let width): start = "\(try written(width)) PRECEDING"
        case .unboundedFollowing, .following: throw Unsaid(reason: "a frame that begins after its row", position: window.position)
        }
        return text + " \(frame.isRange ? "RANGE" : "ROWS") BETWEEN \(start) AND CURRENT ROW"
    }
}

/// GROUP BY over stretches of ROWTIME of equal width.
struct FlinkTumbling {
    var milliseconds: Int64
    /// Where the term stands in GROUP BY, and as it is written.
    var term: Syntax.Expression

    init?(_ term: Syntax.Expression) {
        guard let width = Self.width(term) else { return nil }
        milliseconds = width
        self.term = term
    }

    /// Whether an expression is this term: these have no other parts than ROWTIME and a width.
    func isTerm(_ expression: Syntax.Expression) -> Bool { Self.width(expression) == milliseconds }

    private static let units: [String: Int64] = ["DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1_000]

    private static func width(_ expression: Syntax.Expression) -> Int64? {
        guard case .call(let call) = expression.kind, call.arguments.count == 2, call.window == nil else { return nil }
        let (argument, width) = (call.arguments[0], call.arguments[1])
        switch call.name.text.uppercased() {
        case "STEP":
            guard isRowtime(argument), case .literal(.integer(let value), .interval(let qualifier)) = width.kind,
                !qualifier.countsMonths, value > 0
            else { return nil }
            return value
        case "FLOOR_TO":
            guard case .literal(.text(let unit), _) = width.kind, let milliseconds = units[unit] else { return nil }
            return isRowtime(argument) ? milliseconds : epochs(argument).map { $0 * milliseconds }
        default: return nil
        }
    }

    /// `(ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10`: the 10.
    private static func epochs(_ expression: Syntax.Expression) -> Int64? {
        switch expression.kind {
        case .binary("/", let interval, let count):
            guard isSinceEpoch(interval), case .literal(.integer(let count), let type) = count.kind, type.isInteger, count > 0
            else {
                return nil
            }
            return count
        case .difference: return isSinceEpoch(expression) ? 1 : nil
        default: return nil
        }
    }

    private static func isSinceEpoch(_ expression: Syntax.Expression) -> Bool {
        guard case .difference(let time, let epoch, _) = expression.kind, case .literal(.integer(0), .timestamp) = epoch.kind else {
            return false
        }
        return isRowtime(time)
    }

    static func isRowtime(_ expression: Syntax.Expression) -> Bool {
        guard case .name(let name) = expression.kind else { return false }
        return name.last.text == "ROWTIME" && !name.last.isQuoted
    }
}

extension Column {
    /// The text of its first value.
    fileprivate var literalText: String? {
        var bytes: [UInt8] = []
        RowEncoder(columns: [ColumnDefinition("v", type)], format: .csv).encodeRow(
            0, of: ColumnBatch(rowtimes: [0], columns: [self]), into: &bytes)
        return String(decoding: bytes, as: UTF8.self).trimmingQuotes
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        var text = self[...]
        while let last = text.last, last.isNewline || last == "\"" { text.removeLast() }
        while text.first == "\"" { text.removeFirst() }
        return String(text)
    }
}
