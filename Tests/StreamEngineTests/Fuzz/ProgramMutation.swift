/// Programs that are almost right: those of the golden cases with a few changes.

import Foundation

/// Changes texts at random, the same for the same seed.
struct ProgramMutation {
    private var random: SeededRandom
    /// Stretches of all programs that can stand for each other: words, numbers, strings, signs.
    private let tokens: [String]

    init(seed: UInt64, programs: [String]) {
        random = SeededRandom(state: seed)
        tokens = Array(Set(programs.flatMap(Self.tokens))).sorted() + Self.odd
    }

    /// What programs seldom have.
    private static let odd = [
        "NULL", "''", "'\u{1F600}'", "\"\"", "0", "-1", "9223372036854775807", "99999999999999999999", "1e400",
        "0.000000000000000001", "(", ")", ",",
        ";", "*", "OVER", "PARTITION BY", "ROWTIME", "SELECT STREAM", "FROM", "WITH x AS (SELECT 1)", "LIMIT 0", "OFFSET 1",
        "VALUES (1)", "EXISTS",
        "IN (SELECT 1)", "NOT", "CASE WHEN", "END", "INTERVAL '1' MINUTE", "INTERVAL '-1' DAY", "CAST(", "AS VARCHAR(65535)",
        "UNION", "EXCEPT",
        "ORDER BY", "NULLS FIRST", "WITHIN INTERVAL '1' SECOND", "HOP(ROWTIME, INTERVAL '1' SECOND, INTERVAL '5' SECOND)", "HAVING",
        "GROUP BY",
        "/*", "*/", "--", "\u{0}", "\\", "{", "}", "U&'\\0041'", "X'0'", "DATE '0000-00-00'", "RANGE UNBOUNDED PRECEDING",
        "ROWS 0 PRECEDING",
    ]

    private static func tokens(of text: String) -> [String] {
        var (tokens, current) = ([String](), "")
        for character in text {
            if character.isLetter || character.isNumber || character == "_" {
                current.append(character)
                continue
            }
            if !current.isEmpty { tokens.append(current) }
            current = ""
            if !character.isWhitespace { tokens.append(String(character)) }
        }
        return current.isEmpty ? tokens : tokens + [current]
    }

    private static func parts(of text: String) -> [String] {
        var (parts, current, isWord) = ([String](), "", false)
        for character in text {
            let belongs = character.isLetter || character.isNumber || character == "_"
            if belongs != isWord || !belongs, !current.isEmpty {
                parts.append(current)
                current = ""
            }
            current.append(character)
            isWord = belongs
        }
        return current.isEmpty ? parts : parts + [current]
    }

    /// A program with one to six changes.
    mutating func mutated(_ program: String, beside other: String) -> String {
        var parts = Self.parts(of: program)
        let others = Self.parts(of: other)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !parts.isEmpty {
            let place = Int.random(in: 0..<parts.count, using: &random)
            let end = min(parts.count, place + Int.random(in: 1...12, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0: parts.removeSubrange(place..<end)
            case 1: parts.insert(contentsOf: parts[place..<end], at: place)
            case 2: parts[place] = tokens.randomElement(using: &random) ?? ""
            case 3: parts.insert(" " + (tokens.randomElement(using: &random) ?? "") + " ", at: place)
            case 4: parts.swapAt(place, Int.random(in: 0..<parts.count, using: &random))
            case 5 where !others.isEmpty:
                let start = Int.random(in: 0..<others.count, using: &random)
                parts.replaceSubrange(place..<end, with: others[start..<min(others.count, start + 20)])
            case 6:
                // Deep and long: what recursion and repetition meet.
                let count = Int.random(in: 1...300, using: &random)
                parts[place] =
                    Bool.random(using: &random)
                    ? String(repeating: "(", count: count) + parts[place] + String(repeating: ")", count: count)
                    : Array(repeating: parts[place], count: count).joined(separator: " ")
            default:
                var scalars = Array(parts[place].unicodeScalars)
                let index = Int.random(in: 0..<scalars.count, using: &random)
                scalars[index] = Unicode.Scalar(UInt8.random(in: 0...127, using: &random))
                parts[place] = String(String.UnicodeScalarView(scalars))
            }
        }
        return parts.joined()
    }

    mutating func choose<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: 0..<elements.count, using: &random)] }
}
