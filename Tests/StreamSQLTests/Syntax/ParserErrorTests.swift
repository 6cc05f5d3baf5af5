/// What is wrong with a text is said where it is wrong, for every statement of a program.

import StreamSQL
import Testing

@Suite struct ParserErrorTests {
    static let cases: [(String, String)] = [
        ("CREAT STREAM s (a INT)", "1:1: found 'CREAT', expected CREATE, DROP, ALTER, INSERT or SELECT; did you mean CREATE?"),
        ("CREATE STREM s (a INT)", "1:8: found 'STREM', expected OR REPLACE, STREAM, PUMP, VIEW, MATERIALIZED VIEW or FUNCTION; did you mean STREAM?"),
        ("CREATE STREAM s (a VARCHR(5))", "1:20: there is no type 'VARCHR'; did you mean VARCHAR?"),
        ("CREATE STREAM s (a VARCHAR(70000))", "1:28: the parameter of VARCHAR must be between 1 and 65535, not 70000"),
        ("CREATE STREAM s (a DECIMAL(5, 6))", "1:28: the scale of DECIMAL (6) may not exceed its precision (5)"),
        ("CREATE STREAM s (a INTERVAL DAY)", "1:20: INTERVAL is a type of expressions, not of columns"),
        ("CREATE STREAM s (a INT b INT)", "1:24: found 'b', expected ',' or ')'"),
        (
            "CREATE STREAM s (VALUES INT)",
            "1:18: found 'VALUES', expected a column's name; VALUES is a reserved word, as a name it needs double quotes"
        ),
        ("SELECT a\nFORM t", "2:6: found 't', expected ',' or FROM"),
        ("SELECT a FROM t WHERE", "1:22: found the end of the program, expected an expression"),
        ("SELECT 'abc FROM t", "1:8: this string literal is never closed; a ' is missing"),
        ("SELECT \"abc FROM t", "1:8: this quoted name is never closed; a \" is missing"),
        (
            "SELECT \u{2018}abc\u{2019} FROM t",
            "1:8: the character '\u{2018}' has no meaning in SQL outside quotes; write ' around strings and \" around names"
        ),
        ("SELECT (a + 1 FROM t", "1:15: found 'FROM', expected an operator, ',' or ')'"),
        ("SELECT a FROM t LIMIT b", "1:23: a number of rows is a whole number written out"),
        ("WITH x SELECT a FROM t", "1:8: found 'SELECT', expected AS"),
        ("SELECT DATE '2021-02-29' FROM t", "1:13: ''2021-02-29'' is not of the form yyyy-MM-dd"),
        ("SELECT INTERVAL '1:2' DAY TO HOUR FROM t", "1:17: ''1:2'' is not a value of an interval DAY TO HOUR"),
        (
            "SELECT 99999999999999999999 FROM t",
            "1:8: '99999999999999999999' does not fit a BIGINT; write it with an exponent for a DOUBLE"
        ),
        ("SELECT a BETWEEN 1 OR 2 FROM t", "1:20: found 'OR', expected AND and the upper bound of BETWEEN"),
        ("SELECT CASE WHEN a THEN b FROM t", "1:27: found 'FROM', expected WHEN, ELSE or END"),
        ("CREATE PUMP p AS SELECT a FROM t", "1:18: found 'SELECT', expected INSERT"),
        ("ALTER PUMP p STAR", "1:14: found 'STAR', expected START or STOP; did you mean START?"),
        (
            "SELECT STREAM timestamp FROM \"S\"",
            "1:15: TIMESTAMP is a reserved word: as a name it needs double quotes, otherwise a timestamp in single quotes must follow"
        ),
        (
            "SELECT a, date, b FROM t",
            "1:11: DATE is a reserved word: as a name it needs double quotes, otherwise a date in single quotes must follow"
        ),
        (
            "SELECT t.a + time FROM t",
            "1:14: TIME is a reserved word: as a name it needs double quotes, otherwise a time in single quotes must follow"
        ),
        (
            "SELECT interval FROM t",
            "1:8: INTERVAL is a reserved word: as a name it needs double quotes, otherwise the interval's value in single quotes must follow"
        ),
        ("SELECT case FROM t", "1:8: CASE is a reserved word: as a name it needs double quotes, otherwise WHEN must follow"),
        (
            "SELECT position FROM t",
            "1:8: POSITION is a reserved word: as a name it needs double quotes, otherwise its arguments in parentheses must follow"
        ),
        (
            "SELECT user FROM t",
            "1:8: found 'user', expected an expression; USER is a reserved word, as a name it needs double quotes"
        ),
        ("SELECT a FROM t SELECT", "1:17: found 'SELECT', expected ';' between statements or the end of the program"),
    ]

