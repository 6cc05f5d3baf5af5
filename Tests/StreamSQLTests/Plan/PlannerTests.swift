/// Statements and plain queries: what they define, and what is refused.

import StreamSQL
import Testing

@Suite struct PlannerTests {
    /// Programs that are planned without a complaint.
    static let planned: [String] = [
        "CREATE STREAM O (X INTEGER); CREATE PUMP P AS INSERT INTO O SELECT STREAM A FROM S",
        "CREATE STREAM O (X INTEGER, Y VARCHAR(3), Z TIMESTAMP); CREATE PUMP P AS INSERT INTO O (Z, X) SELECT STREAM T, \"mixed\" FROM S WHERE F AND A > 1.5",
        "CREATE STREAM O (X INTEGER); CREATE PUMP P AS INSERT INTO O SELECT STREAM X.A FROM (SELECT STREAM A, ROWTIME FROM S) AS X WHERE X.ROWTIME > TIMESTAMP '2020-01-01 00:00:00'",
        "CREATE STREAM O (N BIGINT, W TIMESTAMP); CREATE PUMP P AS INSERT INTO O SELECT STREAM COUNT(*), STEP(S.ROWTIME BY INTERVAL '10' SECOND) FROM S GROUP BY STEP(S.ROWTIME BY INTERVAL '10' SECOND), STEP(S.APPROXIMATE_ARRIVAL_TIME BY INTERVAL '10' SECOND) HAVING COUNT(*) > 2 ORDER BY ROWTIME, 1 DESC",
        "CREATE STREAM O (X DOUBLE); CREATE PUMP P AS INSERT INTO O SELECT A FROM S UNION ALL SELECT C FROM S ORDER BY ROWTIME, A",
        "CREATE VIEW V (X, Y) AS SELECT STREAM A, B FROM S; CREATE STREAM O (X INTEGER); CREATE PUMP P STOPPED AS INSERT INTO O SELECT X FROM V WHERE Y LIKE 'a%'",
        "CREATE FUNCTION F1(X INTEGER, Y INTEGER) RETURNS INTEGER RETURN X * Y + X; CREATE STREAM O (X INTEGER); CREATE PUMP P AS INSERT INTO O SELECT F1(A, 3) FROM S",
        "SELECT CASE B WHEN 'x' THEN A ELSE C END, COALESCE(B, 'none'), NULLIF(A, 0), A BETWEEN 1 AND 2, A NOT IN (1, 2, 3), (T, U) OVERLAPS (U, T) FROM S",
        "SELECT CAST(A AS VARCHAR(4)), CAST(NULL AS DATE), T + INTERVAL '1' DAY, (T - U) SECOND, -A, C / 2, UPPER(B) || 'x', B IS NULL FROM S",
    ]

    @Test("programs within the dialect are planned", arguments: planned)
    func plans(program: String) {
        #expect(Plans.errors(program) == [])
    }

