/// Resolves function calls: the program's own functions, rewritten ones, aggregates, and those of the table.

extension ExpressionBinder {
    /// Reserved words of the dialect that the reference describes nowhere.
    private static let unsupported: Set<String> = ["ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK"]

    mutating func bind(_ call: Syntax.Call) throws(SQLError) -> TypedExpression {
        let name = call.name.text
        let position = call.name.position
        if let window = call.window { return try bind(call, over: window) }
        if let nulls = call.nulls, nulls == .ignore || AggregateFunctions.named(name) == nil,
            name != "FIRST_VALUE", name != "LAST_VALUE", !SlidingFunctions.own.contains(name)
        {
            throw SQLError("\(Identifiers.written(name)) takes no \(nulls.rawValue)", at: position)
        }
        if let overloads = context.functions[name] { return try bind(call, to: overloads) }
        switch name {
        case "COALESCE": return try coalesce(call)
        case "NULLIF":
            guard call.arguments.count == 2 else {
                throw SQLError("NULLIF takes 2 arguments, not \(call.arguments.count)", at: position)
            }
            let (first, second) = (try bind(call.arguments[0]), try bind(call.arguments[1]))
            try context.spend(first.nodeCount, at: position)
            let isSame = try apply("=", [first, second], at: position)
            return try searchedCase([isSame], [(.literal(.null, first.type), position), (first, position)], of: name)
        case "MONOTONIC":
            guard call.arguments.count == 1 else {
                throw SQLError("MONOTONIC takes 1 argument, not \(call.arguments.count)", at: position)
            }
            return try bind(call.arguments[0])
        case "TUMBLE", "TUMBLE_START", "TUMBLE_END", "HOP_START", "HOP_END":
            return try windowBound(call)
        case "SESSION", "SESSION_START", "SESSION_END": return try session(call)
        default: break
        }
        if let aggregate = AggregateFunctions.named(name) { return try bind(call, to: aggregate) }
        if SlidingFunctions.own.contains(name) {
            throw SQLError("\(name) needs a window: \(name)(...) OVER (PARTITION BY ... ROWS 10 PRECEDING)", at: position)
        }
        if LogParsers.named(name) != nil {
            throw SQLError(
                "\(name) gives a record, which can only be an item of the select list of its own; read its fields in a query around it",
                at: position)
        }
        guard ScalarFunctions.named(name) != nil else { throw unknown(call) }
        if call.isStar || call.isDistinct {
            throw SQLError("\(name) is not an aggregate function; it takes no \(call.isStar ? "*" : "DISTINCT")", at: position)
        }
        var arguments: [TypedExpression] = []
        for argument in call.arguments { arguments.append(try bind(argument)) }
        let bound = try apply(name, arguments, at: position)
        guard case .call(let function, let widened, _) = bound, let refine = function.refine else { return bound }
        do throws(SignatureError) {
            let type = try refine(arguments.map { if case .literal(let value, _) = $0 { value } else { nil } })
            return type.map { .call(function, widened, $0) } ?? bound
        } catch {
            throw SQLError(error.message, at: error.argument.map { call.arguments[$0].start } ?? position)
        }
    }

    private func unknown(_ call: Syntax.Call) -> SQLError {
        let name = call.name.text
        if Self.unsupported.contains(name) { return SQLError("\(name) is not supported yet", at: call.name.position) }
        if context.lostNames.contains(name) { return .consequence(at: call.name.position) }
        let known = ScalarFunctions.all.map(\.name).filter { $0.first?.isLetter == true } + AggregateFunctions.all.map(\.name)
        let candidates =
            known + context.functions.keys.sorted() + SlidingFunctions.own.sorted() + LogParsers.names
            + [
                "COALESCE", "NULLIF", "MONOTONIC", "TUMBLE", "TUMBLE_START", "TUMBLE_END", "HOP_START", "HOP_END", "SESSION",
                "SESSION_START", "SESSION_END",
            ]
        return SQLError(
            "there is no function \(Identifiers.written(name))\(Suggestion.hint(for: name, among: candidates))",
            at: call.name.position)
    }

