/// What a scalar function or operator is: its name, the types it takes, its kernel. One value per file below `Functions/`.

/// A scalar function or operator. Adding one: a file with a value of this type, and a line in its folder's table.
///
/// Operators are functions too, under their symbol: `+`, `||`, `=`, `LIKE`, `IS NULL`, `NOT`. Special syntax has a canonical name and
/// argument order: `FLOOR(x TO unit)` is `FLOOR_TO(x, 'unit')`, `CEIL_TO` likewise, `STEP(x BY i)` is `STEP(x, i)`,
/// `EXTRACT(unit FROM x)` is `EXTRACT('unit', x)`, `(a - b) unit` is `INTERVAL_BETWEEN(a, b)` whose result type is the
/// qualifier's interval, `SUBSTRING(s FROM p FOR n)` is `SUBSTRING(s, p, n)`, `SUBSTRING(s FROM 'regex')` is `SUBSTRING(s, regex)`,
/// `SUBSTRING(s SIMILAR p ESCAPE e)` is `SUBSTRING_SIMILAR(s, p, e)`,
/// `TRIM(spec c FROM s)` is `TRIM('spec', c, s)`, `POSITION(a IN b)` is `POSITION(a, b)`,
/// `OVERLAY(s PLACING r FROM p FOR n)` is `OVERLAY(s, r, p, n)`. `x BETWEEN a AND b` and `x IN (...)` are rewritten to comparisons.
public struct ScalarFunction: Sendable {
    public var name: String
    /// How its author wrote it, where that is not its name.
    public var written: String?
    /// Other spellings of it.
    public var aliases: [String] = []
    /// Decides whether the function takes arguments of these types, what they must be widened to, and what comes out.
    public var resolve: @Sendable (_ arguments: [SQLType]) throws(SignatureError) -> Signature
    /// Computes a whole column. Each argument has `context.count` rows and the type `resolve` named. NULL handling is the kernel's own
    /// affair, through the helpers of `Evaluation/`; rows that fail are reported to `context` and their value is ignored.
    public var evaluate: @Sendable (_ arguments: [Column], _ result: SQLType, _ context: inout EvaluationContext) -> Column
    /// Whether the result never decreases while the argument at this position does not (SQL Reference, "Monotonic Expressions"), with
    /// the others constant; nil for no position.
    public var monotonicIn: Int?
    /// How the result moves with time, where more can be told than `monotonicIn` says.
    var trend: (@Sendable (_ arguments: [TypedExpression], _ trends: [Trend]) -> Trend)?
    /// Whether it gives a value for all values of its arguments, so that evaluating it for rows that do not need it is harmless.
    public var isInfallible = false
    /// What it reads besides its arguments.
    public var clock = ClockUse.none
    /// Whether it is written without parentheses.
    public var isBareWord = false
    /// Checks arguments that are literals (nil for others) and gives the type of the result where it depends on them.
    var refine: (@Sendable (_ literals: [SQLValue?]) throws(SignatureError) -> SQLType?)?
    /// An example for the documentation, run as a test: a SQL expression and its value as text.
    public var example: (sql: String, gives: String)?

    public init(
        name: String, monotonicIn: Int? = nil, example: (sql: String, gives: String)? = nil,
        resolve: @escaping @Sendable (_ arguments: [SQLType]) throws(SignatureError) -> Signature,
        evaluate: @escaping @Sendable (_ arguments: [Column], _ result: SQLType, _ context: inout EvaluationContext) -> Column
    ) {
        self.name = name
        self.monotonicIn = monotonicIn
        self.example = example
        self.resolve = resolve
        self.evaluate = evaluate
    }
}

/// What a function reads of the time.
public enum ClockUse: Sendable, Hashable {
    case none
    /// When the query started: the same in all rows.
    case queryStart
    /// The clock as each row is processed.
    case row
}

extension ScalarFunction {
    /// The function with some of its properties set.
    func with(_ change: (inout ScalarFunction) -> Void) -> ScalarFunction {
        var changed = self
        change(&changed)
        return changed
    }
}

extension ScalarFunction: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The types a call was resolved to.
public struct Signature: Sendable, Hashable {
    /// One for each argument; the planner adds widening casts to them.
    public var arguments: [SQLType]
    public var result: SQLType
    public init(_ arguments: [SQLType], returns result: SQLType) {
        self.arguments = arguments
        self.result = result
    }
}

/// Why a function does not take the arguments given, in words for the program's author.
public struct SignatureError: Error, Sendable, Hashable {
    /// Such as `takes 2 arguments, not 3` or `argument 1 must be a character string, not INTEGER`.
    public var message: String
    /// The position of the argument that is to blame, where the message tells all about it.
    public var argument: Int?
    public init(_ message: String, argument: Int? = nil) {
        self.message = message
        self.argument = argument
    }
}

/// What an evaluation knows besides its arguments, and where its row errors go.
public struct EvaluationContext: Sendable {
    /// How many rows are evaluated.
    public var count: Int
    /// The clock, milliseconds since 1970-01-01 UTC: CURRENT_ROW_TIMESTAMP; with the query's start for CURRENT_TIMESTAMP.
    public var clockMilliseconds: Int64
    public var queryStartMilliseconds: Int64
    /// Rows that failed, in any order; a row may appear more than once.
    public var errors: [RowError] = []
    /// Whether the evaluation is to end at once: what it gives is of no more use to anybody.
    public var isStopped: (@Sendable () -> Bool)?
    public init(count: Int, clockMilliseconds: Int64, queryStartMilliseconds: Int64) {
        self.count = count
        self.clockMilliseconds = clockMilliseconds
        self.queryStartMilliseconds = queryStartMilliseconds
    }
}
