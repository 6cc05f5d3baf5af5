/// Resolves the names and types of an expression: from syntax to a typed expression over a scope.

struct ExpressionBinder {
    let context: PlanContext
    let scope: Scope
    /// The parameters of the function whose body is bound.
    var parameters: [String: TypedExpression] = [:]
    /// Over groups, aggregates become columns past the scope's last, and an unqualified ROWTIME becomes `producedRowtime`.
    var collectsAggregates = false
    /// Why aggregates are refused where they are, after their name.
    var aggregateRefusal = "can only stand in the select list, HAVING or ORDER BY of a query with GROUP BY"
    private(set) var aggregates: [AggregateCall] = []
    /// Whether SESSION means the windows of the query's GROUP BY.
    var takesSessions = false
    /// Takes calls with OVER, where they may stand.
    var sliding: SlidingPlanner?
    /// What names and calls stand for, by where they begin: what MATCH_RECOGNIZE takes from other rows.
    var substitutes: [SourcePosition: TypedExpression] = [:]
    /// What the subqueries of the expression stand for, by where they begin.
    var subqueries: [SourcePosition: TypedExpression] = [:]
    /// The query around this one, whose columns a subquery may name; they become columns from `outerBase` on, and its ROWTIME the one before.
    var outer: Scope?
    static let outerBase = 1 << 20
    /// Where each column, and the input's ROWTIME, was first named; for errors found after binding.
    private(set) var columnPositions: [Int: SourcePosition] = [:]
    private(set) var rowtimePosition: SourcePosition?

    /// Stands for the ROWTIME of the group being produced until `GroupPlanner` resolves it.
    static let producedRowtime = TypedExpression.column(-1, .timestamp)

    init(_ context: PlanContext, _ scope: Scope) {
        self.context = context
        self.scope = scope
    }

    mutating func bind(_ expression: Syntax.Expression) throws(SQLError) -> TypedExpression {
        let position = expression.position
        try context.spend(at: position)
        try context.enter(at: position)
        defer { context.leave() }
        switch expression.kind {
        case .literal(let value, let type): return .literal(value, type)
        case .name(let name):
            if let known = substitutes[position] { return known }
            return try bind(name)
        case .negated(let operand): return try apply("-", [try bind(operand)], at: position)
        case .binary(let operation, let left, let right):
            return try apply(operation, [try bind(left), try bind(right)], at: position)
        case .chain(let first, let links): return try bind(first, links)
        case .and(let parts): return try balanced(parts, "AND") { .and($0, $1) }
        case .or(let parts): return try balanced(parts, "OR") { .or($0, $1) }
        case .not(let operand): return try apply("NOT", [try condition(operand, in: "NOT")], at: position)
        case .test(let operand, let test, let isNegated):
            return try apply("IS \(isNegated ? "NOT " : "")\(test.rawValue)", [try bind(operand)], at: position)
        case .distinct(let left, let right, let isNegated):
            return try apply("IS \(isNegated ? "NOT " : "")DISTINCT FROM", [try bind(left), try bind(right)], at: position)
        case .between(let operand, let low, let high, let isSymmetric, let isNegated):
            return try between(operand, low, high, isSymmetric: isSymmetric, isNegated: isNegated, at: position)
        case .inList(let operand, let list, let isNegated):
            let matches = list.map { Syntax.Expression(.binary("=", operand, $0), at: position) }
            let parts = try conditions(matches, in: "IN")
            return try negated(InList.merged(parts) ?? Self.balanced(parts) { .or($0, $1) }, isNegated, at: position)
        case .pattern(let function, let text, let pattern, let escape, let isNegated):
            var arguments = [try bind(text), try bind(pattern)]
            if let escape { arguments.append(try bind(escape)) }
            return try apply((isNegated ? "NOT " : "") + function, arguments, at: position)
        case .choice(let operand, let branches, let otherwise):
            return try choice(operand, branches, otherwise, at: position)
        case .cast(let operand, let type): return try cast(try bind(operand), to: type, at: position)
        case .difference(let left, let right, let qualifier):
            let difference = try apply("INTERVAL_BETWEEN", [try bind(left), try bind(right)], at: position)
            guard case .call(let function, let arguments, _) = difference else { return difference }
            return .call(function, arguments, .interval(qualifier))
        case .call(let call):
            if let known = substitutes[position] { return known }
            return try bind(call)
        case .period(let left, let predicate, let right): return try bind(try period(left, predicate, right, at: position))
        case .row: throw SQLError("rows of values are not supported here", at: position)
        case .inQuery, .exists, .subquery:
            if let known = subqueries[position] { return known }
            throw SQLError(
                "a subquery cannot stand here, only in WHERE, the select list, HAVING, ORDER BY and ON of an inner join; put it into a query around this one",
                at: position)
        }
    }