    /// TUMBLE(t, i) is STEP(t BY i), TUMBLE_START too; the ends are so much later. HOP_START(...) is HOP(...).
    private mutating func windowBound(_ call: Syntax.Call) throws(SQLError) -> TypedExpression {
        let (name, position) = (call.name.text, call.name.position)
        let isHop = name.hasPrefix("HOP")
        guard call.arguments.count == (isHop ? 3 : 2), !call.isStar, !call.isDistinct else {
            throw SQLError("\(name) takes \(isHop ? 3 : 2) arguments, not \(call.arguments.count)", at: position)
        }
        var plain = call
        plain.name = Syntax.Name(text: isHop ? "HOP" : "STEP", isQuoted: false, position: position)
        let start = try bind(plain)
        guard name.hasSuffix("_END") else { return start }
        return try apply("+", [start, try bind(call.arguments[isHop ? 2 : 1])], at: position)
    }

    /// SESSION(t, gap) and SESSION_START(t, gap) are the start of a session, SESSION_END(t, gap) its end.
    private mutating func session(_ call: Syntax.Call) throws(SQLError) -> TypedExpression {
        let (name, position) = (call.name.text, call.name.position)
        guard takesSessions else {
            throw SQLError(
                "\(name) stands in GROUP BY and in the select list, HAVING and ORDER BY of such a query, on a stream without an end",
                at: position)
        }
        guard call.arguments.count == 2, !call.isStar, !call.isDistinct else {
            throw SQLError("\(name) takes 2 arguments, not \(call.arguments.count)", at: position)
        }
        let arguments = [try bind(call.arguments[0]), try bind(call.arguments[1])]
        guard arguments[0].type == .timestamp, case .interval(let unit) = arguments[1].type, !unit.countsMonths else {
            throw SQLError(
                "\(name) takes a TIMESTAMP and an interval of days or smaller units, not \(arguments[0].type), \(arguments[1].type)",
                at: position)
        }
        guard case .literal(.integer(let gap), _) = arguments[1], gap > 0 else {
            throw SQLError("\(name) takes an interval above 0 written out", at: call.arguments[1].start)
        }
        return .call(name == "SESSION_END" ? .sessionEnd : .session, arguments, .timestamp)
    }

    /// COALESCE(a, b, ...) is CASE WHEN a IS NOT NULL THEN a ... ELSE the last.
    private mutating func coalesce(_ call: Syntax.Call) throws(SQLError) -> TypedExpression {
        let position = call.name.position
        guard !call.arguments.isEmpty else { throw SQLError("COALESCE takes at least 1 argument", at: position) }
        var results: [(TypedExpression, SourcePosition)] = []
        for argument in call.arguments { results.append((try bind(argument), argument.start)) }
        var conditions: [TypedExpression] = []
        for (result, position) in results.dropLast() {
            try context.spend(result.nodeCount, at: position)
            conditions.append(try apply("IS NOT NULL", [result], at: position))
        }
        return conditions.isEmpty ? results[0].0 : try searchedCase(conditions, results, of: "COALESCE")
    }

    // MARK: Aggregates

    private func bind(_ call: Syntax.Call, over window: Syntax.Window) throws(SQLError) -> TypedExpression {
        guard let sliding else {
            let place =
                collectsAggregates
                ? "in a query with GROUP BY; put that into a subquery" : "here, only in the select list or ORDER BY"
            throw SQLError("\(Identifiers.written(call.name.text)) OVER a window cannot stand \(place)", at: window.position)
        }
        return try sliding.bind(call, over: window)
    }

