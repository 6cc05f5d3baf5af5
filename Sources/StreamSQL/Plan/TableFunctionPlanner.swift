/// Plans TABLE(F(CURSOR(query), ...)): checks the arguments of table functions.

struct TableFunctionPlanner {
    private let context: PlanContext
    init(_ context: PlanContext) { self.context = context }

    private static let unsupported = [
        "RANDOM_CUT_FOREST_WITH_EXPLANATION", "HOTSPOTS", "TOP_K_ITEMS_TUMBLING", "COUNT_DISTINCT_ITEMS_TUMBLING", "GROUP_RANK",
    ]

    func plan(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument]) throws(SQLError) -> Relation {
        switch name.text {
        case "RANDOM_CUT_FOREST": return try randomCutForest(name, arguments)
        case let text where Self.unsupported.contains(text): throw SQLError("\(text) is not supported yet", at: name.position)
        default:
            let hint = Suggestion.hint(for: name.text, among: ["RANDOM_CUT_FOREST"] + Self.unsupported)
            throw SQLError("there is no table function \(Identifiers.written(name.text))\(hint)", at: name.position)
        }
    }

    /// RANDOM_CUT_FOREST(cursor, numberOfTrees, subSampleSize, timeDecay, shingleSize) (SQL Reference, "RANDOM_CUT_FOREST").
    private func randomCutForest(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument]) throws(SQLError) -> Relation {
        let input = try cursor(name, arguments)
        guard arguments.count <= 5 else {
            throw SQLError("\(name.text) takes at most 5 arguments, not \(arguments.count)", at: name.position)
        }
        let trees = try integer(arguments, 1, "the number of trees", 1...1000, otherwise: 100)
        let sampleSize = try integer(arguments, 2, "the sample size", 10...1000, otherwise: 256)
        let timeDecay = try integer(arguments, 3, "the time decay", 1...2_147_483_647, otherwise: 100_000)
        let shingleSize = try integer(arguments, 4, "the shingle size", 1...30, otherwise: 1)
        let columns = input.columns
        // DECIMAL is the one numeric type that the function passes over.
        let inputs = columns.indices.filter { columns[$0].type.isInteger || columns[$0].type.isApproximateNumeric }
        guard (1...30).contains(inputs.count) else {
            throw SQLError(
                "\(name.text) takes 1 to 30 columns of type TINYINT, SMALLINT, INTEGER, BIGINT, REAL or DOUBLE; its cursor has \(inputs.count)",
                at: name.position)
        }
        let score = ColumnDefinition("ANOMALY_SCORE", .double)
        if columns.contains(where: { $0.name == score.name }) {
            throw SQLError("the cursor has a column \(score.name) already; give it another name", at: name.position)
        }
        let function = TableFunction.randomCutForest(
            inputs: inputs, trees: trees, sampleSize: sampleSize, timeDecay: timeDecay, shingleSize: shingleSize)
        return .tableFunction(input, TableFunctionCall(function, addedColumns: [score]))
    }

    /// The query in the first argument, and no other.
    private func cursor(_ name: Syntax.Name, _ arguments: [Syntax.TableArgument]) throws(SQLError) -> Relation {
        guard case .cursor(let query)? = arguments.first else {
            throw SQLError("the first argument of \(name.text) must be CURSOR(SELECT STREAM ...)", at: name.position)
        }
        for case .cursor(let other) in arguments.dropFirst() {
            throw SQLError("\(name.text) takes one CURSOR", at: other.position)
        }
        return try QueryPlanner(context).plan(query, for: .subquery).relation
    }

    /// The constant argument at a place, or the default.
    private func integer(
        _ arguments: [Syntax.TableArgument], _ place: Int, _ what: String, _ range: ClosedRange<Int>, otherwise: Int
    ) throws(SQLError) -> Int {
        guard place < arguments.count, case .expression(let expression) = arguments[place] else { return otherwise }
        guard case .literal(.integer(let value), let type) = expression.kind, type.isInteger else {
            throw SQLError("\(what) must be a whole number written out", at: expression.start)
        }
        guard let number = Int(exactly: value), range.contains(number) else {
            throw SQLError(
                "\(what) must be between \(range.lowerBound) and \(range.upperBound), not \(value)", at: expression.start)
        }
        return number
    }
}