    @Test("columns are inserted by position or by name, converted, and NULL where nothing is given")
    func insertion() throws {
        guard
            case .project(_, let columns, nil)? = try Plans.plan(
                "SELECT STREAM C, B, NULL FROM S", into: "X INTEGER, Y VARCHAR(3), Z DATE")
        else {
            Issue.record("not a projection")
            return
        }
        #expect(columns.map(\.name) == ["X", "Y", "Z"])
        #expect(
            columns.map(\.expression) == [
                .cast(.column(2, .double), .integer, .assignment), .cast(.column(1, .varchar(8)), .varchar(3), .assignment),
                .literal(.null, .date),
            ])
        let program = try Planner.plan(
            "CREATE STREAM O (X INTEGER, Y INTEGER NOT NULL, Z VARCHAR(8)); CREATE PUMP P AS INSERT INTO O (Z, Y) SELECT B, A FROM S",
            inputs: [Plans.mixedInput])
        guard case .project(_, let named, nil)? = program.pumps.first?.query else {
            Issue.record("not a projection")
            return
        }
        #expect(named.map(\.expression) == [.literal(.null, .integer), .column(0, .integer), .column(1, .varchar(8))])
    }

    @Test("* leaves out ROWTIME and hidden columns, which can be named")
    func star() throws {
        #expect(try Plans.expressions("*").count == 8)
        #expect(
            try Plans.expressions("S.*, APPROXIMATE_ARRIVAL_TIME, ROWTIME AS R").suffix(2) == [.column(8, .timestamp), .rowtime])
    }

    @Test("AS ROWTIME sets the row's time and is not a column; a bare ROWTIME is one")
    func rowtime() throws {
        guard case .project(_, let columns, let rowtime)? = try Plans.plan("SELECT T AS ROWTIME, A FROM S", into: "X INTEGER")
        else {
            Issue.record("not a projection")
            return
        }
        #expect(columns.map(\.expression) == [.column(0, .integer)] && rowtime == .column(3, .timestamp))
        guard case .project(_, let bare, nil)? = try Plans.plan("SELECT ROWTIME, A FROM S", into: "W TIMESTAMP, X INTEGER") else {
            Issue.record("not a projection")
            return
        }
        #expect(bare.map(\.expression) == [.rowtime, .column(0, .integer)])
        let program = try Planner.plan(
            "CREATE STREAM O (X INTEGER); CREATE PUMP P AS INSERT INTO O (X, ROWTIME) SELECT A, T AS ROWTIME FROM S",
            inputs: [Plans.mixedInput])
        guard case .project(_, let named, .column(3, .timestamp)?)? = program.pumps.first?.query else {
            Issue.record("ROWTIME is not set")
            return
        }
        #expect(named.count == 1)
    }

    @Test("CASE, COALESCE, NULLIF, BETWEEN and IN are rewritten")
    func rewriting() throws {
        let found = try Plans.expressions(
            "COALESCE(A, C), NULLIF(A, 1), A BETWEEN 1 AND 2, A IN (1, 2), CASE A WHEN 1 THEN 'a' ELSE 'bc' END")
        guard case .searchedCase(let branches, let otherwise, .double) = found[0],
            case .searchedCase(let same, _, .integer) = found[1],
            case .and = found[2], case .or = found[3], case .searchedCase(_, _, .varchar(2)) = found[4]
        else {
            Issue.record("\(found)")
            return
        }
        #expect(branches.map(\.result) == [.cast(.column(0, .integer), .double, .widening)] && otherwise == .column(2, .double))
        #expect(same.map(\.result) == [.literal(.null, .integer)])
    }

    @Test("EXTRACT gives seconds with their fraction, other fields as BIGINT")
    func extract() throws {
        #expect(
            try Plans.expressions("EXTRACT(SECOND FROM T), EXTRACT(YEAR FROM T)").map(\.type) == [
                .decimal(precision: 5, scale: 3), .bigint,
            ])
    }

    @Test("a function of the program is put in its call's place")
    func functions() throws {
        let program = try Planner.plan(
            """
            CREATE FUNCTION TWICE(X INTEGER) RETURNS INTEGER RETURN X + X;
            CREATE FUNCTION TWICE(X DOUBLE) RETURNS DOUBLE RETURNS NULL ON NULL INPUT RETURN X * 2;
            CREATE STREAM O (X INTEGER, Y DOUBLE);
            CREATE PUMP P AS INSERT INTO O SELECT TWICE(A), TWICE(C) FROM S;
            """, inputs: [Plans.mixedInput])
        guard case .project(_, let columns, nil)? = program.pumps.first?.query,
            case .call(let add, let arguments, .integer) = columns[0].expression,
            case .searchedCase(let branches, .call, .double) = columns[1].expression
        else {
            Issue.record("not inlined")
            return
        }
        #expect(add.name == "+" && arguments == [.column(0, .integer), .column(0, .integer)])
        #expect(branches.map(\.result) == [.literal(.null, .double)])
    }

    @Test("UNION ALL widens its sides to common types")
    func union() throws {
        guard
            case .project(.unionAll(let sides), _, nil)? = try Plans.plan(
                "SELECT A FROM S UNION ALL SELECT C FROM S UNION ALL SELECT A FROM S", into: "X DOUBLE")
        else {
            Issue.record("not a union")
            return
        }
        #expect(sides.map { $0.columns.map(\.type) } == [[.double], [.double], [.double]])
    }

    @Test("DROP, ALTER PUMP and OR REPLACE change what is defined")
    func definitions() throws {
        let program = try Planner.plan(
            """
            CREATE STREAM O (X INTEGER); CREATE OR REPLACE STREAM O (Y VARCHAR(8)); CREATE STREAM Q (X INTEGER);
            CREATE PUMP P AS INSERT INTO O SELECT B FROM S; CREATE OR REPLACE PUMP P AS INSERT INTO O SELECT 'x' FROM S;
            CREATE PUMP R AS INSERT INTO Q SELECT A FROM S; DROP PUMP R; DROP STREAM Q; ALTER PUMP P STOP; DROP VIEW IF EXISTS NONE;
            """, inputs: [Plans.mixedInput])
        #expect(program.streams == [StreamSchema(name: "O", columns: [ColumnDefinition("Y", .varchar(8))])])
        #expect(program.pumps.map(\.name) == ["P"] && program.pumps[0].isStopped)
    }

    @Test("table functions take their defaults and check their ranges")
    func tableFunctions() throws {
        func forest(_ arguments: String) throws -> TableFunction? {
            guard
                case .project(.tableFunction(_, let call), _, _)? = try Plans.plan(
                    "SELECT ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT * FROM S)\(arguments)))", into: "X DOUBLE")
            else { return nil }
            return call.function
        }
        // DECIMAL is passed over, as the reference says.
        #expect(
            try forest("") == .randomCutForest(ForestCall(.score, inputs: [0, 2, 6])))
        #expect(
            try forest(", 50, 10, 20, 2")
                == .randomCutForest(
                    ForestCall(.score, inputs: [0, 2, 6], trees: 50, sampleSize: 10, timeDecay: 20, shingleSize: 2)))
        let query = "SELECT ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT "
        #expect(Plans.queryError(query + "* FROM S), 0))") == "1:76: the number of trees must be between 1 and 1000, not 0")
        #expect(Plans.queryError(query + "* FROM S), 1 + 1))") == "1:76: the number of trees must be a whole number written out")
        #expect(Plans.queryError(query + "B FROM S)))")?.contains("its cursor has 0") == true)
        #expect(Plans.queryError(query + "A AS ANOMALY_SCORE FROM S)))")?.contains("already") == true)
        #expect(
            Plans.queryError("SELECT * FROM TABLE(RANDOM_CUT_FORST(CURSOR(SELECT A FROM S)))")
                == "1:21: there is no table function RANDOM_CUT_FORST; did you mean RANDOM_CUT_FOREST?")
    }

    /// The forest that a call plans, and the columns it adds.
    private func forest(_ call: String) throws -> (ForestCall, [ColumnDefinition])? {
        let planned = try Plans.plan("SELECT ANOMALY_SCORE FROM TABLE(\(call))", into: "X DOUBLE")
        guard case .project(.tableFunction(_, let call), _, _)? = planned, case .randomCutForest(let forest) = call.function else {
            return nil
        }
        return (forest, call.addedColumns)
    }

    @Test("the forest with an explanation and the one with a grade add their columns")
    func forestResults() throws {
        let explained = try #require(
            try forest("RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(SELECT * FROM S), 100, 256, 1000, 1, TRUE)"))
        #expect(explained.0 == ForestCall(.explanation(withDirectionality: true), inputs: [0, 2, 6], timeDecay: 1_000))
        #expect(
            explained.1 == [ColumnDefinition("ANOMALY_SCORE", .double), ColumnDefinition("ANOMALY_EXPLANATION", .varchar(20_480))])
        let plain = try #require(try forest("RANDOM_CUT_FOREST_WITH_EXPLANATION(CURSOR(SELECT * FROM S))"))
        #expect(plain.0.result == .explanation(withDirectionality: false))
        let graded = try #require(try forest("RANDOM_CUT_FOREST_WITH_GRADE(CURSOR(SELECT A FROM S))"))
        #expect(graded.0 == ForestCall(.grade, inputs: [0]))
        #expect(graded.1.map(\.name) == ["ANOMALY_SCORE", "ANOMALY_GRADE", "ANOMALY_CONFIDENCE"])
    }

    @Test("PARTITION BY stands after the cursor or after the call; its columns are no coordinates")
    func forestPartition() throws {
        let expected = ForestCall(.score, inputs: [2, 6], trees: 50, partition: [1, 0])
        #expect(try forest("RANDOM_CUT_FOREST(CURSOR(SELECT * FROM S) PARTITION BY (B, A), 50)")?.0 == expected)
        #expect(try forest("RANDOM_CUT_FOREST(CURSOR(SELECT * FROM S), 50) PARTITION BY B, A, B")?.0 == expected)
        #expect(try forest("RANDOM_CUT_FOREST(CURSOR(SELECT * FROM S) PARTITION BY B, 50)")?.0.partition == [1])
        let query = "SELECT ANOMALY_SCORE FROM TABLE(RANDOM_CUT_FOREST(CURSOR(SELECT "
        #expect(Plans.queryError(query + "* FROM S) PARTITION BY Z))")?.hasPrefix("1:88: there is no column Z") == true)
        #expect(
            Plans.queryError(query + "* FROM S) PARTITION BY B || 'x'))")?.hasPrefix("1:88: PARTITION BY takes columns") == true)
        #expect(Plans.queryError(query + "B, A FROM S) PARTITION BY A))")?.contains("has 0 besides those of PARTITION BY") == true)
    }

    static let refused: [(String, String)] = [
        ("SELECT AA FROM S", "1:8: there is no column AA in S; did you mean A?"),
        (
            "SELECT A FROM S WHERE B = \"it's\"",
            "1:27: there is no column \"it's\" in S; write 'it''s' in single quotes for a string"
        ),
        (
            "SELECT MIXED FROM S",
            "1:8: there is no column MIXED in S; did you mean \"mixed\"? Names in double quotes keep their case, others are in upper case"
        ),
        ("SELECT X.A FROM S", "1:8: there is no X here; FROM reads S"),
        ("SELECT S.A FROM S AS X", "1:8: there is no S here; FROM reads X"),
        ("SELECT A FROM SS", "1:15: there is no stream or view SS; did you mean S?"),
        ("SELECT A FROM error_stream", "1:15: error_stream cannot be used in a program, only as an output"),
        ("SELECT UPER(B) FROM S", "1:8: there is no function UPER; did you mean UPPER?"),
        ("SELECT A FROM S WHERE A", "1:23: WHERE takes a condition, not a INTEGER"),
        ("SELECT A FROM (SELECT A, A FROM S)", "1:8: A is ambiguous: two columns have this name"),
        ("SELECT A FROM S WHERE COUNT(*) > 1", "1:23: the aggregate function COUNT cannot stand in WHERE; use HAVING"),
        ("SELECT A FROM S HAVING A > 1", "1:24: HAVING needs a GROUP BY; use WHERE"),
        ("SELECT CASE WHEN F THEN A ELSE B END FROM S", "1:32: CASE cannot give both a INTEGER and a VARCHAR(8); use CAST"),
        ("SELECT CAST(F AS TIMESTAMP) FROM S", "1:8: a BOOLEAN cannot be CAST to TIMESTAMP"),
        (
            "SELECT A FROM S ORDER BY A",
            "1:26: the first term of ORDER BY on a stream must grow with time, such as ROWTIME or FLOOR(ROWTIME TO SECOND)"
        ),
        (
            "SELECT A FROM S ORDER BY ROWTIME DESC",
            "1:26: the first term of ORDER BY on a stream cannot be DESC: rows come in time order"
        ),
        ("SELECT A FROM S ORDER BY ROWTIME, 2", "1:35: ORDER BY 2: the query has 1 columns"),
        ("SELECT A FROM S UNION SELECT A FROM S", "1:1: UNION is not supported on streams, only UNION ALL"),
        (
            "SELECT A FROM S UNION ALL SELECT A, B FROM S",
            "1:27: the queries of a UNION ALL must have the same number of columns: 1 and 2"
        ),
        (
            "SELECT A FROM S UNION ALL SELECT B FROM S",
            "1:34: UNION ALL cannot join a INTEGER and a VARCHAR(8) in one column; use CAST"
        ),
        ("SELECT A FROM S ORDER BY ROWTIME, -9223372036854775808", "1:35: ORDER BY -9223372036854775808: the query has 1 columns"),
        ("SELECT STEP(A BY 0) FROM S", "1:18: STEP needs a width above 0"),
        ("SELECT FLOOR(A TO MINUTE) FROM S", "1:8: FLOOR: argument 1 must be a datetime or an interval, not INTEGER"),
        ("SELECT T - U FROM S", "1:10: the difference of two datetimes needs an interval qualifier: (a - b) SECOND"),
        ("SELECT B AS ROWTIME, A FROM S", "1:8: ROWTIME must be a TIMESTAMP, not VARCHAR(8)"),
        ("SELECT B FROM S AS X(P)", "1:22: 1 names are given for 8 columns"),
        (
            "SELECT DISTINCT A FROM S",
            "1:1: SELECT DISTINCT on a stream needs an item that grows with time, such as FLOOR(ROWTIME TO MINUTE)"
        ),
        ("SELECT LAG(A) FROM S", "1:8: LAG needs a window: LAG(...) OVER (PARTITION BY ... ROWS 10 PRECEDING)"),
        (
            "SELECT UPPER(B) OVER (ROWS 2 PRECEDING) FROM S", "1:8: UPPER cannot stand before OVER"
        ),
        ("SELECT COUNT(*) OVER W FROM S WINDOW W2 AS (ROWS 1 PRECEDING)", "1:22: there is no window W"),
        ("SELECT COUNT(*) OVER W FROM S WINDOW W AS (W ROWS 1 PRECEDING)", "1:44: the window W is defined by itself"),
        (
            "SELECT COUNT(*) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM S",
            "1:22: a window on a stream ends with CURRENT ROW: what follows is not known"
        ),
        (
            "SELECT COUNT(*) OVER (ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING) FROM S",
            "1:52: a window that ends before the current row is not supported"
        ),
        ("SELECT COUNT(*) OVER (ROWS -1 PRECEDING) FROM S", "1:28: ROWS takes a whole number from 0 to 1000000"),
        ("SELECT COUNT(*) OVER (RANGE 5 PRECEDING) FROM S", "1:29: RANGE takes an interval, such as INTERVAL '1' MINUTE"),
        (
            "SELECT COUNT(*) OVER (RANGE INTERVAL '1' MONTH PRECEDING) FROM S",
            "1:29: RANGE takes an interval of days or smaller units: months differ in length"
        ),
        (
            "SELECT COUNT(*) OVER (ORDER BY A ROWS 1 PRECEDING) FROM S",
            "1:32: ORDER BY in a window may only be ROWTIME: rows are in time order already"
        ),
        (
            "SELECT A FROM S WHERE COUNT(*) OVER (ROWS 1 PRECEDING) > 1",
            "1:37: COUNT OVER a window cannot stand here, only in the select list or ORDER BY"
        ),
        (
            "SELECT COUNT(*) OVER (ROWS 1 PRECEDING) FROM S GROUP BY FLOOR(S.ROWTIME TO HOUR)",
            "1:22: COUNT OVER a window cannot stand in a query with GROUP BY; put that into a subquery"
        ),
        ("SELECT LAG(A, B) OVER (ROWS 1 PRECEDING) FROM S", "1:15: LAG: takes the number of rows as a whole number written out"),
        ("SELECT LAG(A, 1, B) OVER (ROWS 1 PRECEDING) FROM S", "1:18: LAG: cannot give both a INTEGER and a VARCHAR(8); use CAST"),
        (
            "SELECT SUM(DISTINCT C) OVER (ROWS 1 PRECEDING) FROM S",
            "1:8: SUM: cannot be taken of DISTINCT values of a DOUBLE over a window"
        ),
        (
            "SELECT A FROM S WINDOWED BY STAGGER (PARTITION BY A RANGE INTERVAL '0' MINUTE)",
            "1:59: RANGE takes an interval above 0 of days or smaller units, such as INTERVAL '1' MINUTE"
        ),
        (
            "SELECT B FROM S WINDOWED BY STAGGER (PARTITION BY A RANGE INTERVAL '1' MINUTE)",
            "1:8: the column B must be in PARTITION BY or inside an aggregate function"
        ),
        ("SELECT REGEX_LOG_PARSE(B, '(') FROM S", "1:27: REGEX_LOG_PARSE: The pattern '(' has an open parenthesis."),
        ("SELECT REGEX_LOG_PARSE(B, 'x') FROM S", "1:27: REGEX_LOG_PARSE: the pattern has no group"),
        ("SELECT REGEX_LOG_PARSE(B, B) FROM S", "1:27: REGEX_LOG_PARSE: the pattern must be a text in single quotes"),
        ("SELECT REGEX_LOG_PARSE(A, '(x)') FROM S", "1:24: REGEX_LOG_PARSE: argument 1 must be a character string, not INTEGER"),
        (
            "SELECT T.R.COLUMN3 FROM (SELECT REGEX_LOG_PARSE(B, '(x)(y)') AS R FROM S) AS T",
            "1:12: the record has no field COLUMN3; did you mean COLUMN1?"
        ),
        (
            "SELECT UPPER(REGEX_LOG_PARSE(B, '(x)')) FROM S",
            "1:14: REGEX_LOG_PARSE gives a record, which can only be an item of the select list of its own; read its fields in a query around it"
        ),
        (
            "SELECT VARIABLE_COLUMN_LOG_PARSE(B, 'X TYPE NUMBR', ',') FROM S",
            "1:37: VARIABLE_COLUMN_LOG_PARSE: in the list of columns, 1:8: there is no type 'NUMBR'"
        ),
        ("SELECT W3C_LOG_PARSE(B, '%h %k') FROM S", "1:25: W3C_LOG_PARSE: the format has no specifier %k"),
        (
            "SELECT * FROM TABLE(TOP_K_ITEMS_TUMBLING(CURSOR(SELECT A FROM S), 'B', 3, 60))",
            "1:67: the cursor has no column 'B'"
        ),
        (
            "SELECT * FROM TABLE(COUNT_DISTINCT_ITEMS_TUMBLING(CURSOR(SELECT A FROM S), 'A', 3601))",
            "1:81: the window's size must be between 1 and 3600, not 3601"
        ),
        (
            "SELECT * FROM TABLE(GROUP_RANK(CURSOR(SELECT A FROM S), 'A', 'r', 'up', 'asc', 5, 0))",
            "1:67: the order of ranks must be 'asc' or 'desc'"
        ),
        (
            "SELECT * FROM TABLE(HOTSPOTS(CURSOR(SELECT A FROM S), 99, 0.5, 20))",
            "1:55: the window's size must be between 100 and 1000, not 99"
        ),
        // What is not there yet is refused, never passed over.
        (
            "SELECT S.A FROM S JOIN S AS X ON S.A = X.A",
            "1:19: a join of two streams needs a window on at least one side: FROM a OVER (RANGE INTERVAL '1' MINUTE PRECEDING) JOIN b"
        ),
        (
            "SELECT A FROM S OVER (ROWS 1 PRECEDING)",
            "1:22: a window in FROM is for a join; write f(x) OVER (...) in the select list"
        ),
        (
            "SELECT S.A FROM S OVER (PARTITION BY A ROWS 1 PRECEDING) JOIN S AS X ON S.A = X.A",
            "1:38: a window of a join takes no PARTITION BY"
        ),
        (
            "SELECT S.A FROM S OVER (ROWS UNBOUNDED PRECEDING) JOIN S AS X ON S.A = X.A",
            "1:24: a window of a join cannot go back to the first row"
        ),
        ("SELECT A FROM S OVER (ROWS 1 PRECEDING) JOIN S AS X ON S.A = X.A", "1:8: A is ambiguous: two columns have this name"),
        (
            "SELECT S.A FROM S OVER (ROWS 1 PRECEDING) JOIN S AS X USING (Q)",
            "1:62: there is no column Q on both sides"
        ),
        ("SELECT S.A FROM S OVER (ROWS 1 PRECEDING) JOIN S AS X ON S.A", "1:58: ON takes a condition, not a INTEGER"),
        (
            "SELECT A FROM S WHERE EXISTS (SELECT A FROM S)",
            "1:23: a subquery of an expression cannot read a stream, which has no end: only reference tables and VALUES; join streams instead"
        ),
        (
            "SELECT A FROM S WHERE A IN (SELECT A FROM S)",
            "1:25: a subquery of an expression cannot read a stream, which has no end: only reference tables and VALUES; join streams instead"
        ),
        (
            "SELECT (SELECT A FROM S) FROM S",
            "1:8: a subquery of an expression cannot read a stream, which has no end: only reference tables and VALUES; join streams instead"
        ),
        ("SELECT A FROM S LIMIT 5", "1:17: 'LIMIT' is not part of streaming SQL; rows have no last one"),
        ("SELECT B.C FROM S", "1:8: B is a column and no record: it has no fields"),
        ("SELECT ROW_NUMBER() FROM S", "1:8: ROW_NUMBER is not supported yet"),
        ("SELECT REF.ROWTIME FROM REF", "1:8: REF.ROWTIME: the rows of a table have no time"),
        (
            "SELECT S.A FROM S RIGHT JOIN REF ON S.A = REF.R",
            "1:19: a RIGHT JOIN would wait for the end of the stream to give the rows of the table without a match; preserve the stream's rows"
        ),
        (
            "SELECT S.A FROM S OVER (ROWS 1 PRECEDING) JOIN REF ON S.A = REF.R",
            "1:24: a window is for a join of two streams; a table has none"
        ),
        (
            "SELECT COUNT(*) FROM S GROUP BY (SELECT R FROM REF), FLOOR(ROWTIME TO MINUTE)",
            "1:33: a subquery cannot stand here, only in WHERE, the select list, HAVING, ORDER BY and ON of an inner join; put it into a query around this one"
        ),
        ("SELECT A FROM S WHERE A = (SELECT R, R FROM REF)", "1:27: this subquery must give one column, not 2"),
        ("SELECT A FROM S WHERE A IN (VALUES (1), (1, 2))", "1:42: all rows of VALUES have the same number of columns: 1 and 2"),
        // Statements
        ("CREATE STREAM error_stream (A INT)", "1:15: error_stream exists already and cannot be defined by a program"),
        ("CREATE STREAM O (A INT, \"A\" INT)", "1:25: there is a column A already"),
        ("CREATE STREAM O (ROWTIME TIMESTAMP)", "1:18: every stream has a ROWTIME already; give this column another name"),
        ("CREATE OR REPLACE STREAM S (A INT)", "1:26: S is an input of the application and cannot be defined again"),
        ("INSERT INTO S SELECT A FROM S", "1:1: INSERT runs only in a pump: CREATE OR REPLACE PUMP name AS INSERT INTO ..."),
        (
            "CREATE PUMP P AS INSERT INTO S SELECT A FROM S",
            "1:30: S is an input of the application; nothing can be inserted into it"
        ),
        ("DROP PUMP P", "1:11: there is no pump P"),
    ]

    @Test("what is wrong with a statement is said at its place", arguments: refused)
    func refuses(statement: String, expected: String) {
        let tables = [StreamSchema(name: "REF", columns: [ColumnDefinition("R", .integer)])]
        #expect(Plans.errors(statement, tables: tables) == [expected])
    }

    static let refusedAfterStream: [(String, String)] = [
        ("CREATE STREAM O (A INT)", "2:15: O exists already; write CREATE OR REPLACE STREAM"),
        ("CREATE PUMP P AS INSERT INTO O SELECT A, B, C FROM S", "2:32: O has 2 columns, the query has 3"),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT A FROM S",
            "2:32: O has 2 columns, the query has 1; name the columns to be filled, the others are NULL"
        ),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT T, A FROM S",
            "2:39: the column X is a INTEGER and cannot take a TIMESTAMP; use CAST"
        ),
        ("CREATE PUMP P AS INSERT INTO O (Z) SELECT T FROM S", "2:33: O has no column Z"),
        ("CREATE PUMP P AS INSERT INTO O (X, X) SELECT A, A FROM S", "2:36: the column X is named twice"),
        ("CREATE PUMP P AS INSERT INTO O (X) SELECT A, A FROM S", "2:36: 1 columns are named, the query has 2"),
        ("CREATE PUMP P AS INSERT INTO O (Y) SELECT A FROM S", "2:18: the column X is NOT NULL, but nothing is inserted into it"),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT X, Y FROM O",
            "2:30: this pump would feed O from itself, directly or through other streams"
        ),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT A, A FROM S; CREATE OR REPLACE STREAM O (A INT)",
            "2:77: O cannot be defined again after the pump P, which uses it"
        ),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT A, A FROM S; DROP STREAM O",
            "2:64: O cannot be dropped after the pump P, which uses it"
        ),
        (
            "CREATE PUMP P AS INSERT INTO O SELECT A, A FROM S; CREATE PUMP P AS INSERT INTO O SELECT A, A FROM S",
            "2:64: there is a pump P already; write CREATE OR REPLACE PUMP"
        ),
        (
            "CREATE STREAM Q (X INT); CREATE PUMP P AS INSERT INTO Q SELECT X FROM O; CREATE PUMP R AS INSERT INTO O SELECT X, X FROM Q",
            "2:103: this pump would feed O from itself, directly or through other streams"
        ),
        (
            "CREATE FUNCTION F1(X INTEGER) RETURNS TIMESTAMP RETURN X",
            "2:56: the function F1 gives a INTEGER instead of a TIMESTAMP; use CAST"
        ),
        (
            "CREATE VIEW V AS SELECT X FROM O; CREATE VIEW W AS SELECT X FROM V; CREATE OR REPLACE VIEW V AS SELECT Y FROM O",
            "2:92: V cannot be defined again after the view W, which uses it"
        ),
        ("CREATE FUNCTION F1(X INTEGER) RETURNS INTEGER RETURN F1(X)", "2:54: there is no function F1"),
        ("CREATE FUNCTION F1(X INTEGER) RETURNS INTEGER RETURN Y", "2:54: the function has no parameter Y"),
        (
            "CREATE OR REPLACE VIEW V AS SELECT X FROM O; CREATE OR REPLACE VIEW V AS SELECT X FROM V",
            "2:88: the view V is defined by itself"
        ),
    ]

    @Test("what is wrong with a pump or a definition is said at its place", arguments: refusedAfterStream)
    func refusesLater(statement: String, expected: String) {
        #expect(Plans.errors("CREATE STREAM O (X INTEGER NOT NULL, Y INTEGER);\n" + statement) == [expected])
    }

    @Test("all errors of a program are reported, but not what only follows from one")
    func severalErrors() {
        let found = Plans.errors(
            """
            CREATE STREAM O (X INTEGR);
            CREATE PUMP P AS INSERT INTO O SELECT A FROM S;
            SELECT NONE, A, UNKNWN(B) FROM S;
            CREATE VIEW V AS SELECT NIL FROM S;
            SELECT X FROM V;
            SELECT FROM S
            """)
        #expect(found.map { $0.prefix(4) } == ["1:20", "3:8:", "3:17", "4:25", "6:8:"], "\(found)")
    }
}
