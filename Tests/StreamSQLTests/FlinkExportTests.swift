/// Programs as Flink SQL: what is written, and what is named as left out. The texts were run by Flink 2.3 (EXPLAIN) when they were made.

import StreamSQL
import Testing

@Suite("Programs as Flink SQL")
struct FlinkExportTests {
    private static let source = StreamSchema(
        name: "S",
        columns: [
            ColumnDefinition("k", .varchar(8)), ColumnDefinition("V", .double), ColumnDefinition("N", .integer),
            ColumnDefinition("AT", .timestamp),
        ])

    private func export(_ code: String) throws -> FlinkExport {
        try FlinkExport(code, inputs: [(Self.source, "arn:aws:kinesis:us-east-1:000000000000:stream/s")])
    }

    @Test("a tumbling window is a window function, a sliding one an OVER of event time; streams between are views")
    func windows() throws {
        let export = try export(
            """
            CREATE OR REPLACE STREAM M ("k" VARCHAR(8), V DOUBLE);
            CREATE OR REPLACE STREAM A ("k" VARCHAR(8), C BIGINT, E TIMESTAMP);
            CREATE OR REPLACE STREAM B ("k" VARCHAR(8), X DOUBLE);
            CREATE OR REPLACE PUMP P AS INSERT INTO M SELECT STREAM "k", V * 2 FROM S WHERE V > 1.5 AND "k" LIKE 'a%';
            CREATE OR REPLACE PUMP Q AS INSERT INTO A SELECT STREAM "k", COUNT(*), ROWTIME FROM M
              GROUP BY "k", STEP(M.ROWTIME BY INTERVAL '90' SECOND);
            CREATE OR REPLACE PUMP R AS INSERT INTO B SELECT STREAM "k", AVG(V) OVER W FROM M
              WINDOW W AS (PARTITION BY "k" RANGE INTERVAL '5' MINUTE PRECEDING);
            """)
        #expect(export.gaps.isEmpty)
        #expect(export.text.contains("CREATE TEMPORARY VIEW `M` (`k`, `V`, `ROWTIME`) AS"))
        #expect(export.text.contains("WHERE ((`V` > 1.5) AND (`k` LIKE 'a%'))"))
        #expect(
            export.text.contains(
                """
                INSERT INTO `A`
                SELECT `k`, COUNT(*), window_end
                FROM TABLE(TUMBLE(TABLE `M`, DESCRIPTOR(`ROWTIME`), INTERVAL '90' SECOND)) AS `M`
                GROUP BY window_start, window_end, window_time, `k`;
                """))
        #expect(
            export.text.contains(
                "AVG(`V`) OVER (PARTITION BY `k` ORDER BY `ROWTIME` RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW)"))
        #expect(export.text.contains("WATERMARK FOR `ROWTIME` AS `ROWTIME`"))
    }

    @Test("the epoch idiom is a window too; functions have their other names")
    func idioms() throws {
        let export = try export(
            """
            CREATE OR REPLACE STREAM A (W VARCHAR(8), C BIGINT);
            CREATE OR REPLACE PUMP P AS INSERT INTO A SELECT STREAM UPPER(TRIM(BOTH ' ' FROM "k")), SUM(N) FROM S
              GROUP BY UPPER(TRIM(BOTH ' ' FROM "k")), FLOOR((S.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND);
            """)
        #expect(export.gaps.isEmpty)
        #expect(export.text.contains("DESCRIPTOR(`ROWTIME`), INTERVAL '1' MINUTE)"))
        #expect(export.text.contains("UPPER(TRIM(BOTH ' ' FROM `k`))"))
    }

    @Test("what cannot be said is left out by name, with its line")
    func gaps() throws {
        let export = try export(
            """
            CREATE OR REPLACE STREAM A ("k" VARCHAR(8), C BIGINT);
            CREATE OR REPLACE STREAM B (N INTEGER, ANOMALY_SCORE DOUBLE);
            CREATE OR REPLACE PUMP P AS INSERT INTO A SELECT STREAM "k", COUNT(*) FROM S
              WINDOWED BY STAGGER (PARTITION BY "k" RANGE INTERVAL '1' MINUTE);
            CREATE OR REPLACE PUMP Q AS INSERT INTO B SELECT STREAM N, ANOMALY_SCORE
              FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM N FROM S)));
            """)
        #expect(export.gaps.map(\.name) == ["P", "Q"] && export.gaps.map(\.line) == [4, 6])
        #expect(export.text.contains("-- P cannot be said: line 4: WINDOWED BY STAGGER."))
        #expect(export.text.contains("-- Q cannot be said: line 6: the table function RANDOM_CUT_FOREST."))
        #expect(!export.text.contains("EXECUTE STATEMENT SET"))
    }
}
