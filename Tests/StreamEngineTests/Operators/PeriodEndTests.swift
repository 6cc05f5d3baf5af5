/// Ends of windows, found by asking the expression.

import StreamEngine
import StreamSQL
import Testing

@Suite("Ends of periods")
struct PeriodEndTests {
    private func window(_ term: String) throws -> TypedExpression {
        let program = try Planner.plan(
            "CREATE STREAM A (n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*) FROM S GROUP BY \(term);",
            inputs: [Flow.input])
        func aggregate(_ relation: Relation) -> TumblingAggregate? {
            switch relation {
            case .tumblingAggregate(_, let aggregate): aggregate
            case .project(let input, _, _), .filter(let input, _), .sort(let input, _): aggregate(input)
            default: nil
            }
        }
        return try #require(program.pumps.first.flatMap { aggregate($0.query) }).window
    }

    private func value(_ expression: TypedExpression, at time: Int64) -> SQLValue {
        var context = EvaluationContext(count: 1, clockMilliseconds: 0, queryStartMilliseconds: 0)
        return Evaluator().evaluate(expression, over: ColumnBatch(rowtimes: [time], columns: []), context: &context).value(at: 0)
    }

    @Test(
        "the end is the first time with another value",
        arguments: [
            "S.ROWTIME", "STEP(S.ROWTIME BY INTERVAL '1' SECOND)", "STEP(S.ROWTIME BY INTERVAL '7' MINUTE)",
            "STEP(S.ROWTIME BY INTERVAL '5' DAY)",
            "FLOOR(S.ROWTIME TO HOUR)", "FLOOR(S.ROWTIME TO MONTH)", "FLOOR(S.ROWTIME TO YEAR)",
            "STEP(S.ROWTIME BY INTERVAL '5' MONTH)",
            "FLOOR((S.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)",
            "STEP(S.ROWTIME + INTERVAL '17' SECOND BY INTERVAL '1' MINUTE)",
            "STEP(STEP(S.ROWTIME BY INTERVAL '7' SECOND) BY INTERVAL '10' SECOND)",
        ])
    func firstTimeWithAnotherValue(_ term: String) throws {
        let expression = try window(term)
        var search = PeriodEnd(expression)
        var dice = Dice(seed: 9)
        var time: Int64 = 1_582_934_399_999
        for _ in 0..<200 {
            let found = search.end(after: time)
            let end = try #require(found)
            let own = value(expression, at: time)
            #expect(end > time)
            #expect(value(expression, at: end - 1) == own)
            #expect(value(expression, at: end) != own)
            // Mostly onward, now and then back or far ahead.
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: time = Int64.random(in: -10_000_000_000...4_000_000_000_000, using: &dice)
            case 1: time = end &+ Int64.random(in: 0...100_000_000, using: &dice)
            default: time = end
            }
        }
    }

    @Test("an end more than twenty years away is none")
    func never() throws {
        var search = PeriodEnd(try window("STEP(S.ROWTIME BY INTERVAL '60' YEAR)"))
        let end = search.end(after: 1_956_528_000_000)
        #expect(end == nil)
        var edges = PeriodEnd(try window("STEP(S.ROWTIME BY INTERVAL '1' SECOND)"))
        let ends = [edges.end(after: .max), edges.end(after: .min)]
        #expect(ends == [nil, nil])
    }

    @Test("distances between times that no number holds trap nothing")
    func farTimes() throws {
        for term in [
            "STEP(S.ROWTIME BY INTERVAL '1' MINUTE)", "FLOOR(S.ROWTIME TO MONTH)", "STEP(S.ROWTIME BY INTERVAL '5' DAY)",
            "FLOOR((S.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)",
        ] {
            var dataflow = try Flow.make(
                "CREATE STREAM A (n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*) FROM S GROUP BY \(term);"
                    + "CREATE STREAM B (n BIGINT); CREATE PUMP Q AS INSERT INTO B SELECT STREAM V FROM S ORDER BY FLOOR(S.ROWTIME TO DAY), V;"
            )
            var rows = Flow.rows(9, seed: 1)
            rows.rowtimes = [
                .min, .min + 1, -5_000_000_000_000_000_000, -4_999_999_999_999_999_999, 0, 5_000_000_000_000_000_000,
                5_000_000_000_000_100_000, .max - 1, .max,
            ]
            try dataflow.insert(rows, into: "S")
            try dataflow.advance(to: .max)
            #expect(dataflow.takeOutput().count >= 1)
        }
    }
}
