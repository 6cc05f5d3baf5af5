/// Columns in runs give what the same columns row by row give.

import StreamSQL
import Testing

@Suite("Columns in runs") struct ColumnRunsTests {
    /// SplitMix64, so that a failure can be repeated.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let types: [SQLType] = [.integer, .varchar(9), .double, .boolean, .timestamp, .decimal(precision: 6, scale: 2)]

    private static func value(_ type: SQLType, _ random: inout Random) -> SQLValue {
        if Int.random(in: 0..<5, using: &random) == 0 { return .null }
        let number = Int64.random(in: -3...3, using: &random)
        switch type {
        case .varchar: return .text(["", "a", "bc", "日本"][Int(number + 3) / 2])
        case .double: return .double(Double(number) / 2)
        case .boolean: return .boolean(number > 0)
        default: return .integer(number)
        }
    }

    /// The same rows in runs and row by row.
    private static func columns(_ type: SQLType, _ ends: [Int], _ random: inout Random) -> (runs: Column, rows: Column) {
        let values = ends.map { _ in value(type, &random) }
        let stored = Column(type, values: values)
        var rows: [SQLValue] = []
        for (value, end) in zip(values, ends) { rows += [SQLValue](repeating: value, count: end - rows.count) }
        let runs = Column(type, runs: stored.values, nulls: stored.nulls, ends: ends)
        return (runs, Column(type, values: rows))
    }

    private static func ends(_ count: Int, _ random: inout Random) -> [Int] {
        (1..<count).filter { _ in Int.random(in: 0..<4, using: &random) == 0 } + [count]
    }

