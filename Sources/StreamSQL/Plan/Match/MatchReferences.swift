/// What expressions of MATCH_RECOGNIZE look at beside the row at hand.

/// Collects PREV, FIRST, LAST, columns of variables, aggregates and their kin; each becomes a column behind those of the input.
struct MatchReferences {
    private let context: PlanContext
    private let scope: Scope
    private let variables: [String]
    /// The variable whose condition it is; nil for a measure, which looks at a whole match.
    private let defining: Int?
    private(set) var found: [MatchReference] = []
    /// What the names and calls stand for, by their places.
    private(set) var substitutes: [SourcePosition: TypedExpression] = [:]

    /// How many rows of a variable, or of the partition, can be reached over.
    private static let farthest = 100

    init(_ context: PlanContext, _ scope: Scope, variables: [String], defining: Int?) {
        self.context = context
        self.scope = scope
        self.variables = variables
        self.defining = defining
    }

    mutating func take(_ expression: Syntax.Expression) throws(SQLError) {
        switch expression.kind {
        case .name(let name): return try take(name, at: expression.position)
        case .call(let call) where call.window == nil:
            switch call.name.text {
            case "FIRST", "LAST", "PREV": return try navigation(call, at: expression.position)
            case "NEXT":
                throw SQLError("NEXT is not supported: rows are looked at as they come; use PREV", at: call.name.position)
            case "CLASSIFIER" where call.arguments.isEmpty:
                guard defining == nil else { throw SQLError("CLASSIFIER() stands in MEASURES", at: call.name.position) }
                return add(MatchReference(place: .classifier, expression: nil, type: .varchar(128)), at: expression.position)
            case "MATCH_ROWTIME" where call.arguments.isEmpty:
                return add(
                    MatchReference(place: .last(variable: nil, skip: 0, back: 0), expression: .rowtime, type: .timestamp),
                    at: expression.position)
            default: break
            }
            if let function = AggregateFunctions.named(call.name.text), context.functions[call.name.text] == nil {
                return try aggregate(call, function, at: expression.position)
            }
        default: break
        }
        for child in expression.kind.children { try take(child) }
    }

    private mutating func add(_ reference: MatchReference, at position: SourcePosition) {
        let index = found.firstIndex(of: reference) ?? found.count
        if index == found.count { found.append(reference) }
        substitutes[position] = .column(scope.columns.count + index, reference.type)
    }

    // MARK: Names

    private mutating func take(_ name: Syntax.QualifiedName, at position: SourcePosition) throws(SQLError) {
        let variable = variable(name)
        // In a condition the variable's own columns are those of the row at hand.
        if defining != nil, variable == nil || variable == defining { return }
        let bound = try bind(Syntax.Expression(.name(name), at: position))
        add(
            MatchReference(place: .last(variable: variable, skip: 0, back: 0), expression: bound, type: bound.type), at: position)
    }

    private func variable(_ name: Syntax.QualifiedName) -> Int? {
        guard name.qualifiers.count == 1 else { return nil }
        return variables.firstIndex(of: name.qualifiers[0].text)
    }

    /// The variable whose columns an expression names.
    private func variable(of expression: Syntax.Expression) throws(SQLError) -> Int? {
        var found: (variable: Int?, isAny: Bool) = (nil, false)
        try note(expression, &found)
        return found.variable
    }

    private func note(_ expression: Syntax.Expression, _ found: inout (variable: Int?, isAny: Bool)) throws(SQLError) {
        if case .name(let name) = expression.kind {
            let own = variable(name)
            if found.isAny, own != found.variable {
                throw SQLError("all columns within FIRST, LAST, PREV or an aggregate must be of one variable", at: name.position)
            }
            found = (own, true)
        }
        for child in expression.kind.children { try note(child, &found) }
    }

    private func bind(_ expression: Syntax.Expression) throws(SQLError) -> TypedExpression {
        var binder = ExpressionBinder(context, scope)
        binder.aggregateRefusal = "cannot stand within FIRST, LAST, PREV or another aggregate function"
        return try binder.bind(expression)
    }

    // MARK: Calls

    private func distance(_ call: Syntax.Call, or missing: Int) throws(SQLError) -> Int {
        guard call.arguments.count > 1 else { return missing }
        guard case .literal(.integer(let distance), let type) = call.arguments[1].kind, type.isInteger,
            (0...Int64(Self.farthest)).contains(distance)
        else {
            throw SQLError(
                "\(call.name.text) takes a number of rows from 0 to \(Self.farthest) written out", at: call.arguments[1].start)
        }
        return Int(distance)
    }

    private mutating func navigation(_ call: Syntax.Call, at position: SourcePosition) throws(SQLError) {
        guard (1...2).contains(call.arguments.count), !call.isStar, !call.isDistinct else {
            throw SQLError("\(call.name.text) takes an expression and, perhaps, a number of rows", at: call.name.position)
        }
        if call.name.text != "PREV" {
            let place = try edge(call)
            let bound = try bind(call.arguments[0])
            return add(MatchReference(place: place, expression: bound, type: bound.type), at: position)
        }
        let back = try distance(call, or: 1)
        // PREV(LAST(A.x)): rows before that one.
        if case .call(let inner) = call.arguments[0].kind, inner.name.text == "FIRST" || inner.name.text == "LAST" {
            guard (1...2).contains(inner.arguments.count) else {
                throw SQLError("\(inner.name.text) takes an expression and, perhaps, a number of rows", at: inner.name.position)
            }
            let bound = try bind(inner.arguments[0])
            var place = try edge(inner)
            switch place {
            case .first(let variable, let skip, _): place = .first(variable: variable, skip: skip, back: back)
            case .last(let variable, let skip, _): place = .last(variable: variable, skip: skip, back: back)
            default: break
            }
            return add(MatchReference(place: place, expression: bound, type: bound.type), at: position)
        }
        let variable = try variable(of: call.arguments[0])
        let bound = try bind(call.arguments[0])
        let isHere = defining != nil && (variable == nil || variable == defining)
        add(
            MatchReference(
                place: isHere ? .before(back) : .last(variable: variable, skip: 0, back: back), expression: bound, type: bound.type),
            at: position)
    }

    private func edge(_ call: Syntax.Call) throws(SQLError) -> MatchReference.Place {
        let variable = try variable(of: call.arguments[0])
        let skip = try distance(call, or: 0)
        return call.name.text == "FIRST"
            ? .first(variable: variable, skip: skip, back: 0) : .last(variable: variable, skip: skip, back: 0)
    }

    private mutating func aggregate(_ call: Syntax.Call, _ function: AggregateFunction, at position: SourcePosition)
        throws(SQLError)
    {
        let variable = try call.arguments.first.map { argument throws(SQLError) in try self.variable(of: argument) } ?? nil
        // Bound as over groups: the aggregate is the one that comes out.
        var binder = ExpressionBinder(context, scope)
        binder.collectsAggregates = true
        _ = try binder.bind(Syntax.Expression(.call(call), at: position))
        guard let bound = binder.aggregates.first else { throw SQLError("this cannot stand here", at: position) }
        if bound.isDistinct { throw SQLError("\(call.name.text) takes no DISTINCT in MATCH_RECOGNIZE", at: position) }
        add(
            MatchReference(place: .all(variable: variable, bound), expression: bound.argument, type: bound.type), at: position)
    }
}
