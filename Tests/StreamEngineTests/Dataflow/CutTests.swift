/// The same rows, cut and interrupted in every way.

import Glibc
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
        """
        CREATE STREAM A (k VARCHAR(8), n BIGINT, v BIGINT, a INTEGER, d DOUBLE, m DECIMAL(18,6), sd DOUBLE, lo VARCHAR(8), hi DOUBLE, f INTEGER, g INTEGER, u BIGINT);
        CREATE STREAM B (n BIGINT, v BIGINT, d DOUBLE, sd DOUBLE, lo DOUBLE, f INTEGER, l VARCHAR(8), e DOUBLE, t BIGINT);
        CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*) OVER W, SUM(v) OVER W, AVG(v) OVER R, SUM(d) OVER W, AVG(m) OVER R, STDDEV_SAMP(d) OVER W,
          MIN(k) OVER R, MAX(d) OVER W, FIRST_VALUE(v) OVER W, LAG(v, 2, -1) IGNORE NULLS OVER W, COUNT(DISTINCT v) OVER R
          FROM S WINDOW W AS (PARTITION BY k RANGE INTERVAL '20' SECOND PRECEDING), R AS (PARTITION BY k ROWS 6 PRECEDING);
        CREATE PUMP Q AS INSERT INTO B SELECT STREAM COUNT(v) OVER E, SUM(v) OVER E, SUM(d) OVER L, VAR_POP(d) OVER L, MIN(d) OVER E,
          FIRST_VALUE(v) IGNORE NULLS OVER (PARTITION BY k), LAG(k, 2) OVER (PARTITION BY v), EXP_AVG(d, INTERVAL '5' SECOND) OVER L, 1000 / SUM(v) OVER L
          FROM S WINDOW E AS (PARTITION BY v), L AS (ROWS 50 PRECEDING);
        """,
        """
        CREATE STREAM A (k VARCHAR(8), n BIGINT, v BIGINT, d DOUBLE, u BIGINT, lo VARCHAR(8), f INTEGER);
        CREATE STREAM B (n BIGINT, k VARCHAR(8));
        CREATE STREAM C (v INTEGER, n BIGINT, k VARCHAR(8));
        CREATE STREAM D (k VARCHAR(8), m TIMESTAMP);
        CREATE STREAM E (item VARCHAR(8), n BIGINT);
        CREATE STREAM F (k VARCHAR(8), v INTEGER, r INTEGER);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM k, COUNT(*), SUM(v), AVG(d), COUNT(DISTINCT v), MIN(k), LAST_VALUE(v) IGNORE NULLS
          FROM S WINDOWED BY STAGGER (PARTITION BY k, v / 4 RANGE INTERVAL '9' SECOND) HAVING COUNT(*) > 1;
        CREATE PUMP P2 AS INSERT INTO B SELECT STREAM COUNT(*), MAX(k) FROM A WINDOWED BY STAGGER (PARTITION BY n RANGE INTERVAL '1' MINUTE);
        CREATE PUMP P3 AS INSERT INTO C SELECT STREAM v, COUNT(*), MIN(k) FROM S GROUP BY MONOTONIC(v), k;
        CREATE PUMP P4 AS INSERT INTO D SELECT STREAM DISTINCT k, FLOOR(S.ROWTIME TO MINUTE) FROM S;
        CREATE PUMP P5 AS INSERT INTO E SELECT STREAM * FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM S), 'K', 2, 30));
        CREATE PUMP P6 AS INSERT INTO E SELECT STREAM 'all', NUMBER_OF_DISTINCT_ITEMS FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT STREAM * FROM S), 'V', 30));
        CREATE PUMP P7 AS INSERT INTO F SELECT STREAM K, V, R FROM TABLE(GROUP_RANK(CURSOR(SELECT STREAM k, v FROM S), 'V', 'R', 'desc', 'asc', 1500, 3));
        """,
        """
        CREATE STREAM A (k VARCHAR(8), v INTEGER);
        CREATE STREAM B (k VARCHAR(8), d DOUBLE);
        CREATE STREAM C (k VARCHAR(8), v INTEGER, d DOUBLE);
        CREATE STREAM D (k VARCHAR(8), n BIGINT);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM k, v FROM S WHERE v > 4;
        CREATE PUMP P2 AS INSERT INTO B SELECT STREAM k, d FROM S WHERE v < 1;
        CREATE PUMP P3 AS INSERT INTO C SELECT STREAM A.k, v, d FROM A OVER (RANGE INTERVAL '8' SECOND PRECEDING) FULL JOIN B OVER (RANGE INTERVAL '3' SECOND PRECEDING)
          ON A.k = B.k AND 10 / v > d;
        CREATE PUMP P4 AS INSERT INTO C SELECT STREAM A.k, v, d FROM A OVER (ROWS 4 PRECEDING) LEFT JOIN B ON A.k = B.k;
        CREATE PUMP P5 AS INSERT INTO D SELECT STREAM A.k, COUNT(*) FROM A JOIN B OVER (ROWS 7 PRECEDING) ON A.k = B.k GROUP BY A.k, FLOOR(ROWTIME TO MINUTE);
        """,
        """
        CREATE STREAM A (k VARCHAR(8), v INTEGER, w INTEGER);
        CREATE STREAM B (k VARCHAR(8), n BIGINT);
        CREATE STREAM C (n BIGINT);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM X.k, X.v, Y.v FROM S OVER (RANGE INTERVAL '8' SECOND PRECEDING) AS X
          FULL JOIN (SELECT STREAM FLOOR(S.ROWTIME TO MINUTE) AS ROWTIME, k, v FROM S) OVER (RANGE INTERVAL '3' SECOND PRECEDING) AS Y ON X.k = Y.k AND X.v < Y.v;
        CREATE PUMP P2 AS INSERT INTO B SELECT STREAM k, COUNT(*) FROM (SELECT STREAM FLOOR(S.ROWTIME TO MINUTE) AS ROWTIME, k, v FROM S)
          WINDOWED BY STAGGER (PARTITION BY k, v RANGE INTERVAL '31' SECOND);
        CREATE PUMP P3 AS INSERT INTO C SELECT STREAM X.v + Y.v FROM S OVER (ROWS 200 PRECEDING) AS X JOIN S OVER (ROWS 300 PRECEDING) AS Y ON X.v + Y.v < 1;
        """,
        """
        CREATE STREAM A (a VARCHAR(8), b INTEGER, v INTEGER, h VARCHAR(900));
        CREATE PUMP P AS INSERT INTO A SELECT STREAM R.COLUMN1, R.N, v, HOTSPOTS_RESULT FROM TABLE(HOTSPOTS(CURSOR(SELECT STREAM T.Q.COLUMN1, T.Q2.N, v, d
          FROM (SELECT STREAM REGEX_LOG_PARSE(k, '(.)(.*)') Q, VARIABLE_COLUMN_LOG_PARSE(CAST(v AS VARCHAR(4)) || ',' || k, 'N TYPE INTEGER', ',') Q2, v, d FROM S) T), 100, 0.5, 8)) AS R;
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

    @Test("many groups have the same sums of doubles, to the last bit, in pieces that several cores share and in smaller ones")
    func manyGroups() throws {
        let sql = """
            CREATE STREAM A (k VARCHAR(8), d DOUBLE, a DOUBLE, n BIGINT, s DOUBLE, u BIGINT);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, SUM(d), AVG(d), COUNT(*), STDDEV_POP(d), SUM(DISTINCT v) FROM S
            GROUP BY k, STEP(S.ROWTIME BY INTERVAL '1' HOUR);
            """
        var dice = Dice(seed: 8)
        var builder = ColumnBatchBuilder(Flow.input.columns.map(\.type))
        for row in 0..<60_000 {
            builder.rowtimes.append(1_622_538_000_000 + Int64(row / 100))
            builder.columns[0].append(.text("k\(Int.random(in: 0..<20_000, using: &dice))"))
            builder.columns[1].append(Int64.random(in: 0...5, using: &dice))
            builder.columns[2].append(Double.random(in: -1...1, using: &dice))
            builder.columns[3].append(Int64(0))
        }
        let rows = builder.finish()
        let results = try [6000, 300].map { size in
            var dataflow = try Flow.make(sql)
            for start in stride(from: 0, to: rows.count, by: size) {
                try dataflow.insert(rows.slice(start..<(start + size)), into: "S")
            }
            try dataflow.finish()
            return Flow.lines(dataflow.takeOutput(), of: dataflow)["A"] ?? []
        }
        #expect(results[0].count > 15_000)
        #expect(results[0] == results[1])
    }

    @Test("pairs of a join that do not match take no memory, however many one piece has")
    func manyPairs() throws {
        var dataflow = try Flow.make(
            """
            CREATE STREAM A (v INTEGER);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM X.v FROM S OVER (ROWS 9999 PRECEDING) AS X JOIN S OVER (ROWS 9999 PRECEDING) AS Y ON X.v + Y.v < -1000;
            """)
        let rows = Flow.rows(3000, seed: 6)
        func peakKilobytes() -> Int {
            var usage = rusage()
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss
        }
        let before = peakKilobytes()
        try dataflow.insert(rows, into: "S")
        // Nine million pairs; other tests run meanwhile.
        #expect(peakKilobytes() - before < 600_000)
        #expect(dataflow.takeOutput().allSatisfy { $0.batch.count == 0 })
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
