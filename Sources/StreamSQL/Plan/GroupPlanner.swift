/// Plans GROUP BY on streams: the term that grows with time, the keys, the aggregates, and what may be said about a group.

/// The grouping of a SELECT. Expressions over groups are bound in two steps: over the input, where each aggregate is a column past its
/// last one; then every grouping term and aggregate in them becomes a column of the aggregation.
struct GroupPlanner {
    private let scope: Scope
    private let keys: [TypedExpression]
    /// The term that the windows follow; nil where they open with the first row of their keys.
    private let window: TypedExpression?
    private let kind: Kind
    private var binder: ExpressionBinder

    /// What subqueries stand for, by their places.
    var subqueries: [SourcePosition: TypedExpression] {
        get { binder.subqueries }
        set { binder.subqueries = newValue }
    }

    private enum Kind {
        /// A window is a value of a term of ROWTIME.
        case tumbling
        /// A window is a run of rows in which a term has one value.
        case run
        case stagger(length: Int64)
        /// A window of a key holds rows with no gap so long between them.
        case session(gap: Int64)
        /// All rows, where they have an end.
        case whole
        /// All rows so far: of a materialized view.
        case running
    }

    /// The aggregation's output column that holds the window's value, which changes exactly when ROWTIME does; nil where that is not so.
    var windowColumn: Int? { if case .tumbling = kind { keys.count } else { nil } }

    init(_ context: PlanContext, _ scope: Scope, terms: [Syntax.Expression], at position: SourcePosition) throws(SQLError) {
        var keys: [TypedExpression] = []
        var window: (expression: TypedExpression, position: SourcePosition)?
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in GROUP BY"
        binder.takesSessions = true
        for term in terms {
            let expression = try binder.bind(term)
            switch expression.trend {
            case .growing where expression == window?.expression: break
            case .growing where expression.containsHop && expression.hop == nil:
                throw SQLError("HOP in GROUP BY takes ROWTIME and stands alone", at: term.start)
            case .growing where expression.containsSession && expression.session == nil:
                throw SQLError("SESSION in GROUP BY takes ROWTIME and stands alone", at: term.start)
            case .growing:
                if window != nil {
                    throw SQLError("GROUP BY can have only one term over ROWTIME; there is one before", at: term.start)
                }
                window = (expression, term.start)
            case .falling: throw SQLError("a GROUP BY term that falls with time is not supported; let it grow", at: term.start)
            case .constant, .unknown:
                if !keys.contains(expression) { keys.append(expression) }
            }
        }
        var kind = window?.expression.session.map { Kind.session(gap: $0) } ?? .tumbling
        if window == nil, let term = terms.first(where: { $0.assertsMonotonic }) {
            let expression = try binder.bind(term)
            keys.removeAll { $0 == expression }
            (window, kind) = ((expression, term.start), .run)
        }
        guard let window else {
            throw SQLError(
                "a GROUP BY on a stream needs a term that grows with time, such as \(Self.example(scope))", at: position)
        }
        self.init(context, scope, keys: keys, window: window.expression, kind)
    }

    /// The groups of all rows of a relation with an end.
    init(_ context: PlanContext, _ scope: Scope, wholeTerms terms: [Syntax.Expression]) throws(SQLError) {
        var keys: [TypedExpression] = []
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in GROUP BY"
        for term in terms {
            let expression = try binder.bind(term)
            if expression.containsHop {
                throw SQLError(
                    "HOP is for streams without an end: a row is in one group of a query over what is stored", at: term.start)
            }
            if !keys.contains(expression) { keys.append(expression) }
        }
        self.init(context, scope, keys: keys, window: nil, .whole)
    }

    /// The groups of a materialized view: all rows so far. The first result is the ROWTIME of a group's last row, which is the group's.
    init(_ context: PlanContext, _ scope: Scope, runningTerms terms: [Syntax.Expression]) throws(SQLError) {
        var keys: [TypedExpression] = []
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in GROUP BY"
        for term in terms {
            let expression = try binder.bind(term)
            guard expression.trend != .growing, expression.trend != .falling else {
                throw SQLError(
                    "a materialized view keeps its groups for ever: GROUP BY without a term of ROWTIME; windows leave through a pump",
                    at: term.start)
            }
            if !keys.contains(expression) { keys.append(expression) }
        }
        self.init(context, scope, keys: keys, window: nil, .running)
        _ = self.binder.column(for: AggregateCall(.lastValue, .rowtime, type: .timestamp))
    }

    /// WINDOWED BY STAGGER.
    init(_ context: PlanContext, _ scope: Scope, stagger: Syntax.Stagger) throws(SQLError) {
        var keys: [TypedExpression] = []
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in PARTITION BY"
        for term in stagger.partition {
            let expression = try binder.bind(term)
            if !keys.contains(expression) { keys.append(expression) }
        }
        guard case .literal(.integer(let length), .interval(let qualifier)) = stagger.range.kind, !qualifier.countsMonths,
            length > 0
        else {
            throw SQLError(
                "RANGE takes an interval above 0 of days or smaller units, such as INTERVAL '1' MINUTE", at: stagger.range.start)
        }
        self.init(context, scope, keys: keys, window: nil, .stagger(length: length))
    }

