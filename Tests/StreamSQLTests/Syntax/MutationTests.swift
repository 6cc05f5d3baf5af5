/// Damaged programs are refused or planned, but never stop the process.

import StreamSQL
import Testing

@Suite struct MutationTests {
    /// A small generator with a seed (SplitMix64), so that a failure can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let fragments = [
        "(", ")", "'", "\"", ";", ",", ".", "*", "/*", "--", "-", "+", "NULL", "NOT", "SELECT", "FROM", "STREAM", "GROUP BY",
        "OVER", "ROWTIME",
        "AVG(", "COUNT(*)", "CASE", "END", "INTERVAL", "'60' SECOND", "TO SECOND", "9223372036854775807", "-9223372036854775808",
        "1e308", "0.0",
        "u&'\\", "\u{1F600}", "\u{0}", "AS ROWTIME", "UNION ALL", "CREATE", "S", "A", "B", "T", "mixed",
        "TIMESTAMP '2020-01-01 00:00:00'", "/", "0",
    ]

    @Test("20,000 mutations of valid programs neither trap nor hang")
    func mutations() {
        let programs =
            [Plans.weatherProgram(window: Plans.epochWindow), Plans.weatherProgram(window: Plans.stepWindow), Plans.forestProgram]
            + ParserTests.statements + PlannerTests.planned
        let scalars = programs.map { Array($0.unicodeScalars) }
        var generator = Generator(state: 20_250_901)
        var refused = 0
        for _ in 0..<20_000 {
            var text = scalars.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 0...text.count, using: &generator)
                let end = min(text.count, place + Int.random(in: 0...12, using: &generator))
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: text.removeSubrange(place..<end)
                case 1:
                    text.insert(
                        contentsOf: Array((Self.fragments.randomElement(using: &generator) ?? "").unicodeScalars), at: place)
                case 2:
                    text.replaceSubrange(
                        place..<end, with: Array((Self.fragments.randomElement(using: &generator) ?? "").unicodeScalars))
                case 3: text.insert(contentsOf: text[place..<end], at: Int.random(in: 0...text.count, using: &generator))
                default:
                    let other = scalars.randomElement(using: &generator) ?? []
                    let start = Int.random(in: 0...other.count, using: &generator)
                    text.insert(contentsOf: other[start..<min(other.count, start + 20)], at: place)
                }
            }
            let program = String(String.UnicodeScalarView(text))
            do throws(ProgramErrors) {
                _ = try Planner.plan(program, inputs: [Plans.mixedInput, Plans.weatherInput])
            } catch {
                #expect(!error.errors.isEmpty && error.errors.allSatisfy { $0.position.line >= 1 && !$0.message.isEmpty })
                refused += 1
            }
        }
        #expect(refused > 10_000)
    }
}
