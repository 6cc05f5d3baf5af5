/// Single expressions: from their text to their value.

import StreamSQL
import Testing

@Suite struct ExpressionTests {
    /// The value of an expression without columns, as CAST to text shows it.
    private func value(_ sql: String) throws -> String {
        let expression = try Planner.expression(sql)
        var context = EvaluationContext(count: 1, clockMilliseconds: 0, queryStartMilliseconds: 0)
        let text = TypedExpression.cast(expression, .varchar(1000), .explicit)
        guard case .text(let shown) = try Evaluator().evaluateConstant(text, context: &context) else { return "NULL" }
        return shown
    }

    static let examples = ScalarFunctions.all.compactMap(\.example).map { [$0.sql, $0.gives] }

    @Test("the example of every function gives what it says", arguments: examples)
    func example(pair: [String]) throws {
        #expect(try value(pair[0]) == pair[1])
    }

    static let values: [(String, String)] = [
        ("CASE WHEN 1 > 2 THEN 'a' WHEN 2 > 1 THEN 'bcd' END", "bcd"), ("CASE 3 WHEN 1 THEN 'a' END", "NULL"),
        ("COALESCE(NULL, CAST(NULL AS INTEGER), 7)", "7"), ("NULLIF('amy', NULL)", "amy"), ("NULLIF(3, 3)", "NULL"),
        ("3 BETWEEN 1 AND 3", "TRUE"), ("3 NOT BETWEEN SYMMETRIC 5 AND 1", "FALSE"), ("2 IN (1, 2, 3)", "TRUE"),
        ("2 NOT IN (1, NULL)", "NULL"),
        ("5 / 2", "2"), ("-5 / 2", "-2"), ("2 + 3 * 4 - -1", "15"), ("NOT TRUE OR TRUE AND FALSE", "FALSE"),
        ("FLOOR((TIMESTAMP '2004-05-01 12:03:34' - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND)", "+18056883"),
        ("(TIMESTAMP '2004-05-01 12:03:34' - TIMESTAMP '2004-04-29 11:57:23') DAY TO SECOND", "+2 00:06:11"),
        ("(DATE '2020-01-01', DATE '2020-02-01') OVERLAPS (DATE '2020-01-31', DATE '2020-03-01')", "TRUE"),
        ("(DATE '2020-01-01', DATE '2020-02-01') CONTAINS DATE '2020-02-01'", "FALSE"),
        (
            "(DATE '2020-01-01', DATE '2020-02-01') PRECEDES (DATE '2020-02-01', DATE '2020-03-01') IMMEDIATELY PRECEDES (DATE '2020-03-01', DATE '2020-04-01')",
            "TRUE"
        ),
        ("TRIM(LEADING '0' FROM '00120')", "120"), ("POSITION('lr' IN 'millrace')", "4"),
        ("u&'mill\\0072ace' || U&'!0021' UESCAPE '~'", "millrace!0021"),
        ("EXTRACT(SECOND FROM TIMESTAMP '2020-01-01 00:00:01.250')", "1.250"),
        ("OVERLAY('12345' PLACING 'foo' FROM 2 FOR 3)", "1foo5"),
    ]

    @Test("an expression has the value that the language gives it", arguments: values)
    func evaluates(sql: String, expected: String) throws {
        #expect(try value(sql) == expected)
    }

    @Test("an expression reads columns by name and is refused at its place")
    func columns() throws {
        let columns = [ColumnDefinition("temp", .double), ColumnDefinition("HUM", .integer)]
        guard case .and(let left, _) = try Planner.expression("\"temp\" > 40 AND hum < 20", over: columns) else {
            Issue.record("not a conjunction")
            return
        }
        #expect(left.type == .boolean)
        let error = #expect(throws: ProgramErrors.self) { try Planner.expression("1 +\n nothing", over: columns) }
        #expect(error?.description == "2:2: there is no column NOTHING")
        let rest = #expect(throws: ProgramErrors.self) { try Planner.expression("1 2") }
        #expect(rest?.description == "1:3: found '2', expected an operator or the end of the expression")
    }
}

@Suite("Several relations side by side") struct JoinedScopeTests {
    private let relations: [(name: String?, columns: [ColumnDefinition])] = [
        ("A", [ColumnDefinition("X", .integer), ColumnDefinition("Y", .varchar(4))]), ("B", [ColumnDefinition("X", .double)]),
    ]

    @Test("each one's columns and its ROWTIME are named by its alias")
    func qualified() throws {
        func bound(_ text: String) throws -> TypedExpression { try Planner.expression(text, joining: relations) }
        #expect(try bound("A.X") == .column(0, .integer))
        #expect(try bound("A.ROWTIME") == .column(2, .timestamp))
        #expect(try bound("B.X") == .column(3, .double))
        #expect(try bound("B.ROWTIME") == .column(4, .timestamp))
        #expect(try bound("ROWTIME") == .rowtime)
        #expect(try bound("Y") == .column(1, .varchar(4)))
        #expect(try bound("A.ROWTIME < B.ROWTIME").columnsRead == [2, 4])
    }

    @Test(
        "what two of them have must be qualified, and a name that none has is told",
        arguments: [
            ("X", "is ambiguous"), ("C.X", "there is no C here; FROM reads A and B"), ("B.Y", "there is no column Y"),
        ])
    func refused(text: String, message: String) {
        let error = #expect(throws: ProgramErrors.self) { try Planner.expression(text, joining: relations) }
        #expect(error.map { "\($0)".contains(message) } == true, "\(String(describing: error))")
    }
}
