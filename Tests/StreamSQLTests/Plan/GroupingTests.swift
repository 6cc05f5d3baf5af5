/// Streaming GROUP BY: which term is the window, what may be selected, and what is refused.

import StreamSQL
import Testing

@Suite struct GroupingTests {
    private func aggregate(_ query: String, into columns: String) throws -> (TumblingAggregate, [TypedExpression])? {
        guard case .project(let input, let columns, _)? = try Plans.plan(query, into: columns) else { return nil }
        switch input {
        case .tumblingAggregate(_, let aggregate), .filter(.tumblingAggregate(_, let aggregate), _),
            .sort(.tumblingAggregate(_, let aggregate), _):
            return (aggregate, columns.map(\.expression))
        default: return nil
        }
    }

    static let windows = [
        "FLOOR(S.ROWTIME TO MINUTE)", "STEP(ROWTIME BY INTERVAL '60' SECOND)", "CEIL(ROWTIME TO HOUR)", "ROWTIME",
        "FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)",
        "TIMESTAMP '1970-01-01 00:00:00' + 10 * FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)",
        "MONOTONIC(FLOOR(ROWTIME TO DAY))", "FLOOR(ROWTIME + INTERVAL '1' HOUR TO DAY)", "STEP(UNIX_TIMESTAMP(ROWTIME) BY 1000)",
        "CAST(ROWTIME AS DATE)", "-(TIMESTAMP '2100-01-01 00:00:00' - ROWTIME) SECOND",
    ]

    @Test("a term that grows with ROWTIME is the window", arguments: windows)
    func window(term: String) throws {
        let found = try #require(try aggregate("SELECT COUNT(*) FROM S GROUP BY A, \(term)", into: "N BIGINT"))
        #expect(found.0.keys == [.column(0, .integer)])
        #expect(found.1 == [.column(2, .bigint)])
    }

    @Test("grouping terms and aggregates can be used anywhere in expressions")
    func expressions() throws {
        let query = """
            SELECT UPPER(B) || 'x', SUM(A) / COUNT(*), FLOOR(ROWTIME TO MINUTE), ROWTIME, MIN(ROWTIME), SUM(A) FROM S
            GROUP BY UPPER(B), FLOOR(S.ROWTIME TO MINUTE)
            """
        let (aggregate, columns) = try #require(
            try aggregate(query, into: "X VARCHAR(100), Y BIGINT, W TIMESTAMP, E TIMESTAMP, M TIMESTAMP, Z INTEGER"))
        #expect(aggregate.results.map(\.function.name) == ["SUM", "COUNT", "MIN"])
        #expect(aggregate.results[2].argument == .rowtime)
        guard case .cast(.call(let concatenate, let parts, _), .varchar(100), .assignment) = columns[0] else {
            Issue.record("\(columns[0])")
            return
        }
        #expect(concatenate.name == "||" && parts.first == .column(0, .varchar(8)))
        // The window's value, the window's end, and the least ROWTIME in it.
        #expect(Array(columns[2...4]) == [.column(1, .timestamp), .rowtime, .column(4, .timestamp)])
    }

    @Test("with two time terms, the one over ROWTIME is the window")
    func twoTerms() throws {
        let query = """
            SELECT STEP(T BY INTERVAL '1' MINUTE), COUNT(*) FROM S GROUP BY STEP(T BY INTERVAL '1' MINUTE), STEP(ROWTIME BY INTERVAL '1' MINUTE), B
            HAVING COUNT(*) > 1
            """
        let (aggregate, columns) = try #require(try aggregate(query, into: "W TIMESTAMP, N BIGINT"))
        #expect(aggregate.keys.count == 2)
        #expect(columns == [.column(0, .timestamp), .column(3, .bigint)])
    }

    @Test("ORDER BY the window's term sorts each window")
    func order() throws {
        let query = "SELECT B, SUM(A) FROM S GROUP BY FLOOR(ROWTIME TO HOUR), B ORDER BY FLOOR(ROWTIME TO HOUR), B, SUM(A) DESC"
        guard case .project(.sort(_, let sort), _, _)? = try Plans.plan(query, into: "X VARCHAR(8), Y INTEGER") else {
            Issue.record("not sorted")
            return
        }
        #expect(sort.period == .rowtime)
        #expect(sort.keys == [SortKey(.column(0, .varchar(8))), SortKey(.column(2, .bigint), isDescending: true)])
    }

    static let refused: [(String, String)] = [
        (
            "SELECT COUNT(*) FROM S",
            "1:8: COUNT needs a GROUP BY with a term that grows with time, such as STEP(S.ROWTIME BY INTERVAL '60' SECOND)"
        ),
        (
            "SELECT COUNT(*) FROM S GROUP BY A",
            "1:24: a GROUP BY on a stream needs a term that grows with time, such as STEP(S.ROWTIME BY INTERVAL '60' SECOND)"
        ),
        (
            "SELECT COUNT(*) FROM S GROUP BY FLOOR(T TO MINUTE)",
            "1:24: a GROUP BY on a stream needs a term that grows with time, such as STEP(S.ROWTIME BY INTERVAL '60' SECOND)"
        ),
        (
            "SELECT COUNT(*) FROM S GROUP BY FLOOR(ROWTIME TO DAY), FLOOR(ROWTIME TO HOUR)",
            "1:56: GROUP BY can have only one term over ROWTIME; there is one before"
        ),
        (
            "SELECT COUNT(*) FROM S GROUP BY (TIMESTAMP '2100-01-01 00:00:00' - ROWTIME) HOUR",
            "1:33: a GROUP BY term that falls with time is not supported; let it grow"
        ),
        ("SELECT A, B FROM S GROUP BY A, ROWTIME", "1:11: the column B must be in GROUP BY or inside an aggregate function"),
        ("SELECT A + C FROM S GROUP BY A, ROWTIME", "1:12: the column C must be in GROUP BY or inside an aggregate function"),
        ("SELECT * FROM S GROUP BY A, ROWTIME", "1:8: the column B must be in GROUP BY or inside an aggregate function"),
        (
            "SELECT S.ROWTIME FROM S GROUP BY FLOOR(S.ROWTIME TO HOUR)",
            "1:8: the input's ROWTIME may only be used as GROUP BY has it; write ROWTIME without a qualifier for the end of the window"
        ),
        (
            "SELECT SUM(COUNT(*)) FROM S GROUP BY ROWTIME",
            "1:12: the aggregate function COUNT cannot stand inside another aggregate function"
        ),
        ("SELECT SUM(B) FROM S GROUP BY ROWTIME", "1:8: SUM: "),
        ("SELECT COUNT(*) FROM S GROUP BY COUNT(*), ROWTIME", "1:33: the aggregate function COUNT cannot stand in GROUP BY"),
        ("SELECT A FROM S GROUP BY A, FLOOR(ROWTIME TO HOUR) ORDER BY A", "1:61: the first term of ORDER BY"),
        (
            "SELECT A FROM S GROUP BY A, FLOOR(ROWTIME TO HOUR) ORDER BY FLOOR(FLOOR(ROWTIME TO HOUR) TO DAY)",
            "1:61: ORDER BY an expression over the window"
        ),
    ]

    @Test("what does not fit a streaming GROUP BY is refused", arguments: refused)
    func refuses(query: String, expected: String) {
        let message = Plans.queryError(query)
        #expect(message?.hasPrefix(expected) == true, "\(message ?? "planned")")
    }
}
