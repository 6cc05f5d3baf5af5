/// The same rows, cut and interrupted in every way.

import StreamEngine
import StreamSQL
import Testing

/// What comes out depends on the rows and their order alone.
@Suite("Cuts of the input")
struct CutTests {
    /// Every operator, chains of them, streams with several writers, rows that fail.
    static let programs: [String] = [
        """
        CREATE STREAM A (k VARCHAR(8), n BIGINT, v BIGINT, d DOUBLE, m DECIMAL(18,2), sd DOUBLE, lo VARCHAR(8), f INTEGER);
        CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*), SUM(v), SUM(d), SUM(m), STDDEV_SAMP(d), MIN(k), LAST_VALUE(v)
        FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '7' SECOND) HAVING COUNT(v) > 0;
        """,
        """
        CREATE STREAM A (who VARCHAR(8), v INTEGER);
        CREATE STREAM B (n BIGINT, total BIGINT);
        CREATE STREAM C (who VARCHAR(8), v INTEGER);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM k, 10 / v FROM S WHERE d > 0;
        CREATE PUMP P2 AS INSERT INTO A SELECT STREAM 'n', COUNT(*) FROM S GROUP BY FLOOR(S.ROWTIME TO MINUTE);
        CREATE PUMP P3 AS INSERT INTO A SELECT STREAM 'x', v FROM S WHERE v > 5;
        CREATE PUMP P4 AS INSERT INTO B SELECT STREAM COUNT(*), SUM(100 / v) FROM A GROUP BY STEP(A.ROWTIME BY INTERVAL '90' SECOND);
        CREATE PUMP P5 AS INSERT INTO C SELECT STREAM who, v FROM A ORDER BY FLOOR(A.ROWTIME TO MINUTE), v DESC, who;
        CREATE PUMP P6 AS INSERT INTO C SELECT STREAM 'b', n FROM B;
        """,
        """
        CREATE STREAM A (k VARCHAR(8), v INTEGER);
        CREATE STREAM B (k VARCHAR(8), n BIGINT, u BIGINT);
        CREATE STREAM C (t TIMESTAMP, v INTEGER);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM k, v FROM S UNION ALL SELECT STREAM 'neg', -v FROM S WHERE v > 1
          UNION ALL SELECT STREAM 'avg', AVG(v) FROM S GROUP BY STEP(S.ROWTIME BY INTERVAL '3' SECOND);
        CREATE PUMP P2 AS INSERT INTO B SELECT STREAM k, COUNT(*), SUM(DISTINCT v) FROM A GROUP BY k, FLOOR(A.ROWTIME TO MINUTE)
          ORDER BY FLOOR(A.ROWTIME TO MINUTE), COUNT(*) DESC;
        CREATE PUMP P3 AS INSERT INTO C SELECT STREAM FLOOR(A.ROWTIME TO MINUTE) AS ROWTIME, CURRENT_ROW_TIMESTAMP, v FROM A;
        CREATE PUMP P4 AS INSERT INTO C SELECT STREAM CURRENT_TIMESTAMP, COUNT(*) FROM B GROUP BY STEP(B.ROWTIME BY INTERVAL '5' SECOND);
        """,
        """
        CREATE STREAM A (v INTEGER, d DOUBLE, score DOUBLE);
        CREATE PUMP P AS INSERT INTO A
        SELECT STREAM v, d, ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM v, d FROM S), 10, 16, 100, 2));
        """,
        """
        CREATE STREAM A (v INTEGER, d DOUBLE, score DOUBLE, why VARCHAR(200));
        CREATE PUMP P AS INSERT INTO A SELECT STREAM v, d, ANOMALY_SCORE, ANOMALY_EXPLANATION
        FROM TABLE(RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(SELECT STREAM v, d FROM S) PARTITION BY v, 5, 10, 100, 2, TRUE));
        CREATE STREAM B (v INTEGER, d DOUBLE, score DOUBLE, grade DOUBLE, confidence DOUBLE);
        CREATE PUMP Q AS INSERT INTO B SELECT STREAM v, d, ANOMALY_SCORE, ANOMALY_GRADE, ANOMALY_CONFIDENCE
        FROM TABLE(RANDOM_CUT_FOREST_WITH_GRADE(CURSOR(SELECT STREAM v, d FROM S), 10, 16, 100));
        """,
    ]

    private enum Way: CaseIterable { case whole, single, cut, clockMoves, restarts }

    private func play(_ sql: String, _ rows: ColumnBatch, _ way: Way, seed: UInt64) throws -> [String: [String]] {
        var dataflow = try Flow.make(sql)
        var dice = Dice(seed: seed)
        var output: [(stream: String, batch: ColumnBatch)] = []
        var start = 0
        while start < rows.count {
            let size: Int
            switch way {
            case .whole: size = rows.count
            case .single, .restarts: size = 1
            case .cut, .clockMoves: size = Int.random(in: 1...40, using: &dice)
            }
            let end = min(rows.count, start + size)
            try dataflow.insert(rows.slice(start..<end), into: "S")
            if way == .clockMoves, end < rows.count {
                let now = rows.rowtimes[end - 1]
                try dataflow.advance(to: Int64.random(in: now...max(now, rows.rowtimes[end]), using: &dice))
            }
            output += dataflow.takeOutput()
            if way == .restarts {
                let state = dataflow.snapshot()
                dataflow = try Flow.make(sql)
                try dataflow.restore(from: state)
                #expect(dataflow.snapshot() == state, "a snapshot of what was restored is the same")
            }
            start = end
        }
        if let last = rows.rowtimes.last { try dataflow.advance(to: last + 3_600_000) }
        output += dataflow.takeOutput()
        #expect(dataflow.nextDeadlineMilliseconds == nil)
        return Flow.lines(output, of: dataflow)
    }

    @Test(
        "rows come out the same whole, single, cut anywhere, with moves of the clock, and across restarts",
        arguments: programs.indices, 0..<4)
    func sameRows(program: Int, seed: Int) throws {
        let rows = Flow.rows(300, seed: UInt64(seed) + 1)
        let whole = try play(Self.programs[program], rows, .whole, seed: 0)
        #expect(!whole.isEmpty)
        for way in Way.allCases {
            let other = try play(Self.programs[program], rows, way, seed: UInt64(seed) + 100)
            #expect(other.keys.sorted() == whole.keys.sorted(), "\(way)")
            for (stream, lines) in whole {
                let found = other[stream] ?? []
                let same = zip(lines, found).prefix { $0 == $1 }.count
                #expect(same == lines.count && found.count == lines.count, "\(way), \(stream), row \(same) of \(lines.count)")
            }
        }
    }

    @Test("a sum over windows equals the sum of the rows")
    func nothingIsLost() throws {
        let rows = Flow.rows(2000, seed: 5)
        var dataflow = try Flow.make(
            "CREATE STREAM A (n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '1' SECOND);"
        )
        try dataflow.insert(rows, into: "S")
        try dataflow.advance(to: .max)
        let total = dataflow.takeOutput().reduce(0) { $0 + $1.batch.columns[0].integers.reduce(0, +) }
        #expect(total == 2000)
    }
}