    /// A BOOLEAN expression.
    mutating func condition(_ expression: Syntax.Expression, in place: String) throws(SQLError) -> TypedExpression {
        let bound = try bind(expression)
        guard bound.type == .boolean || bound.type == .null else {
            throw SQLError("\(place) takes a condition, not a \(bound.type)", at: expression.start)
        }
        return bound.converted(to: .boolean, .widening)
    }

    // MARK: Names

    private mutating func bind(_ name: Syntax.QualifiedName) throws(SQLError) -> TypedExpression {
        guard let outer else { return try bindHere(name) }
        do throws(SQLError) { return try bindHere(name) } catch {
            // Not a column of its own: perhaps one of the query around it. If neither, the own one's error says more.
            var around = ExpressionBinder(context, outer)
            switch try? around.bindHere(name) {
            case .column(let index, let type)?: return .column(Self.outerBase + index, type)
            case .rowtime?: return .column(Self.outerBase - 1, .timestamp)
            default: throw error
            }
        }
    }

    private mutating func bindHere(_ name: Syntax.QualifiedName) throws(SQLError) -> TypedExpression {
        if name.qualifiers.isEmpty, let parameter = parameters[name.last.text] {
            try context.spend(parameter.nodeCount, at: name.position)
            return parameter
        }
        guard scope.hasRowtime else {
            let hint = Suggestion.hint(for: name.last.text, among: parameters.keys.sorted())
            throw SQLError("the function has no parameter \(name.written)\(hint)", at: name.position)
        }
        if let record = name.qualifiers.last, let fields = scope.fields(of: record, name.qualifiers.dropLast()) {
            let index = try scope.field(name.last, among: fields)
            if columnPositions[index] == nil { columnPositions[index] = name.last.position }
            return .column(index, scope.columns[index].type)
        }
        var source: Scope.Source?
        if let qualifier = name.qualifiers.last { source = try scope.source(qualifier) }
        if name.last.text == "ROWTIME" {
            if name.qualifiers.isEmpty, collectsAggregates { return Self.producedRowtime }
            if rowtimePosition == nil { rowtimePosition = name.position }
            if let source {
                if let rowtime = source.rowtime { return rowtime }
                throw SQLError("\(name.written): the rows of a table have no time", at: name.position)
            }
            if !scope.isTimed { throw SQLError("ROWTIME: the rows of a table have no time", at: name.position) }
            return .rowtime
        }
        let index = try scope.column(name.last, of: source)
        if columnPositions[index] == nil { columnPositions[index] = name.last.position }
        return .column(index, scope.columns[index].type)
    }

    // MARK: Functions and operators

    /// A call of a function of the table, its arguments widened to what it takes.
    func apply(_ name: String, _ arguments: [TypedExpression], at position: SourcePosition) throws(SQLError) -> TypedExpression {
        guard let function = ScalarFunctions.named(name) else { throw SQLError("\(name) is not supported yet", at: position) }
        let signature: Signature
        do throws(SignatureError) {
            signature = try function.resolve(arguments.map(\.type))
        } catch {
            // What is wrong with an operator's operands is clear without its sign.
            let subject = name.first?.isLetter == true ? "\(function.written ?? name): " : ""
            throw SQLError(subject + error.message, at: position)
        }
        var widened: [TypedExpression] = []
        for (index, argument) in arguments.enumerated() {
            widened.append(
                index < signature.arguments.count ? argument.converted(to: signature.arguments[index], .widening) : argument)
        }
        return .call(function, widened, signature.result)
    }

