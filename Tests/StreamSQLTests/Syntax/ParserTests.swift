/// Every construct of the language is read, and read for what it is.

import StreamSQL
import Testing

@Suite struct ParserTests {
    static let statements: [String] = [
        // Statements
        "CREATE STREAM s (a INTEGER)", "create or replace stream s (a int not null, \"b\" varchar(4)) description 'text'",
        "CREATE STREAM a.b.s (a BIGINT) OPTIONS (x 'y', (z))", "CREATE STREAM s (PARTITION_KEY VARCHAR(10), SHARD_ID CHAR(5))",
        "CREATE PUMP p STOPPED AS INSERT INTO s SELECT * FROM t",
        "CREATE PUMP p STARTED DESCRIPTION 'd' AS INSERT EXPEDITED INTO s (a, b) SELECT STREAM a, b FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT STREAM a FROM t", "CREATE VIEW v (x, y) AS SELECT a, b FROM t",
        "CREATE FUNCTION f(a DOUBLE) RETURNS DOUBLE CONTAINS SQL RETURN a - FLOOR(a)",
        "CREATE OR REPLACE FUNCTION f() RETURNS INTEGER LANGUAGE SQL SPECIFIC g NOT DETERMINISTIC CONTAINS SQL READS SQL DATA MODIFIES SQL DATA RETURNS NULL ON NULL INPUT RETURN 1",
        "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC CALLED ON NULL INPUT RETURN a",
        "DROP STREAM s", "DROP PUMP IF EXISTS p", "DROP VIEW v CASCADE", "DROP FUNCTION f RESTRICT", "ALTER PUMP p START",
        "ALTER PUMP p STOP",
        "INSERT INTO s SELECT * FROM t", "INSERT INTO s (SELECT a FROM t)", "INSERT INTO s VALUES (1, 'a'), (2, 'b')",
        "SELECT 1", "VALUES (1)", "(SELECT a FROM t)",
        // Types
        """
        CREATE STREAM s (a BOOLEAN, b TINYINT, c SMALLINT, d INT, e BIGINT, f DECIMAL, g DEC(5), h NUMERIC(5, 2), i REAL, j FLOAT, \
        k DOUBLE PRECISION, l CHAR, m CHARACTER VARYING(10), n VARCHAR, o BINARY(3), p VARBINARY, q DATE, r TIME, t TIMESTAMP(3), \
        u VARCHAR(5) CHARACTER SET "UTF16", v FLOAT(10))
        """,
        // Clauses
        "SELECT STREAM ALL a, b AS c, d e, t.*, * FROM t AS u WHERE a > 1 GROUP BY a, (b, c) HAVING COUNT(*) > 1 ORDER BY a DESC, 2 ASC",
        "SELECT DISTINCT a FROM cat.sch.t u (x, y)", "SELECT a FROM (SELECT b FROM t) AS s(a)", "SELECT a FROM (t JOIN u ON a = b)",
        "SELECT a FROM t, u", "SELECT a FROM t CROSS JOIN u", "SELECT a FROM t NATURAL JOIN u",
        "SELECT a FROM t INNER JOIN u USING (a, b)",
        "SELECT a FROM t LEFT OUTER JOIN u ON TRUE RIGHT JOIN v ON FALSE FULL OUTER JOIN w ON UNKNOWN",
        "SELECT STREAM a FROM t OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS x JOIN u OVER w AS y ON x.a = y.a WINDOW w AS (ROWS 10 PRECEDING)",
        "SELECT a FROM t WINDOWED BY STAGGER (PARTITION BY a, FLOOR(b TO MINUTE) RANGE INTERVAL '1' MINUTE)",
        "SELECT a FROM t UNION ALL SELECT b FROM u UNION ALL (SELECT c FROM v) ORDER BY ROWTIME",
        "SELECT a FROM t UNION SELECT b FROM u INTERSECT SELECT c FROM v EXCEPT DISTINCT SELECT d FROM w",
        "SELECT * FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT STREAM * FROM s), 100, 256)) AS r",
        "SELECT * FROM TABLE(f(CURSOR(SELECT a FROM t), 'x', 1 + 1))",
        "SELECT * FROM TABLE(f(CURSOR(SELECT a FROM t) PARTITION BY a, 1))",
        "SELECT * FROM TABLE(f(CURSOR(SELECT a FROM t) PARTITION BY (a, b)))",
        "SELECT * FROM TABLE(f(CURSOR(SELECT a FROM t), 1) PARTITION BY a, (b, c)) AS r",
        // Windows
        "SELECT AVG(a) OVER w, SUM(b) OVER (PARTITION BY c ORDER BY d RANGE INTERVAL '1' HOUR PRECEDING) FROM t WINDOW w AS (ROWS BETWEEN 3 PRECEDING AND CURRENT ROW), v AS (w RANGE UNBOUNDED PRECEDING)",
        "SELECT LAG(a, 1, 0) IGNORE NULLS OVER w, NTH_VALUE(a, 2) FROM LAST RESPECT NULLS OVER (ROWS 5 PRECEDING), FIRST_VALUE(a IGNORE NULLS) OVER w FROM t WINDOW w AS (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING)",
        // Expressions
        "SELECT NOT a AND b OR c, -a + +b * c / d - (e), a || 'x', a = b, a <> b, a != b, a < b, a <= b, a > b, a >= b FROM t",
        "SELECT a IS NULL, a IS NOT NULL, a IS TRUE, a IS NOT FALSE, a IS UNKNOWN, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM t",
        "SELECT a BETWEEN 1 AND 2 AND b, a NOT BETWEEN SYMMETRIC 1 AND 2, a IN (1, 2), a NOT IN (1), a IN (SELECT b FROM u), EXISTS (SELECT 1 FROM u) FROM t",
        "SELECT a LIKE 'x%' ESCAPE '!', a NOT LIKE b, a SIMILAR TO '[a-z]+', a NOT SIMILAR TO 'x' ESCAPE '\\' FROM t",
        "SELECT CASE WHEN a THEN b WHEN c THEN d ELSE e END, CASE a WHEN 1 THEN 2 END, CAST(a AS VARCHAR(5)), CAST(NULL AS INTERVAL DAY TO SECOND(3)) FROM t",
        "SELECT FLOOR(a), FLOOR(a TO MINUTE), CEIL(a TO HOURS), CEILING(b), STEP(a BY INTERVAL '60' SECONDS), STEP(b BY 5), STEP(c BY '2' HOUR) FROM t",
        "SELECT EXTRACT(SECOND FROM a), SUBSTRING(a FROM 1 FOR 2), SUBSTRING(a FROM 'r.*'), SUBSTRING(a, 1, 2), TRIM(a), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM a), TRIM('x' FROM a), POSITION('a' IN b), OVERLAY(a PLACING b FROM 1 FOR 2) FROM t",
        "SELECT CURRENT_TIMESTAMP, CURRENT_DATE, LOCALTIME(3), CURRENT_ROW_TIMESTAMP, COUNT(*), COUNT(DISTINCT a), SUM(ALL a), COALESCE(a, b), NULLIF(a, b), ANY(a), EVERY(b) FROM t",
        "SELECT (a - b) SECOND, (a - b) DAY(3) TO SECOND(3), FLOOR((a - b) SECOND / 60 TO SECOND), FLOOR((a - b) SECOND TO SECOND) FROM t",
        "SELECT (a, b) OVERLAPS (c, d), PERIOD(a, b) CONTAINS c, (a, b) PRECEDES (c, d) IMMEDIATELY SUCCEEDS PERIOD(e, f), (a, b) STRICTLY LEADS (c, d), ROW(1, 2) FROM t",
        "SELECT {d '2020-01-02'}, {t '01:02:03'}, {ts '2020-01-02 01:02:03.5'}, {fn ABS(a)} FROM t",
        "SELECT t.a, s.t.a, \"t\".\"a\"\"b\", TYPE, NAME, SOURCE, STATUS, LAG, PUMP, STEP, MONOTONIC, TSDIFF, WINDOW_TIME, t.ROWTIME, SHARD_ID FROM t",
        // Literals
        "SELECT 1, 1.5, .5, 2., 1e2, 1.5E-3, -9223372036854775808, 'it''s', '', u&'\\0041\\\\', U&'!0042' UESCAPE '!', x'0AFf', TRUE, FALSE, UNKNOWN, NULL FROM t",
        "SELECT INTERVAL '1' YEAR, INTERVAL '1-6' YEAR TO MONTH, INTERVAL -'3 4' DAY TO HOUR, INTERVAL '59:59.999' MINUTE TO SECOND(3), INTERVAL '0 00:00:00.001' DAY TO SECOND, INTERVAL '120' SECOND, INTERVAL '90' MINUTES FROM t",
        "SELECT DATE '2020-02-29', TIME '23:59:59', TIMESTAMP '1970-01-01 00:00:00.123' FROM t",
        // Blanks and comments
        "SELECT a -- to the end of the line\n, b // so too\n, /* within */ c \u{2013}- a dash of a word processor\nFROM t /* open to the end",
        "\u{FEFF}SELECT\u{A0}a\r\nFROM\tt",
    ]

