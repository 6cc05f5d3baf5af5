/// Plans TABLE(F(CURSOR(query), ...)): finds the function and its cursor. Each family of functions checks its arguments in a file of its own.

struct TableFunctionPlanner {
    private let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    private static let names = ForestPlanner.functions.keys.sorted() + ItemPlanner.functions + ["GROUP_RANK", "HOTSPOTS"]

    func plan(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument], partition: [Syntax.Expression]) throws(SQLError)
        -> Relation
    {
        guard Self.names.contains(name.text) else {
            let hint = Suggestion.hint(for: name.text, among: Self.names)
            throw SQLError("there is no table function \(Identifiers.written(name.text))\(hint)", at: name.position)
        }
        let (input, scope, ownPartition) = try cursor(name, arguments)
        if let forest = ForestPlanner(name) {
            if let second = partition.first, !ownPartition.isEmpty {
                throw SQLError("PARTITION BY is given twice, after the cursor and after the call", at: second.start)
            }
            let call = try forest.plan(arguments.dropFirst(), scope, partition: ownPartition + partition)
            return .tableFunction(input, call)
        }
        if let term = (ownPartition + partition).first {
            throw SQLError("\(name.text) takes no PARTITION BY", at: term.start)
        }
        switch name.text {
        case "GROUP_RANK": return try groupRank(name, arguments.dropFirst(), input)
        case "HOTSPOTS": return try hotspots(name, arguments.dropFirst(), input)
        default: return try ItemPlanner.plan(name, arguments.dropFirst(), input)
        }
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

    private func groupRank(_ name: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, _ input: Relation) throws(SQLError)
        -> Relation
    {
        let arguments = try TableArguments(name, arguments, count: 6)
        let column = try arguments.column(0, "the column to rank by", of: input.columns)
        let type = input.columns[column].type
        guard type.isNumeric || type.isCharacter || type.isDatetime else {
            throw SQLError("GROUP_RANK cannot rank by a \(type)", at: arguments.start(0))
        }
        let rank = ColumnDefinition(try arguments.text(1, "the rank's name"), .integer)
        if input.columns.contains(where: { $0.name == rank.name }) {
            throw SQLError("the cursor has a column '\(rank.name)' already; give the rank another name", at: arguments.start(1))
        }
        let call = GroupRankCall(
            column: column, ranksDescending: try arguments.isDescending(2, "the order of ranks"),
            leavesDescending: try arguments.isDescending(3, "the order of output"),
            maxIdle: Int64(try arguments.integer(4, "the idle time", 0...2_147_483_647)),
            most: try arguments.integer(5, "the number of rows", 0...2_147_483_647))
        return .tableFunction(input, TableFunctionCall(.groupRank(call), addedColumns: [rank]))
    }

    private func hotspots(_ name: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, _ input: Relation) throws(SQLError)
        -> Relation
    {
        let arguments = try TableArguments(name, arguments, count: 3)
        let columns = input.columns
        let inputs = columns.indices.filter { columns[$0].type.isInteger || columns[$0].type.isApproximateNumeric }
        guard (1...30).contains(inputs.count) else {
            throw SQLError(
                "HOTSPOTS takes 1 to 30 columns of type TINYINT, SMALLINT, INTEGER, BIGINT, REAL or DOUBLE; its cursor has \(inputs.count)",
                at: name.position)
        }
        let size = try arguments.integer(0, "the window's size", 100...1000)
        let call = HotspotsCall(
            inputs: inputs, windowSize: size, radius: try arguments.positive(1, "the scan radius"),
            leastPoints: try arguments.integer(2, "the number of points in a hotspot", 2...size))
        let result = ColumnDefinition("HOTSPOTS_RESULT", .varchar(65_535))
        if columns.contains(where: { $0.name == result.name }) {
            throw SQLError("the cursor has a column HOTSPOTS_RESULT already; give it another name", at: name.position)
        }
        return .tableFunction(input, TableFunctionCall(.hotspots(call), addedColumns: [result]))
    }
}
