/// Plans TABLE(F(CURSOR(query), ...)): finds the function and its cursor. Each family of functions checks its arguments in a file of its own.

struct TableFunctionPlanner {
    private let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    private static let unsupported = ["HOTSPOTS", "TOP_K_ITEMS_TUMBLING", "COUNT_DISTINCT_ITEMS_TUMBLING", "GROUP_RANK"]

    func plan(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument], partition: [Syntax.Expression]) throws(SQLError)
        -> Relation
    {
        if let forest = ForestPlanner(name) {
            let (input, scope, ownPartition) = try cursor(name, arguments)
            if let second = partition.first, !ownPartition.isEmpty {
                throw SQLError("PARTITION BY is given twice, after the cursor and after the call", at: second.start)
            }
            let call = try forest.plan(arguments.dropFirst(), scope, partition: ownPartition + partition)
            return .tableFunction(input, call)
        }
        if Self.unsupported.contains(name.text) { throw SQLError("\(name.text) is not supported yet", at: name.position) }
        let hint = Suggestion.hint(for: name.text, among: ForestPlanner.functions.keys.sorted() + Self.unsupported)
        throw SQLError("there is no table function \(Identifiers.written(name.text))\(hint)", at: name.position)
    }

    /// The query in the first argument, and no other.
    private func cursor(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument]) throws(SQLError) -> (
        input: Relation, scope: Scope, partition: [Syntax.Expression]
    ) {
        guard case .cursor(let query, let partition)? = arguments.first else {
            throw SQLError("the first argument of \(name.text) must be CURSOR(SELECT STREAM ...)", at: name.position)
        }
        for case .cursor(let other, _) in arguments.dropFirst() {
            throw SQLError("\(name.text) takes one CURSOR", at: other.position)
        }
        let input = try QueryPlanner(context).plan(query, for: .subquery).relation
        return (input, Scope(name: nil, columns: input.columns), partition)
    }
}
