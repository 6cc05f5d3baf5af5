/// Both ways to match a regular expression find the same, and neither runs away.

import StreamSQL
import Testing

@Suite("Regular expressions") struct RegularExpressionTests {
    /// The first match, as SUBSTRING gives it.
    private func found(_ pattern: String, in text: String) throws -> String {
        func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
        return shown(try Planner.expression("SUBSTRING(\(quoted(text)) FROM \(quoted(pattern)))"))
    }

    /// Behind so long a rest no bits are kept of what has failed: all states are followed at once.
    private static let rest = String(repeating: "~", count: 60_000)

    @Test(
        "a short text and the beginning of a very long one match alike",
        arguments: [
            ("a*?b", "aab"), ("(a|ab)(c|bcd)(d*)", "abcd"), ("x*", "axxb"), ("(a*)*b", "aaab"), ("(?i)ä?B+", "xÄbB"),
            ("\\bfoo\\b", "a foo b"),
            ("[^a-c]+d", "abcxyd"), ("(a+)+c", "aaab aac"), ("^ab", "abab"), ("a{2,3}", "aaaaa"), ("(a|b)*?c", "abbc"),
            ("é+|é", "caféé"),
            ("(?:a?){20}a{20}", "aaaaaaaaaaaaaaaaaaaa"),
        ])
    func sameMatches(pattern: String, text: String) throws {
        #expect(try found(pattern, in: text + "~") == found(pattern, in: text + Self.rest))
    }

    @Test("a pattern that makes backtracking engines run for ever is matched at once")
    func neverRunsAway() throws {
        let text = String(repeating: "a", count: 2000) + "!"
        #expect(try found("(a*)*$", in: text) == "")
        #expect(try found("(a|a)*c", in: text) == "NULL")
        #expect(try found("(?:a?){300}b", in: text) == "NULL")
    }
}
