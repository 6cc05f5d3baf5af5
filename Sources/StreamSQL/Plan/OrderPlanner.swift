/// Plans ORDER BY on streams: a leading term that grows with time, then the others.

enum OrderPlanner {
    /// The output column that a term names by ordinal or by name; nil if it is an expression of its own.
    static func output(of term: Syntax.OrderTerm, _ outputs: [(name: String, expression: TypedExpression)]) throws(SQLError)
        -> TypedExpression?
    {
        switch term.expression.kind {
        case .literal(.integer(let ordinal), let type) where type.isInteger:
            guard let index = Int(exactly: ordinal), index >= 1, index <= outputs.count else {
                throw SQLError("ORDER BY \(ordinal): the query has \(outputs.count) columns", at: term.expression.start)
            }
            return outputs[index - 1].expression
        case .name(let name) where name.qualifiers.isEmpty:
            let named = outputs.filter { $0.name == name.last.text }
            return named.count == 1 ? named.first?.expression : nil
        default: return nil
        }
    }

    /// - Parameter window: the column of the input that is the window of an aggregation, which changes exactly when ROWTIME does.
    static func sort(_ input: Relation, _ terms: [(key: SortKey, position: SourcePosition)], window: Int?) throws(SQLError)
        -> Relation
    {
        guard let (first, position) = terms.first else { return input }
        var period = first.expression
        if case .column(let index, _) = period, index == window { period = .rowtime }
        guard case .growing = period.trend else {
            if let window, period.contains(column: window) {
                throw SQLError(
                    "ORDER BY an expression over the window is not supported yet; write the window's own term", at: position)
            }
            throw SQLError(
                "the first term of ORDER BY on a stream must grow with time, such as ROWTIME or FLOOR(ROWTIME TO SECOND)",
                at: position)
        }
        if first.isDescending {
            throw SQLError("the first term of ORDER BY on a stream cannot be DESC: rows come in time order", at: position)
        }
        if first.nullsFirst { throw SQLError("the first term of ORDER BY on a stream is never NULL", at: position) }
        return .sort(input, TimedSort(period: period, keys: terms.dropFirst().map(\.key)))
    }

    /// ORDER BY and LIMIT of rows with an end.
    static func select(_ input: Relation, _ keys: [SortKey], _ limit: Syntax.Limit?) -> Relation {
        if keys.isEmpty, limit == nil { return input }
        return .select(input, RowSelection(keys: keys, count: limit?.count, offset: limit?.offset ?? 0))
    }

    /// - Throws: for LIMIT and its kin on a stream.
    static func refuse(_ limit: Syntax.Limit?) throws(SQLError) {
        guard let limit else { return }
        throw SQLError("'\(limit.word)' is not part of streaming SQL; rows have no last one", at: limit.position)
    }
}