    @Test("selecting, joining and reading", arguments: [UInt64](1...60))
    func sameRows(seed: UInt64) {
        var random = Random(state: seed)
        let type = Self.types[Int(seed) % Self.types.count]
        let count = Int.random(in: 1...40, using: &random)
        let (runs, rows) = Self.columns(type, Self.ends(count, &random), &random)
        #expect(runs == rows)
        #expect(runs.count == count)
        for row in 0..<count {
            #expect(runs.value(at: row) == rows.value(at: row))
            #expect(runs.isNull(row) == rows.isNull(row))
            #expect(runs.compare(row, with: rows, (row * 7) % count) == rows.compare(row, with: runs, (row * 7) % count))
            var keys: (a: [UInt8], b: [UInt8]) = ([], [])
            runs.appendKeyBytes(row, into: &keys.a)
            rows.appendKeyBytes(row, into: &keys.b)
            #expect(keys.a == keys.b)
        }
        let picked = (0..<20).map { _ in Int.random(in: 0..<count, using: &random) }
        #expect(runs.gather(rows: picked) == rows.gather(rows: picked))
        #expect(runs.gather(rows: picked.sorted()) == rows.gather(rows: picked.sorted()))
        #expect(runs.gather(rows: []) == rows.gather(rows: []))
        let start = Int.random(in: 0...count, using: &random)
        for part in [start..<count, 0..<start, start..<start] { #expect(runs.slice(part) == rows.slice(part)) }
        let (moreRuns, moreRows) = Self.columns(type, Self.ends(count, &random), &random)
        let joined = rows.appending(contentsOf: moreRows)
        for (a, b) in [(runs, moreRuns), (runs, moreRows), (rows, moreRuns)] { #expect(a.appending(contentsOf: b) == joined) }
        #expect(runs.appending(contentsOf: moreRuns).runEnds != nil)
        #expect(Column.empty(type).appending(contentsOf: runs) == rows)
    }

    private static let definitions = [
        ColumnDefinition("I", .integer), ColumnDefinition("J", .integer), ColumnDefinition("S", .varchar(9)),
        ColumnDefinition("D", .double), ColumnDefinition("B", .boolean), ColumnDefinition("T", .timestamp),
        ColumnDefinition("M", .decimal(precision: 6, scale: 2)),
    ]

    private static let expressions = [
        "I + 1", "2 * I - J", "I / J", "10 / I", "I / 2", "D / 0.5E0", "D * I", "M + 1.5", "M * 2", "I > 1", "1 <= I", "I = J",
        "D < 0.5E0",
        "M >= 0.01", "S = 'a'", "'bc' > S", "S || 'x'", "S || S", "UPPER('b')", "S LIKE 'b%'", "B AND I > 0", "I = 0 OR 1 / I > 0",
        "CASE WHEN I > 0 THEN S WHEN B THEN 'b' ELSE NULL END", "CAST(I AS VARCHAR(4))", "CAST(S AS INTEGER)",
        "CAST('7' AS INTEGER) + I",
        "FLOOR(T TO SECOND)", "STEP(T BY INTERVAL '10' SECOND)", "(ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60",
        "FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND)", "T + INTERVAL '1' DAY", "ROWTIME > T", "1 / 0",
        "NULL",
        "I IS NULL", "S IS NOT NULL", "NOT B", "B IS TRUE", "COALESCE(I, J, 3)", "NULLIF(I, 1)", "MOD(I, 2)", "POWER(D, 2)",
        "ABS(I)",
        "EXTRACT(SECOND FROM T)", "SUBSTRING(S FROM 1 FOR 1)", "CHAR_LENGTH(S)", "I IN (1, 2)", "I BETWEEN 0 AND J",
        "CURRENT_ROW_TIMESTAMP > T", "-I", "+D", "I IS NOT DISTINCT FROM J",
    ]

    @Test("expressions over runs, literals and rows give the same values and the same failures", arguments: [UInt64](1...30))
    func sameResults(seed: UInt64) throws {
        var random = Random(state: seed)
        let count = Int.random(in: 1...30, using: &random)
        let ends = Self.ends(count, &random)
        var (runs, rows) = ([Column](), [Column]())
        for (index, definition) in Self.definitions.enumerated() {
            // Most in the same runs, some in others, some row by row.
            let ownEnds = (index + Int(seed)) % 3 == 0 ? Self.ends(count, &random) : ends
            let column = Self.columns(definition.type, ownEnds, &random)
            runs.append((index + Int(seed)) % 5 == 0 ? column.rows : column.runs)
            rows.append(column.rows)
        }
        let times = ends.indices.map { Int64($0) * 7_777 }
        let rowtime = Column(.timestamp, runs: .integers(times), ends: ends)
        let (inRuns, byRow) = (ColumnBatch(rowtime: rowtime, columns: runs), ColumnBatch(rowtimes: rowtime.integers, columns: rows))
        for text in Self.expressions {
            let expression = try Planner.expression(text, over: Self.definitions)
            func evaluate(_ batch: ColumnBatch) -> (column: Column, errors: [RowError]) {
                var context = EvaluationContext(count: 0, clockMilliseconds: 5_000, queryStartMilliseconds: 5_000)
                let column = Evaluator().evaluate(expression, over: batch, context: &context)
                return (column, context.errors)
            }
            let (found, expected) = (evaluate(inRuns), evaluate(byRow))
            #expect(found.column.count == count, "\(text), seed \(seed)")
            let firsts = [found.errors, expected.errors].map { errors in
                errors.reduce(into: [Int: RowFailure]()) { if $0[$1.row] == nil { $0[$1.row] = $1.failure } }
            }
            #expect(firsts[0] == firsts[1], "\(text), seed \(seed)")
            for row in 0..<count where firsts[0][row] == nil {
                #expect(found.column.value(at: row) == expected.column.value(at: row), "\(text), seed \(seed), row \(row)")
            }
        }
    }

    @Test("a literal, ROWTIME and what is made of them stay in runs")
    func staysInRuns() throws {
        let rowtime = Column(.timestamp, runs: .integers([60_000, 61_000]), ends: [500, 1000])
        let values = Column(.integer, .integers([Int64](0..<1000)))
        let batch = ColumnBatch(rowtime: rowtime, columns: [values])
        func evaluate(_ text: String) throws -> Column {
            var context = EvaluationContext(count: 0, clockMilliseconds: 0, queryStartMilliseconds: 0)
            return Evaluator().evaluate(
                try Planner.expression(text, over: [ColumnDefinition("I", .integer)]), over: batch, context: &context)
        }
        #expect(try evaluate("7").runEnds == [1000])
        #expect(try evaluate("ROWTIME").runEnds == [500, 1000])
        let window = try evaluate("FLOOR((ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 10 TO SECOND)")
        #expect(window.runEnds == [500, 1000])
        #expect(window.value(at: 0) == .integer(6000))
        #expect(try evaluate("I + 1").value(at: 999) == .integer(1000))
        #expect(batch.filtered(by: values.integers.map { $0 % 2 == 0 }).rowtime.runEnds == [250, 500])
    }
}
