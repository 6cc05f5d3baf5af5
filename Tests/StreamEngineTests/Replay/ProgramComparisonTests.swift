/// Rows of two programs beside each other.

import StreamEngine
import Testing

@Suite("The comparison of two programs")
struct ProgramComparisonTests {
    private func line(_ stream: String, _ time: Int, _ row: String) -> [UInt8] {
        Array("{\"stream\":\"\(stream)\",\"rowtime_ms\":\(time),\"row\":\(row)}\n".utf8)
    }

    @Test("equal rows cancel out in any order and number; the same rows are no difference")
    func equal() throws {
        var comparison = ProgramComparison()
        let rows = (0..<50).map { line("O", $0 / 3, "{\"k\":\"\($0 % 3)\",\"n\":\($0 / 6)}") }
        try comparison.add(rows.flatMap { $0 }, of: .old)
        for row in rows.reversed() { try comparison.add(row, of: .new) }
        let report = comparison.report(keys: nil, shown: 10)
        #expect(report.isEqual && report.differences.isEmpty)
        #expect(report.streams.map(\.stream) == ["O"])
        #expect(report.streams[0].oldRows == 50 && report.streams[0].newRows == 50 && report.streams[0].equal == 50)
    }

    @Test("rows of one time and key are paired and their columns told; others are of one side")
    func different() throws {
        var comparison = ProgramComparison()
        try comparison.add(
            line("O", 1, #"{"k":"a","n":1,"m":2}"#) + line("O", 1, #"{"k":"b","n":1,"m":2}"#)
                + line("O", 2, #"{"k":"a","n":5,"m":2}"#),
            of: .old)
        try comparison.add(
            line("O", 1, #"{"k":"a","n":3,"m":2}"#) + line("O", 1, #"{"k":"b","n":1,"m":2}"#) + line("X", 2, #"{"k":"a"}"#),
            of: .new)
        let report = comparison.report(keys: nil, shown: 10)
        #expect(!report.isEqual && report.streams.map(\.stream) == ["O", "X"])
        #expect(report.streams[0].changed == 1 && report.streams[0].equal == 1 && report.streams[0].onlyOld == 1)
        #expect(report.streams[0].columns == ["n": 1] && report.streams[1].onlyNew == 1)
        #expect(report.differences.first == .changed(stream: "O", rowtime: 1, key: ["k": "\"a\""], columns: ["n": ["1", "3"]]))
        // By another key these are different rows.
        let other = comparison.report(keys: ["n"], shown: 1)
        #expect(other.streams[0].changed == 0 && other.streams[0].onlyOld == 2 && other.differences.count == 1)
    }

    @Test("what is held for the other side is bounded")
    func bounded() throws {
        var comparison = ProgramComparison(mostHeld: 10)
        for time in 0..<10 { try comparison.add(line("O", time, "{}"), of: .old) }
        #expect(throws: ProgramComparison.TooDifferent.self) { try comparison.add(line("O", 99, "{}"), of: .old) }
    }
}
