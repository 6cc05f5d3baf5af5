/// Text functions.

import StreamSQL
import Testing

@Suite("Text functions") struct TextFunctionTests {
    @Test("texts are measured, changed and joined by characters")
    func simple() throws {
        #expect(shown(try call("CHAR_LENGTH", cast(text("fred"), .char(16)))) == "16")
        #expect(shown(try call("CHARACTER_LENGTH", text("日本語"))) == "3")
        #expect(shown(try call("INITCAP", text("blue MOON"))) == "Blue Moon")
        #expect(shown(try call("INITCAP", text("élan ÉTÉ"))) == "Élan Été")
        #expect(shown(try call("UPPER", text("Grün"))) == "GRÜN")
        #expect(shown(try call("LOWER", text("ABC[z"))) == "abc[z")
        #expect(shown(try call("UPPER", text("abc{Z"))) == "ABC{Z")
        // The text would be longer than its type allows.
        #expect(shown(try call("UPPER", text("ß"))) == "ß")
        #expect(shown(try call("LOWER", text("İX"))) == "ix")
        #expect(shown(try call("INITCAP", text("ßa ǆB"))) == "ßa Ǆb")
        #expect(shown(try call("POSITION", text("race"), text("millrace"))) == "5")
        #expect(shown(try call("POSITION", text("語"), text("日本語"))) == "3")
        #expect(shown(try call("POSITION", text("x"), text("millrace"))) == "0")
        #expect(shown(try call("POSITION", text(""), text("millrace"))) == "1")
        #expect(shown(try call("UPPER", null(.varchar(3)))) == "NULL")
    }

    @Test("|| writes other values as text")
    func concatenation() throws {
        let place = try call("||", try call("||", double(47.5), text(",")), decimal("8.10"))
        #expect(shown(place) == "47.5,8.10")
        #expect(shown(try call("||", text("a"), null(.varchar(2)))) == "NULL")
        #expect(shown(try call("||", timestamp("2004-02-29 01:02:03"), text("!"))) == "2004-02-29 01:02:03!")
        #expect(refusal("||", .binary(2), .varchar(2)) != nil)
    }

    @Test("SUBSTRING follows the documented edges")
    func substring() throws {
        func sub(_ start: Int64, _ count: Int64?) throws -> String {
            guard let count else { return shown(try call("SUBSTRING", text("123456789"), integer(start))) }
            return shown(try call("SUBSTRING", text("123456789"), integer(start), integer(count)))
        }
        #expect(try sub(-1, 4) == "12")
        #expect(try sub(1, 3) == "123")
        #expect(try sub(3, nil) == "3456789")
        #expect(try sub(0, nil) == "123456789")
        #expect(try sub(20, 3) == "")
        #expect(try sub(10, nil) == "")
        #expect(try sub(4, 0) == "")
        #expect(try sub(-5, 3) == "")
        #expect(try sub(9, 5) == "9")
        #expect(try sub(4, -1) == "error: Invalid argument")
        #expect(shown(try call("SUBSTRING", text("日本語文字"), integer(2), integer(2))) == "本語")
        #expect(shown(try call("SUBSTRING", text("abc"), bigint(.max), bigint(.max))) == "")
        #expect(shown(try call("SUBSTRING", text("abc"), bigint(.min), bigint(.max))) == "")
    }

    @Test("OVERLAY follows the documented edges")
    func overlay() throws {
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(-2))) == "foo12345")
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(1))) == "foo45")
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(9))) == "12345foo")
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(2), integer(0))) == "1foo2345")
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(2), integer(9))) == "1foo")
        #expect(shown(try call("OVERLAY", text("12345"), text("foo"), integer(2), integer(-1))) == "error: Invalid argument")
    }

    @Test("TRIM takes one character off the ends it is told")
    func trim() throws {
        #expect(shown(try call("TRIM", text("BOTH"), text("x"), text("xxmillxx"))) == "mill")
        #expect(shown(try call("TRIM", text("LEADING"), text(" "), text("  a "))) == "a ")
        #expect(shown(try call("TRIM", text("TRAILING"), text(" "), text("  a "))) == "  a")
        #expect(shown(try call("TRIM", text("BOTH"), text("x"), text("xxx"))) == "")
        #expect(shown(try call("TRIM", text("BOTH"), text("é"), text("éaé"))) == "a")
        #expect(shown(try call("TRIM", text("BOTH"), text("ab"), text("a"))) == "error: Invalid argument")
    }

    @Test("SUBSTRING by a regular expression gives the first match or NULL")
    func regexSubstring() throws {
        #expect(shown(try call("SUBSTRING", text("TECHNOLOGY"), text("L[A-Z]*"))) == "LOGY")
        #expect(shown(try call("SUBSTRING", text("FOO"), text("L[A-Z]*"))) == "NULL")
        #expect(shown(try call("SUBSTRING", text("id=42;"), text("\\d+"))) == "42")
        #expect(shown(try call("SUBSTRING", text("aaa"), text("a+?"))) == "a")
        #expect(shown(try call("SUBSTRING", text("xay"), text("(?i)A"))) == "a")
        #expect(shown(try call("SUBSTRING", text("foo bar"), text("\\bbar$"))) == "bar")
        #expect(shown(try call("SUBSTRING", text("aXb"), text("a|aX"))) == "a")
        #expect(shown(try call("SUBSTRING", text("é日"), text("[^é]"))) == "日")
        #expect(shown(try call("SUBSTRING", text("a.b"), text("\\Q.\\E."))) == ".b")
    }

    @Test("a pattern that makes backtracking engines run for ever ends at once")
    func linearTime() throws {
        let value = String(repeating: "a", count: 5000)
        #expect(shown(try call("SUBSTRING", text(value + "!"), text("(a*)*b"))) == "NULL")
        #expect(shown(try call("SUBSTRING", text("a"), text("(?:(?:(?:){1000}){1000}){1000}"))) == "error: Invalid argument")
    }

    @Test("REGEX_REPLACE replaces all matches or one, from a position on")
    func regexReplace() throws {
        func replace(_ value: String, _ pattern: String, _ new: String, _ start: Int64 = 1, _ occurrence: Int64 = 0) throws
            -> String
        {
            shown(try call("REGEX_REPLACE", text(value), text(pattern), text(new), integer(start), integer(occurrence)))
        }
        #expect(try replace("Barney Smith", "(\\w+) (\\w+)", "$2, $1") == "Smith, Barney")
        #expect(try replace("aaa", "a", "b") == "bbb")
        #expect(try replace("aaa", "a", "b", 2) == "abb")
        #expect(try replace("aaa", "a", "b", 1, 2) == "aba")
        #expect(try replace("aaa", "a", "b", 9) == "aaa")
        #expect(try replace("aaa", "a", "b", 0) == "error: Invalid argument")
        #expect(try replace("aaa", "a", "b", 1, -1) == "error: Invalid argument")
        #expect(try replace("abc", "", "-") == "-a-b-c-")
        #expect(try replace("abc", "b", "\\$1") == "a$1c")
        #expect(try replace("abc", "b", "$1") == "error: Invalid argument")
        #expect(try replace("", "^$", "x") == "x")
    }
}