    @Test("every construct of the language is read", arguments: statements)
    func reads(statement: String) {
        let result = Parser.parse(statement)
        #expect(result.errors.map(\.description) == [])
        #expect(result.statements.count == 1)
    }

    @Test("statements are separated by semicolons, of which the last and empty ones may be missing")
    func separation() {
        #expect(Parser.parse("").statements.isEmpty)
        #expect(Parser.parse(";; ;").statements.isEmpty)
        #expect(Parser.parse("DROP STREAM a;; DROP STREAM b").statements.count == 2)
        #expect(
            Parser.parse(Self.statements.dropLast(2).joined(separator: ";\n") + ";").statements.count == Self.statements.count - 2)
    }

    private func expression(_ text: String) throws -> Syntax.Expression {
        let statement = try #require(Parser.parse("SELECT \(text) FROM t").statements.first)
        guard case .query(let query) = statement.kind, case .select(let select) = query.body,
            case .expression(let expression, _)? = select.items.first
        else { throw Unexpected() }
        return expression
    }
    private struct Unexpected: Error {}

    /// The expression in prefix form.
    private func shape(_ text: String) throws -> String { show(try expression(text)) }

    private func show(_ expression: Syntax.Expression) -> String {
        let parts = expression.kind.children.map(show).joined(separator: " ")
        switch expression.kind {
        case .literal(let value, let type): return "\(value)".filter { $0 != "\"" && $0 != "\\" } + ":\(type)"
        case .name(let name): return name.written
        case .binary(let sign, _, _): return "(\(sign) \(parts))"
        case .chain(let first, let links):
            return links.reduce(show(first)) { "(\($1.operation) \($0) \(show($1.operand)))" }
        case .and: return "(AND \(parts))"
        case .or: return "(OR \(parts))"
        case .not: return "(NOT \(parts))"
        case .negated: return "(- \(parts))"
        case .between(_, _, _, _, let isNegated): return "(\(isNegated ? "NOT " : "")BETWEEN \(parts))"
        case .call(let call): return "\(call.name.text)(\(parts))"
        case .difference(_, _, let qualifier): return "(DIFFERENCE \(parts) \(qualifier))"
        case .test(_, let test, let isNegated): return "(IS \(isNegated ? "NOT " : "")\(test.rawValue) \(parts))"
        default: return "(? \(parts))"
        }
    }

    @Test("operators bind as the standard says")
    func precedence() throws {
        #expect(try shape("a OR b AND NOT c = d + e * -f") == "(OR A (AND B (NOT (= C (+ D (* E (- F)))))))")
        #expect(try shape("a - b - c || d") == "(|| (- (- A B) C) D)")
        #expect(try shape("a BETWEEN b AND c AND d") == "(AND (BETWEEN A B C) D)")
        #expect(try shape("a OR b OR c") == "(OR A B C)")
        #expect(try shape("a + 1 IS NULL") == "(IS NULL (+ A integer(1):INTEGER))")
        #expect(try shape("NOT a IS TRUE") == "(NOT (IS TRUE A))")
    }

    @Test("special syntax becomes the canonical calls")
    func canonicalCalls() throws {
        #expect(try shape("FLOOR(a TO MINUTE)") == "FLOOR_TO(A text(MINUTE):CHAR(6))")
        #expect(try shape("TRIM(a)") == "TRIM(text(BOTH):CHAR(4) text( ):CHAR(1) A)")
        #expect(try shape("EXTRACT(DAY FROM a)") == "EXTRACT(text(DAY):CHAR(3) A)")
        #expect(try shape("SUBSTRING(a FROM b FOR c)") == "SUBSTRING(A B C)")
        #expect(
            try shape("FLOOR((a - b) SECOND / 60 TO SECOND)")
                == "FLOOR_TO((/ (DIFFERENCE A B SECOND) integer(60):INTEGER) text(SECOND):CHAR(6))")
    }

    @Test("literals have the values and types of their spelling")
    func literals() throws {
        let cases: [(String, String)] = [
            ("1", "integer(1):INTEGER"), ("2147483648", "integer(2147483648):BIGINT"),
            ("-2147483648", "integer(-2147483648):INTEGER"),
            ("1.50", "integer(150):DECIMAL(3,2)"), (".5", "integer(5):DECIMAL(1,1)"), ("1.", "integer(1):DECIMAL(1,0)"),
            ("3.14159265358979323846", "integer(314159265358979324):DECIMAL(18,17)"), ("-0.05", "integer(-5):DECIMAL(2,2)"),
            ("1e2", "double(100.0):DOUBLE"), ("1.e2", "double(100.0):DOUBLE"), (".5e1", "double(5.0):DOUBLE"),
            ("'it''s'", "text(it's):CHAR(4)"), ("u&'\\0041b'", "text(Ab):CHAR(2)"), ("DATE '1970-01-02'", "integer(1):DATE"),
            ("TIME '00:00:01.5'", "integer(1500):TIME"), ("TIMESTAMP '1970-01-01 00:01:00'", "integer(60000):TIMESTAMP"),
            ("INTERVAL '90' SECOND", "integer(90000):INTERVAL SECOND"),
            ("INTERVAL '1-6' YEAR TO MONTH", "integer(18):INTERVAL YEAR TO MONTH"),
            ("INTERVAL -'1 02' DAY TO HOUR", "integer(-93600000):INTERVAL DAY TO HOUR"), ("NULL", "null:NULL"),
        ]
        for (text, expected) in cases { #expect(try shape(text) == expected, "\(text)") }
    }

    @Test("names in quotes keep their case, others are folded to upper case")
    func names() throws {
        #expect(try shape("ticker") == "TICKER")
        #expect(try shape("\"ticker\"") == "\"ticker\"")
        #expect(try shape("\"TICKER\"") == "TICKER")
        #expect(try shape("s.\"a\"\"b\"") == "S.\"a\"\"b\"")
    }

    @Test("nodes know where they stand")
    func positions() throws {
        let program = "SELECT a,\n  b + 'x\ny' * c\nFROM t"
        let statement = try #require(Parser.parse(program).statements.first)
        guard case .query(let query) = statement.kind, case .select(let select) = query.body,
            case .expression(let sum, _) = select.items[1],
            case .binary(_, let left, let right) = sum.kind, case .binary(_, _, let factor) = right.kind
        else { throw Unexpected() }
        #expect(sum.position == SourcePosition(line: 2, column: 5))
        #expect(left.position == SourcePosition(line: 2, column: 3))
        #expect(factor.position == SourcePosition(line: 3, column: 6))
        #expect(select.from?.position == SourcePosition(line: 4, column: 6))
    }
}
