/// Branches, logic and errors of the evaluator.

import StreamSQL
import Testing

@Suite("Evaluator") struct EvaluatorTests {
    private static let truths: [Bool?] = [true, false, nil]

    @Test("AND and OR follow the three-valued tables", arguments: truths, truths)
    func logicTables(_ a: Bool?, _ b: Bool?) {
        let and: Bool? = a == false || b == false ? false : a == nil || b == nil ? nil : true
        let or: Bool? = a == true || b == true ? true : a == nil || b == nil ? nil : false
        func name(_ value: Bool?) -> String { value.map { $0 ? "TRUE" : "FALSE" } ?? "NULL" }
        #expect(shown(.and(boolean(a), boolean(b))) == name(and))
        #expect(shown(.or(boolean(a), boolean(b))) == name(or))
    }

    @Test("NOT and the truth tests treat UNKNOWN as SQL does")
    func truthTests() throws {
        #expect(shown(try call("NOT", boolean(nil))) == "NULL")
        #expect(shown(try call("NOT", boolean(false))) == "TRUE")
        let expected: [(String, [String])] = [
            ("IS TRUE", ["TRUE", "FALSE", "FALSE"]), ("IS NOT TRUE", ["FALSE", "TRUE", "TRUE"]),
            ("IS FALSE", ["FALSE", "TRUE", "FALSE"]), ("IS NOT FALSE", ["TRUE", "FALSE", "TRUE"]),
            ("IS UNKNOWN", ["FALSE", "FALSE", "TRUE"]), ("IS NOT UNKNOWN", ["TRUE", "TRUE", "FALSE"]),
            ("IS NULL", ["FALSE", "FALSE", "TRUE"]), ("IS NOT NULL", ["TRUE", "TRUE", "FALSE"]),
        ]
        for (name, values) in expected {
            for (truth, value) in zip(Self.truths, values) { #expect(shown(try call(name, boolean(truth))) == value, "\(name)") }
        }
    }

    /// Rows 0...5 with x = 0, 1, 2, NULL, 4, 0 and y = 10 in each.
    private let batch = ColumnBatch(
        rowtimes: [0, 1, 2, 3, 4, 5],
        columns: [
            Column(.integer, values: [.integer(0), .integer(1), .integer(2), .null, .integer(4), .integer(0)]),
            Column(.integer, values: Array(repeating: .integer(10), count: 6)),
        ])
    private let x = TypedExpression.column(0, .integer)
    private let y = TypedExpression.column(1, .integer)

    @Test("a division by zero is an error of its row, and its value is NULL")
    func rowErrors() throws {
        var context = makeContext()
        let column = Evaluator().evaluate(try call("/", y, x), over: batch, context: &context)
        #expect(context.errors.map(\.row) == [0, 5])
        #expect(context.errors.allSatisfy { $0.name == "Division by zero" })
        #expect((0..<6).map { column.value(at: $0) } == [.null, .integer(10), .integer(5), .null, .integer(2), .null])
    }

    @Test("a row that failed in an argument fails only once")
    func errorsOnce() throws {
        var context = makeContext()
        let quotient = try call("/", y, x)
        _ = Evaluator().evaluate(try call("/", quotient, quotient), over: batch, context: &context)
        #expect(context.errors.map(\.row) == [0, 5, 0, 5])
        context.errors = []
        _ = Evaluator().evaluate(try call("MOD", quotient, x), over: batch, context: &context)
        #expect(context.errors.map(\.row) == [0, 5])
    }

    @Test("the right side of AND and OR is not evaluated where the left side decides")
    func shortCircuit() throws {
        let big = try call(">", try call("/", y, x), integer(4))
        var context = makeContext()
        let and = Evaluator().evaluate(.and(try call("<>", x, integer(0)), big), over: batch, context: &context)
        #expect(context.errors.isEmpty)
        #expect(
            (0..<6).map { and.value(at: $0) } == [
                .boolean(false), .boolean(true), .boolean(true), .null, .boolean(false), .boolean(false),
            ])
        let or = Evaluator().evaluate(.or(try call("=", x, integer(0)), big), over: batch, context: &context)
        #expect(context.errors.isEmpty)
        #expect(
            (0..<6).map { or.value(at: $0) } == [
                .boolean(true), .boolean(true), .boolean(true), .null, .boolean(false), .boolean(true),
            ])
    }

    @Test("CASE evaluates a branch only for the rows that reach it, and reports errors under the batch's rows")
    func caseBranches() throws {
        let safe = TypedExpression.searchedCase(
            [
                CaseBranch(condition: try call("=", x, integer(0)), result: integer(-1)),
                CaseBranch(condition: try call("IS NULL", x), result: integer(-2)),
            ], otherwise: try call("/", y, x), .integer)
        var context = makeContext()
        let column = Evaluator().evaluate(safe, over: batch, context: &context)
        #expect(context.errors.isEmpty)
        #expect((0..<6).map { column.value(at: $0) } == [-1, 10, 5, -2, 2, -1].map { .integer($0) })
        #expect(context.count == 6)

        let failing = TypedExpression.searchedCase(
            [CaseBranch(condition: try call(">", x, integer(1)), result: integer(1))], otherwise: try call("/", y, x), .integer)
        let failed = Evaluator().evaluate(failing, over: batch, context: &context)
        #expect(context.errors.map(\.row) == [0, 5])
        #expect((0..<6).map { failed.value(at: $0) } == [.null, .integer(10), .integer(1), .null, .integer(1), .null])
    }

    @Test("a row whose CASE condition fails has no value and one error")
    func failingCondition() throws {
        let expression = TypedExpression.searchedCase(
            [CaseBranch(condition: try call(">", try call("/", y, x), integer(4)), result: text("high"))],
            otherwise: text("low"), .varchar(4))
        var context = makeContext()
        let column = Evaluator().evaluate(expression, over: batch, context: &context)
        #expect(context.errors.map(\.row) == [0, 5])
        #expect(
            (0..<6).map { column.value(at: $0) } == [.null, .text("high"), .text("high"), .text("low"), .text("low"), .null])
    }

    @Test("expressions over a batch without rows give a column without rows")
    func emptyBatch() throws {
        let empty = ColumnBatch.empty([ColumnDefinition("X", .integer), ColumnDefinition("Y", .integer)])
        var context = makeContext()
        let expression = TypedExpression.searchedCase(
            [CaseBranch(condition: try call("LIKE", cast(x, .varchar(9)), text("1%")), result: try call("||", x, text("!")))],
            otherwise: null(.varchar(12)), .varchar(12))
        let column = Evaluator().evaluate(.and(try call("IS NULL", expression), boolean(true)), over: empty, context: &context)
        #expect(column.count == 0)
        #expect(context.errors.isEmpty)
    }

    @Test("a constant is evaluated without a batch and throws its row error")
    func constants() throws {
        var context = makeContext()
        #expect(try Evaluator().evaluateConstant(try call("+", integer(2), integer(3)), context: &context) == .integer(5))
        #expect(throws: RowFailure.self) {
            try Evaluator().evaluateConstant(try call("/", integer(2), integer(0)), context: &context)
        }
        #expect(context.errors.isEmpty)
    }
}