    private init(_ context: PlanContext, _ scope: Scope, keys: [TypedExpression], window: TypedExpression?, _ kind: Kind) {
        self.scope = scope
        self.keys = keys
        self.window = window
        self.kind = kind
        binder = ExpressionBinder(context, scope)
        binder.collectsAggregates = true
        binder.takesSessions = true
    }

    /// A window term to recommend.
    static func example(_ scope: Scope) -> String {
        let rowtime = scope.name.map { Identifiers.written($0) + ".ROWTIME" } ?? "ROWTIME"
        return "STEP(\(rowtime) BY INTERVAL '60' SECOND)"
    }

    /// The aggregation of all that was bound.
    func relation(over input: Relation) -> Relation {
        let results = binder.aggregates
        if case .stagger(let length) = kind {
            return .staggerAggregate(input, StaggerAggregate(keys: keys, length: length, results: results))
        }
        if case .session(let gap) = kind {
            return .sessionAggregate(input, SessionAggregate(keys: keys, gap: gap, results: results))
        }
        if case .running = kind {
            return .runningAggregate(input, TumblingAggregate(keys: keys, window: TumblingAggregate.whole, results: results))
        }
        if case .whole = kind {
            return .tumblingAggregate(input, TumblingAggregate(keys: keys, window: TumblingAggregate.whole, results: results))
        }
        let aggregate = TumblingAggregate(keys: keys, window: window ?? .rowtime, results: results)
        if case .run = kind { return .runAggregate(input, aggregate) }
        return .tumblingAggregate(input, aggregate)
    }

    /// An expression over groups, as one over the aggregation's columns.
    mutating func bind(_ expression: Syntax.Expression) throws(SQLError) -> TypedExpression {
        let bound = try binder.bind(expression)
        return try output(bound, at: expression.start)
    }

    /// A condition over groups.
    mutating func condition(_ expression: Syntax.Expression) throws(SQLError) -> TypedExpression {
        let bound = try binder.condition(expression, in: "HAVING")
        return try output(bound, at: expression.start)
    }

    private var groupClause: String { if case .stagger = kind { "PARTITION BY" } else { "GROUP BY" } }

    /// Replaces grouping terms and aggregates, outermost first.
    func output(_ expression: TypedExpression, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        // Within a grouping term, an unqualified ROWTIME is the input row's.
        let asTerm = expression.readingInputRowtime
        if let window, asTerm == window { return .column(keys.count, window.type) }
        if let key = keys.firstIndex(of: asTerm) { return .column(key, asTerm.type) }
        switch asTerm {
        case .call(.sessionEnd, let arguments, _):
            guard case .call(.session, let mine, _)? = window, mine == arguments else {
                throw SQLError("SESSION_END takes what SESSION in GROUP BY takes", at: position)
            }
            // A session leaves with the time of its end.
            return .rowtime
        case .call(.session, _, _):
            throw SQLError("SESSION and SESSION_START take what SESSION in GROUP BY takes", at: position)
        default: break
        }
        switch expression {
        case ExpressionBinder.producedRowtime:
            if case .running = kind { return .column(keys.count + 1, .timestamp) }
            guard case .whole = kind else { return .rowtime }
            throw SQLError("ROWTIME must be in GROUP BY or inside an aggregate function", at: position)
        case .rowtime:
            throw SQLError(
                "the input's ROWTIME may only be used as \(groupClause) has it; write ROWTIME without a qualifier for the end of the window",
                at: binder.rowtimePosition ?? position)
        case .column(let index, let type) where index >= SubqueryPlanner.groupBase:
            return .column(index - SubqueryPlanner.groupBase, type)
        case .column(let index, _) where index >= SubqueryPlanner.addedBase: return expression
        case .column(let index, let type):
            if index >= scope.columns.count { return .column(keys.count + 1 + index - scope.columns.count, type) }
            throw SQLError(
                "the column \(Identifiers.written(scope.columns[index].name)) must be in \(groupClause) or inside an aggregate function",
                at: binder.columnPositions[index] ?? position)
        default:
            return try expression.mapParts { part throws(SQLError) in try output(part, at: position) }
        }
    }
}

extension TypedExpression {
    /// The expression with the input row's time for that of the row being produced.
    fileprivate var readingInputRowtime: TypedExpression {
        if self == ExpressionBinder.producedRowtime { return .rowtime }
        // `mapParts` throws only what its argument throws.
        return (try? mapParts { part throws(SQLError) in part.readingInputRowtime }) ?? self
    }
}

extension Syntax.Expression {
    /// Whether MONOTONIC(...) is used.
    fileprivate var assertsMonotonic: Bool {
        if case .call(let call) = kind, call.name.text == "MONOTONIC" { return true }
        return kind.children.contains(where: \.assertsMonotonic)
    }
}