    private mutating func bind(_ call: Syntax.Call, to function: AggregateFunction) throws(SQLError) -> TypedExpression {
        let position = call.name.position
        let name = Identifiers.written(call.name.text)
        guard collectsAggregates else { throw SQLError("the aggregate function \(name) \(aggregateRefusal)", at: position) }
        var function = call.nulls == .ignore ? function.ignoringNulls : function
        var argument: TypedExpression?
        if !call.isStar {
            let count = function.parameter == nil ? 1 : 2
            guard call.arguments.count == count else {
                throw SQLError(
                    "\(name) takes \(count) argument\(count == 1 ? "" : "s"), not \(call.arguments.count)", at: position)
            }
            if let parameter = function.parameter { function = try specialized(parameter, call.arguments[1], of: name) }
            var inner = ExpressionBinder(context, scope)
            inner.aggregateRefusal = "cannot stand inside another aggregate function"
            argument = try inner.bind(call.arguments[0])
        }
        let signature: Signature
        do throws(SignatureError) { signature = try function.resolve(argument?.type) } catch {
            throw SQLError("\(name): \(error.message)", at: position)
        }
        if let type = signature.arguments.first { argument = argument?.converted(to: type, .widening) }
        // The least and the greatest of distinct values are those of all, as are different ones.
        let isDistinct = call.isDistinct && !["MIN", "MAX", "APPROX_COUNT_DISTINCT"].contains(function.name)
        return column(for: AggregateCall(function, argument, isDistinct: isDistinct, type: signature.result))
    }

    /// The function for its second argument, a literal.
    private func specialized(
        _ parameter: (SQLValue, SQLType) throws(SignatureError) -> AggregateFunction, _ argument: Syntax.Expression, of name: String
    ) throws(SQLError) -> AggregateFunction {
        do throws(SignatureError) {
            guard case .literal(let value, let type) = argument.kind else { return try parameter(.null, .null) }
            return try parameter(value, type)
        } catch {
            throw SQLError("\(name): argument 2 \(error.message)", at: argument.start)
        }
    }

    // MARK: The program's functions

    private mutating func bind(_ call: Syntax.Call, to overloads: [Syntax.CreateFunction]) throws(SQLError) -> TypedExpression {
        let position = call.name.position
        let name = Identifiers.written(call.name.text)
        if call.isStar || call.isDistinct { throw SQLError("\(name) is not an aggregate function", at: position) }
        var arguments: [TypedExpression] = []
        for argument in call.arguments { arguments.append(try bind(argument)) }
        let types = arguments.map(\.type)
        if let exact = overloads.first(where: { $0.parameters.map(\.type) == types }) {
            return try inline(exact, arguments, at: position)
        }
        let fitting = overloads.filter { overload in
            overload.parameters.count == types.count
                && zip(types, overload.parameters).allSatisfy { $0.canCast(to: $1.type, mode: .assignment) }
        }
        guard let function = fitting.first, fitting.count == 1 else {
            let given = types.map(\.description).joined(separator: ", ")
            throw SQLError(
                "\(fitting.isEmpty ? "no" : "more than one") \(name) takes the arguments (\(given)); use CAST", at: position)
        }
        return try inline(function, arguments, at: position)
    }

    /// The function's body with the arguments in place of its parameters.
    func inline(_ function: Syntax.CreateFunction, _ arguments: [TypedExpression], at position: SourcePosition) throws(SQLError)
        -> TypedExpression
    {
        let name = function.name.last.text
        try context.beginExpansion(of: name, .function, at: position)
        defer { context.endExpansion(of: name, .function) }
        var body = ExpressionBinder(context, Scope.empty)
        body.aggregateRefusal = "cannot stand in a function's body"
        var isNull: TypedExpression?
        for (parameter, argument) in zip(function.parameters, arguments) {
            let converted = argument.converted(to: parameter.type, .assignment)
            body.parameters[parameter.name.text] = converted
            guard function.returnsNullOnNull else { continue }
            try context.spend(converted.nodeCount, at: position)
            let test = try apply("IS NULL", [converted], at: position)
            isNull = isNull.map { .or($0, test) } ?? test
        }
        let result = try body.bind(function.body)
        // Arguments hang below the body's leaves, which the binder's own count of levels does not see.
        if result.depth > PlanContext.maximumDepth { throw context.tooDeep(at: position) }
        guard result.type.canCast(to: function.result, mode: .assignment) else {
            throw SQLError(
                "the function \(Identifiers.written(name)) gives a \(result.type) instead of a \(function.result); use CAST",
                at: function.body.start)
        }
        let value = result.converted(to: function.result, .assignment)
        guard let isNull else { return value }
        return .searchedCase(
            [CaseBranch(condition: isNull, result: .literal(.null, function.result))], otherwise: value, function.result)
    }
}
