/// Checks the arguments of RANDOM_CUT_FOREST and its kin.

/// Plans a call of a forest's table function (SQL Reference, "RANDOM_CUT_FOREST" and "RANDOM_CUT_FOREST_WITH_EXPLANATION").
///
/// All take numberOfTrees, subSampleSize, timeDecay and shingleSize, with the service's defaults and ranges; the one with the explanation takes
/// withDirectionality too. That subSampleSize be below timeDecay, as the reference says, is not asked for: programs ran without.
/// RANDOM_CUT_FOREST_WITH_GRADE and PARTITION BY are extensions.
struct ForestPlanner {
    enum Kind {
        case score, explanation, grade
    }

    static let functions: [String: Kind] = [
        "RANDOM_CUT_FOREST": .score, "RANDOM_CUT_FOREST_WITH_EXPLANATION": .explanation, "RANDOM_CUT_FOREST_WITH_GRADE": .grade,
    ]

    /// What a forest may keep: sampled points of all trees times numbers a point. Beyond it a forest takes gigabytes.
    private static let mostNumbers = 1 << 27
    /// The length of ANOMALY_EXPLANATION, as the service's samples declare it.
    private static let explanationLength = 20_480

    private let name: Syntax.Name
    private let kind: Kind

    /// nil for a name that is no forest's.
    init?(_ name: Syntax.Name) {
        guard let kind = Self.functions[name.text] else { return nil }
        self.name = name
        self.kind = kind
    }

    /// - Parameters:
    ///   - arguments: those after the cursor.
    ///   - scope: the cursor's columns.
    func plan(_ arguments: ArraySlice<Syntax.TableArgument>, _ scope: Scope, partition: [Syntax.Expression]) throws(SQLError)
        -> TableFunctionCall
    {
        let expressions = arguments.compactMap { if case .expression(let expression) = $0 { expression } else { nil } }
        let most = kind == .explanation ? 5 : 4
        guard expressions.count <= most else {
            throw SQLError("\(name.text) takes at most \(most + 1) arguments, not \(expressions.count + 1)", at: name.position)
        }
        func number(_ place: Int, _ what: String, _ range: ClosedRange<Int>, otherwise: Int) throws(SQLError) -> Int {
            guard place < expressions.count else { return otherwise }
            return try Self.integer(expressions[place], what, range)
        }
        var call = ForestCall(.score, inputs: [])
        call.trees = try number(0, "the number of trees", 1...1_000, otherwise: call.trees)
        call.sampleSize = try number(1, "the sample size", 10...1_000, otherwise: call.sampleSize)
        call.timeDecay = try number(2, "the time decay", 1...2_147_483_647, otherwise: call.timeDecay)
        call.shingleSize = try number(3, "the shingle size", 1...30, otherwise: call.shingleSize)
        switch kind {
        case .score: call.result = .score
        case .explanation:
            call.result = .explanation(withDirectionality: expressions.count > 4 ? try Self.truth(expressions[4]) : false)
        case .grade: call.result = .grade
        }
        call.partition = try partitionColumns(partition, scope)
        let columns = scope.columns
        // DECIMAL is the one numeric type that the function passes over. What a partition goes by is the same in all of its rows.
        call.inputs = columns.indices.filter {
            (columns[$0].type.isInteger || columns[$0].type.isApproximateNumeric) && !call.partition.contains($0)
        }
        guard (1...30).contains(call.inputs.count) else {
            let rest = call.partition.isEmpty ? "" : " besides those of PARTITION BY"
            throw SQLError(
                "\(name.text) takes 1 to 30 columns of type TINYINT, SMALLINT, INTEGER, BIGINT, REAL or DOUBLE; its cursor has \(call.inputs.count)\(rest)",
                at: name.position)
        }
        let numbers = call.trees * call.sampleSize * call.shingleSize * call.inputs.count
        guard numbers <= Self.mostNumbers else {
            throw SQLError(
                "\(name.text) would keep \(numbers) numbers (trees × sample size × shingle size × columns), more than \(Self.mostNumbers)",
                at: name.position)
        }
        let added = addedColumns
        for column in added where columns.contains(where: { $0.name == column.name }) {
            throw SQLError("the cursor has a column \(column.name) already; give it another name", at: name.position)
        }
        return TableFunctionCall(.randomCutForest(call), addedColumns: added)
    }

    private var addedColumns: [ColumnDefinition] {
        let score = ColumnDefinition("ANOMALY_SCORE", .double)
        return switch kind {
        case .score: [score]
        case .explanation: [score, ColumnDefinition("ANOMALY_EXPLANATION", .varchar(Self.explanationLength))]
        case .grade: [score, ColumnDefinition("ANOMALY_GRADE", .double), ColumnDefinition("ANOMALY_CONFIDENCE", .double)]
        }
    }

    /// The cursor's columns that PARTITION BY names, each once.
    private func partitionColumns(_ terms: [Syntax.Expression], _ scope: Scope) throws(SQLError) -> [Int] {
        var found: [Int] = []
        for term in terms {
            guard case .name(let column) = term.kind, column.qualifiers.isEmpty else {
                throw SQLError(
                    "PARTITION BY takes columns of the cursor by their names; compute others in the cursor's query",
                    at: term.start)
            }
            let index = try scope.column(column.last)
            if !found.contains(index) { found.append(index) }
        }
        return found
    }

    private static func integer(_ expression: Syntax.Expression, _ what: String, _ range: ClosedRange<Int>) throws(SQLError) -> Int
    {
        var literal = expression
        var isNegative = false
        if case .negated(let operand) = expression.kind { (literal, isNegative) = (operand, true) }
        guard case .literal(.integer(let value), let type) = literal.kind, type.isInteger else {
            throw SQLError("\(what) must be a whole number written out", at: expression.start)
        }
        guard !isNegative, let number = Int(exactly: value), range.contains(number) else {
            throw SQLError(
                "\(what) must be between \(range.lowerBound) and \(range.upperBound), not \(isNegative ? "-" : "")\(value)",
                at: expression.start)
        }
        return number
    }

    private static func truth(_ expression: Syntax.Expression) throws(SQLError) -> Bool {
        guard case .literal(.boolean(let value), _) = expression.kind else {
            throw SQLError("withDirectionality must be TRUE or FALSE", at: expression.start)
        }
        return value
    }
}