    /// `a op b op c` as a tree of logarithmic depth; the order of evaluation is that of the text.
    private mutating func balanced(
        _ parts: [Syntax.Expression], _ place: String, _ join: (TypedExpression, TypedExpression) -> TypedExpression
    ) throws(SQLError) -> TypedExpression {
        Self.balanced(try conditions(parts, in: place), join)
    }

    private mutating func conditions(_ parts: [Syntax.Expression], in place: String) throws(SQLError) -> [TypedExpression] {
        var conditions: [TypedExpression] = []
        for part in parts { conditions.append(try condition(part, in: place)) }
        return conditions
    }

    private static func balanced(
        _ parts: [TypedExpression], _ join: (TypedExpression, TypedExpression) -> TypedExpression
    ) -> TypedExpression {
        var level = parts
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                index + 1 < level.count ? join(level[index], level[index + 1]) : level[index]
            }
        }
        return level.first ?? .literal(.boolean(true), .boolean)
    }

    private func negated(_ expression: TypedExpression, _ isNegated: Bool, at position: SourcePosition) throws(SQLError)
        -> TypedExpression
    {
        isNegated ? try apply("NOT", [expression], at: position) : expression
    }

    private mutating func between(
        _ operand: Syntax.Expression, _ low: Syntax.Expression, _ high: Syntax.Expression, isSymmetric: Bool, isNegated: Bool,
        at position: SourcePosition
    ) throws(SQLError) -> TypedExpression {
        let value = try bind(operand)
        try context.spend(value.nodeCount, at: position)
        let (low, high) = (try bind(low), try bind(high))
        func inside(_ low: TypedExpression, _ high: TypedExpression) throws(SQLError) -> TypedExpression {
            .and(try apply(">=", [value, low], at: position), try apply("<=", [value, high], at: position))
        }
        var result = try inside(low, high)
        if isSymmetric {
            try context.spend(result.nodeCount, at: position)
            result = .or(result, try inside(high, low))
        }
        return try negated(result, isNegated, at: position)
    }

    private func cast(_ operand: TypedExpression, to type: SQLType, at position: SourcePosition) throws(SQLError) -> TypedExpression
    {
        guard operand.type.canCast(to: type, mode: .explicit) else {
            throw SQLError("a \(operand.type) cannot be CAST to \(type)", at: position)
        }
        return operand.converted(to: type, .explicit)
    }

    // MARK: CASE

    private mutating func choice(
        _ operand: Syntax.Expression?, _ branches: [Syntax.Branch], _ otherwise: Syntax.Expression?, at position: SourcePosition
    ) throws(SQLError) -> TypedExpression {
        var conditions: [TypedExpression] = []
        var results: [(TypedExpression, SourcePosition)] = []
        for branch in branches {
            if let operand {
                conditions.append(try apply("=", [try bind(operand), try bind(branch.condition)], at: branch.condition.position))
            } else {
                conditions.append(try condition(branch.condition, in: "WHEN"))
            }
            results.append((try bind(branch.result), branch.result.start))
        }
        if let otherwise {
            results.append((try bind(otherwise), otherwise.start))
        } else {
            results.append((.literal(.null, .null), position))
        }
        return try searchedCase(conditions, results, of: "CASE")
    }

    /// A CASE whose results are widened to their common type; the last result is the ELSE.
    func searchedCase(_ conditions: [TypedExpression], _ results: [(TypedExpression, SourcePosition)], of name: String)
        throws(SQLError)
        -> TypedExpression
    {
        var type = SQLType.null
        for (result, position) in results {
            guard let common = SQLType.common(type, result.type) else {
                throw SQLError("\(name) cannot give both a \(type) and a \(result.type); use CAST", at: position)
            }
            type = common
        }
        let widened = results.map { $0.0.converted(to: type, .widening) }
        let branches = zip(conditions, widened).map { CaseBranch(condition: $0, result: $1) }
        return .searchedCase(branches, otherwise: widened[widened.count - 1], type)
    }

    // MARK: Periods

    /// A predicate on periods as comparisons of their ends; a period holds its start but not its end.
    private func period(_ left: Syntax.Period, _ predicate: String, _ right: Syntax.Period, at position: SourcePosition)
        throws(SQLError)
        -> Syntax.Expression
    {
        guard let leftEnd = left.end else { throw SQLError("\(predicate) needs a period on its left", at: position) }
        func all(_ comparisons: (Syntax.Expression, String, Syntax.Expression)...) -> Syntax.Expression {
            Syntax.Expression(.and(comparisons.map { Syntax.Expression(.binary($1, $0, $2), at: position) }), at: position)
        }
        guard let rightEnd = right.end else { return all((left.start, "<=", right.start), (right.start, "<", leftEnd)) }
        switch predicate {
        case "CONTAINS": return all((left.start, "<=", right.start), (rightEnd, "<=", leftEnd))
        case "STRICTLY CONTAINS": return all((left.start, "<", right.start), (rightEnd, "<", leftEnd))
        case "OVERLAPS": return all((left.start, "<", rightEnd), (right.start, "<", leftEnd))
        case "EQUALS": return all((left.start, "=", right.start), (leftEnd, "=", rightEnd))
        case "PRECEDES": return all((leftEnd, "<=", right.start))
        case "STRICTLY PRECEDES": return all((leftEnd, "<", right.start))
        case "IMMEDIATELY PRECEDES": return all((leftEnd, "=", right.start))
        case "SUCCEEDS": return all((rightEnd, "<=", left.start))
        case "STRICTLY SUCCEEDS": return all((rightEnd, "<", left.start))
        case "IMMEDIATELY SUCCEEDS": return all((rightEnd, "=", left.start))
        // The page shows these as drawings only. Who leads begins first, and ends while the other goes on; immediately, with the other.
        case "LEADS": return all((left.start, "<", right.start), (right.start, "<", leftEnd), (leftEnd, "<=", rightEnd))
        case "STRICTLY LEADS": return all((left.start, "<", right.start), (right.start, "<", leftEnd), (leftEnd, "<", rightEnd))
        case "IMMEDIATELY LEADS": return all((left.start, "<", right.start), (leftEnd, "=", rightEnd))
        case "LAGS": return all((right.start, "<=", left.start), (left.start, "<", rightEnd), (rightEnd, "<", leftEnd))
        case "STRICTLY LAGS": return all((right.start, "<", left.start), (left.start, "<", rightEnd), (rightEnd, "<", leftEnd))
        case "IMMEDIATELY LAGS": return all((right.start, "=", left.start), (rightEnd, "<", leftEnd))
        case "STRICTLY OVERLAPS":
            return Syntax.Expression(
                .or([
                    all((left.start, "<", right.start), (right.start, "<", leftEnd), (leftEnd, "<", rightEnd)),
                    all((right.start, "<", left.start), (left.start, "<", rightEnd), (rightEnd, "<", leftEnd)),
                ]), at: position)
        default: throw SQLError("\(predicate) is not supported yet", at: position)
        }
    }

    // MARK: What calls need (ExpressionBinder+Calls)

    /// The column that stands for an aggregate; equal calls share one.
    mutating func column(for aggregate: AggregateCall) -> TypedExpression {
        let index = aggregates.firstIndex(of: aggregate) ?? aggregates.count
        if index == aggregates.count { aggregates.append(aggregate) }
        return .column(scope.columns.count + index, aggregate.type)
    }
}
