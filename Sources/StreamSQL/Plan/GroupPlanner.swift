/// Plans GROUP BY on streams: the term that grows with time, the keys, the aggregates, and what may be said about a group.

/// The grouping of a SELECT. Expressions over groups are bound in two steps: over the input, where each aggregate is a column past its
/// last one; then every grouping term and aggregate in them becomes a column of the aggregation.
struct GroupPlanner {
    private let scope: Scope
    private let keys: [TypedExpression]
    private let window: TypedExpression
    private var binder: ExpressionBinder

    /// The aggregation's output column that holds the window's value.
    var windowColumn: Int { keys.count }

    init(_ context: PlanContext, _ scope: Scope, terms: [Syntax.Expression], at position: SourcePosition) throws(SQLError) {
        var keys: [TypedExpression] = []
        var window: (expression: TypedExpression, position: SourcePosition)?
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand in GROUP BY"
        for term in terms {
            let expression = try binder.bind(term)
            switch expression.trend {
            case .growing where expression == window?.expression: break
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
        guard let window else {
            if terms.contains(where: \.assertsMonotonic) {
                throw SQLError("GROUP BY MONOTONIC over anything but ROWTIME is not supported yet", at: position)
            }
            throw SQLError(
                "a GROUP BY on a stream needs a term that grows with time, such as \(Self.example(scope))", at: position)
        }
        self.scope = scope
        self.keys = keys
        self.window = window.expression
        self.binder = ExpressionBinder(context, scope)
        self.binder.collectsAggregates = true
    }

    /// A window term to recommend.
    static func example(_ scope: Scope) -> String {
        let rowtime = scope.name.map { Identifiers.written($0) + ".ROWTIME" } ?? "ROWTIME"
        return "STEP(\(rowtime) BY INTERVAL '60' SECOND)"
    }

    /// The aggregation of all that was bound.
    func relation(over input: Relation) -> Relation {
        .tumblingAggregate(input, TumblingAggregate(keys: keys, window: window, results: binder.aggregates))
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

    /// Replaces grouping terms and aggregates, outermost first.
    func output(_ expression: TypedExpression, at position: SourcePosition) throws(SQLError) -> TypedExpression {
        // Within a grouping term, an unqualified ROWTIME is the input row's.
        let asTerm = expression.readingInputRowtime
        if asTerm == window { return .column(windowColumn, window.type) }
        if let key = keys.firstIndex(of: asTerm) { return .column(key, asTerm.type) }
        switch expression {
        case ExpressionBinder.producedRowtime: return .rowtime
        case .rowtime:
            throw SQLError(
                "the input's ROWTIME may only be used as GROUP BY has it; write ROWTIME without a qualifier for the end of the window",
                at: binder.rowtimePosition ?? position)
        case .column(let index, let type):
            if index >= scope.columns.count { return .column(windowColumn + 1 + index - scope.columns.count, type) }
            throw SQLError(
                "the column \(Identifiers.written(scope.columns[index].name)) must be in GROUP BY or inside an aggregate function",
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
