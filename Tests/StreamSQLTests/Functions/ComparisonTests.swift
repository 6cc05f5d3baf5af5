/// Comparisons and pattern predicates.

import StreamSQL
import Testing

@Suite("Comparison") struct ComparisonTests {
    @Test("values of one family are compared, whatever their exact types")
    func comparisons() throws {
        #expect(shown(try call("=", integer(1), decimal("1.0"))) == "TRUE")
        #expect(shown(try call(">=", decimal("2.50"), decimal("2.5"))) == "TRUE")
        #expect(shown(try call("<", decimal("-0.01"), integer(0))) == "TRUE")
        #expect(shown(try call("<>", text("a"), text("b"))) == "TRUE")
        #expect(shown(try call("!=", text("a"), text("a"))) == "FALSE")
        #expect(shown(try call(">", text("b"), text("abc"))) == "TRUE")
        #expect(shown(try call("<", text("Z"), text("a"))) == "TRUE")
        #expect(shown(try call("<", text("é"), text("日本"))) == "TRUE")
        #expect(shown(try call("<=", date("2004-02-29"), timestamp("2004-02-29 00:00:00"))) == "TRUE")
        #expect(shown(try call("<", interval("59", .minute), interval("1", .hour))) == "TRUE")
        #expect(shown(try call("=", boolean(true), boolean(false))) == "FALSE")
        #expect(shown(try call("=", integer(1), double(1))) == "TRUE")
        #expect(shown(try call("=", null(.integer), integer(1))) == "NULL")
        #expect(shown(try call("=", null(.null), null(.null))) == "NULL")
        #expect(shown(try call("=", bigint(9_007_199_254_740_993), decimal("9007199254740992.0"))) == "FALSE")
    }

    @Test("the padding of CHAR does not count in comparisons")
    func padding() throws {
        #expect(shown(try call("=", cast(text("ab"), .char(5)), text("ab"))) == "TRUE")
        #expect(shown(try call("=", cast(text("ab"), .char(5)), cast(text("ab"), .char(9)))) == "TRUE")
        #expect(shown(try call("=", text("ab "), text("ab"))) == "FALSE")
    }

    @Test("DISTINCT FROM is never UNKNOWN")
    func distinct() throws {
        #expect(shown(try call("IS DISTINCT FROM", integer(1), decimal("1.0"))) == "FALSE")
        #expect(shown(try call("IS DISTINCT FROM", integer(1), null(.integer))) == "TRUE")
        #expect(shown(try call("IS DISTINCT FROM", null(.integer), null(.integer))) == "FALSE")
        #expect(shown(try call("IS NOT DISTINCT FROM", null(.null), text("a"))) == "FALSE")
    }

    @Test(
        "LIKE matches characters, not bytes",
        arguments: [
            ("millrace", "mill%", true), ("millrace", "mill_", false), ("mille", "mill_", true), ("", "%", true), ("", "_", false),
            ("a日c", "a_c", true), ("abcabc", "%abc", true), ("abcab", "%abc", false), ("aXbXc", "a%b%c", true), ("A", "a", false),
            ("a%b", "a%b", true), ("mississippi", "m%iss%ip%i", true), ("mississippi", "%x%", false),
        ])
    func like(_ value: String, _ pattern: String, _ expected: Bool) throws {
        #expect(shown(try call("LIKE", text(value), text(pattern))) == (expected ? "TRUE" : "FALSE"))
        #expect(shown(try call("NOT LIKE", text(value), text(pattern))) == (expected ? "FALSE" : "TRUE"))
    }

    @Test("ESCAPE makes the wildcards plain, and must stand before one")
    func likeEscape() throws {
        #expect(shown(try call("LIKE", text("10%"), text("__!%"), text("!"))) == "TRUE")
        #expect(shown(try call("LIKE", text("101"), text("__!%"), text("!"))) == "FALSE")
        #expect(shown(try call("LIKE", text("a!b"), text("a!!b"), text("!"))) == "TRUE")
        #expect(shown(try call("LIKE", text("ab"), text("a!b"), text("!"))) == "error: Invalid argument")
        #expect(shown(try call("LIKE", text("ab"), text("ab"), text("!!"))) == "error: Invalid argument")
        #expect(shown(try call("LIKE", null(.varchar(1)), text("%"))) == "NULL")
    }

    @Test(
        "SIMILAR TO matches the whole text",
        arguments: [
            ("abcabc", "(abc|x){2}", true), ("a1", "[a-z]+", false), ("abc", "a%", true), ("abc", "b", false), ("abc", "_b_", true),
            ("ac", "ab?c", true), ("abbbc", "ab*c", true), ("foo", "foo|bar", true), ("foobar", "foo|bar", false),
            ("xyz", "[^a-w]+", true), ("q", "[a-z^q]", false), ("r", "[a-z^q]", true), ("aaa", "a{2,}", true),
            ("a", "a{2,3}", false),
            ("7", "[[:DIGIT:]]", true), ("ab\ncd", "ab%", true),
        ])
    func similar(_ value: String, _ pattern: String, _ expected: Bool) throws {
        #expect(shown(try call("SIMILAR TO", text(value), text(pattern))) == (expected ? "TRUE" : "FALSE"), "\(value) \(pattern)")
        #expect(shown(try call("NOT SIMILAR TO", text(value), text(pattern))) == (expected ? "FALSE" : "TRUE"))
    }

    @Test("patterns that are malformed or would grow without bound are row errors")
    func badPatterns() throws {
        for pattern in ["(", ")", "[a", "*", "a{", "a{3,2}", "a{9999}", "((((a{1000}){1000}){1000}){1000})"] {
            #expect(shown(try call("SIMILAR TO", text("a"), text(pattern))) == "error: Invalid argument", "\(pattern)")
        }
        #expect(shown(try call("SIMILAR TO", text("a+b"), text("a!+b"), text("!"))) == "TRUE")
    }
}