    @Test("an error names its place, what was found and what was expected", arguments: cases)
    func message(program: String, expected: String) {
        #expect(Parser.parse(program).errors.map(\.description) == [expected])
    }

    @Test("after an error, the next statement is read as usual")
    func recovery() {
        let result = Parser.parse(
            "SELECT FROM t;\nDROP STREAM s;\nCREATE STREAM x (a INTT)\nCREATE STREAM y (a INT)\n; SELECT ) ; DROP PUMP p")
        #expect(result.errors.map(\.position.line) == [1, 3, 5])
        #expect(result.statements.count == 3)
        #expect(result.lostNames == ["X"])
    }

    @Test("a program has at most 102,400 characters")
    func length() {
        let longest = "DROP STREAM s" + String(repeating: " ", count: Parser.maximumLength - 13)
        #expect(Parser.parse(longest).errors.isEmpty)
        #expect(
            Parser.parse(longest + " ").errors.map(\.description) == [
                "1:1: a program has at most 102400 characters, this one has 102401"
            ])
    }

    @Test("a name has at most 128 characters")
    func nameLength() {
        let name = String(repeating: "n", count: 128)
        #expect(Parser.parse("DROP STREAM \(name)").errors.isEmpty)
        #expect(Parser.parse("DROP STREAM \(name)x").errors.count == 1)
        #expect(Parser.parse("DROP STREAM \"\(name)x\"").errors.count == 1)
    }

    private static func nested(_ open: String, _ inner: String, _ close: String, _ count: Int) -> String {
        "SELECT " + String(repeating: open, count: count) + inner + String(repeating: close, count: count) + " FROM t"
    }

    static let deep: [@Sendable (Int) -> String] = [
        { nested("(", "a", ")", $0) }, { nested("NOT ", "a", "", $0) }, { nested("- ", "a", "", $0) }, { nested("+", "a", "", $0) },
        { nested("ABS(", "a", ")", $0) }, { nested("CASE WHEN ", "a", " THEN 1 END", $0) }, { nested("(a + ", "a", ")", $0) },
        { nested("(", "a", " || 'x')", $0) }, { nested("", "a", " IS NULL", $0) }, { nested("", "a", " = 1", $0) },
        { nested("CAST(", "a", " AS INTEGER)", $0) }, { nested("(SELECT ", "a", " FROM t)", $0) },
        { nested("EXISTS (SELECT ", "a", " FROM t)", $0) },
        { nested("a AND (b OR ", "c", ")", $0) }, { nested("a IN (", "b", ")", $0) },
        { "SELECT a FROM " + String(repeating: "(SELECT a FROM ", count: $0) + "t" + String(repeating: ")", count: $0) },
        { "SELECT a FROM " + String(repeating: "(", count: $0) + "t" + String(repeating: ")", count: $0) },
        { String(repeating: "(", count: $0) + "SELECT a FROM t" + String(repeating: ")", count: $0) },
        { "SELECT a FROM t" + String(repeating: " CROSS JOIN t", count: $0) },
        { "SELECT a FROM t" + String(repeating: " UNION SELECT a FROM t UNION ALL SELECT a FROM t", count: $0) },
    ]

    @Test("nesting is refused past its limit, however deep", arguments: deep.indices)
    func depth(index: Int) {
        let make = Self.deep[index]
        for count in [1, 40, 127, 130, 260, 3000] {
            let text = make(count)
            guard text.unicodeScalars.count <= Parser.maximumLength else { continue }
            let messages = Parser.parse(text).errors.map(\.message)
            if count <= 40 { #expect(messages == []) }
            if count > 300 { #expect(messages.first?.hasPrefix("this is nested too deeply") == true, "\(messages)") }
        }
    }

    @Test("long chains of AND, OR, IN and UNION ALL are not nesting")
    func chains() {
        for (first, more) in [("a", " AND a"), ("a", " OR a"), ("a IN (1", ", 1")] {
            let text = "SELECT " + first + String(repeating: more, count: 5000) + (first.contains("(") ? ")" : "") + " FROM t"
            #expect(Parser.parse(text).errors.isEmpty)
        }
        for more in [" + 1", " || 'x'", " * 2", " - b / 3"] {
            let text = "SELECT a" + String(repeating: more, count: 1999)
            #expect(Parser.parse(text + " FROM t").errors.isEmpty)
            let message = Parser.parse(text + more + " FROM t").errors.first?.message
            #expect(message == "this expression is too long; at most 2000 terms are allowed")
        }
        #expect(Parser.parse("SELECT a FROM t" + String(repeating: " UNION ALL SELECT a FROM t", count: 2000)).errors.isEmpty)
    }
}
