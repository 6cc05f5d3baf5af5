/// Plans FILL (...) [FOR n WINDOWS] of GROUP BY.

enum FillPlanner {
    /// The aggregation with the windows that keys leave out.
    static func plan(_ fill: Syntax.Fill, over input: Relation) throws(SQLError) -> Relation {
        guard case .tumblingAggregate(_, let aggregate) = input, !aggregate.isWhole else {
            throw SQLError(
                "FILL needs windows of ROWTIME without an end, such as STEP(s.ROWTIME BY INTERVAL '60' SECOND) in GROUP BY",
                at: fill.position)
        }
        guard fill.values.count == 1 || fill.values.count == aggregate.results.count else {
            throw SQLError(
                "FILL takes one value for all aggregates or one for each of the \(aggregate.results.count), in the order in which they are first written, not \(fill.values.count)",
                at: fill.position)
        }
        var values: [WindowFill.Value] = []
        for (index, result) in aggregate.results.enumerated() {
            let written = fill.values[fill.values.count == 1 ? 0 : index]
            values.append(try value(written, result))
        }
        return .fill(input, WindowFill(aggregate: aggregate, values: values, most: fill.most ?? WindowFill.most))
    }

    private static func value(_ written: Syntax.FillValue, _ result: AggregateCall) throws(SQLError) -> WindowFill.Value {
        switch written.kind {
        case .null: return .null
        case .previous: return .previous
        case .linear:
            guard result.type.isNumeric else {
                throw SQLError("LINEAR is for numbers, not for the \(result.type) of \(result.function.name)", at: written.position)
            }
            return .linear
        case .constant(let value, let type):
            let literal = TypedExpression.literal(value, type)
            guard type.canCast(to: result.type, mode: .assignment) else {
                throw SQLError("a \(type) cannot stand for the \(result.type) of \(result.function.name)", at: written.position)
            }
            var context = EvaluationContext(count: 1, clockMilliseconds: 0, queryStartMilliseconds: 0)
            let column = Evaluator().evaluate(
                literal.converted(to: result.type, .assignment), over: ColumnBatch(rowtimes: [0], columns: []), context: &context)
            if let error = context.errors.first { throw SQLError("FILL: \(error.message)", at: written.position) }
            return .constant(column.value(at: 0))
        }
    }
}
