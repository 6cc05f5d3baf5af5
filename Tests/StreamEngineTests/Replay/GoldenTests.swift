/// Every golden case, played in four ways.

import StreamEngine
import Testing

@Suite("Golden cases")
struct GoldenTests {
    @Test("there are golden cases")
    func casesExist() {
        #expect(GoldenCase.all.count >= 25)
    }

    @Test("a program gives the expected rows, however its input is cut and across restarts", arguments: GoldenCase.all)
    func expectedRows(_ golden: GoldenCase) throws {
        let whole = golden.run()
        if GoldenCase.completes { return try golden.complete(whole) }
        let expected = golden.expectedErrors
        #expect(whole.errors.count == expected.count, "\(whole.errors)")
        for (line, beginning) in zip(whole.errors, expected) { #expect(line.hasPrefix(beginning)) }
        if expected.first == "status 0" || !golden.expectedOutput.isEmpty {
            expectSame(whole, golden.expectedOutput, "whole")
        }
        guard expected == ["status 0"] else { return }
        if golden.isQuery { return queryRows(golden) }
        expectSame(golden.run(batchRows: 1), golden.expectedOutput, "row by row")
        expectSame(golden.run(batchRows: 3), golden.expectedOutput, "three rows at a time")
        expectSame(golden.run(batchRows: 1, restarts: true), golden.expectedOutput, "restarted after every row")
        #expect(golden.run() == whole, "the second time")
    }

    private func queryRows(_ golden: GoldenCase) {
        for (rows, byStream) in [(1, true), (3, true), (1, false), (1024, false)] {
            expectSame(
                golden.run(batchRows: rows, byStream: byStream), golden.expectedOutput,
                "\(rows) rows at a time, by stream: \(byStream)")
        }
    }

    private func expectSame(_ result: GoldenCase.Result, _ expected: String, _ way: String) {
        let found = GoldenCase.grouped(result.output).split(separator: "\n").map(String.init)
        let wanted = expected.split(separator: "\n").map(String.init)
        let same = zip(found, wanted).prefix { $0 == $1 }.count
        guard same < max(found.count, wanted.count) else { return }
        let line = same < found.count ? found[same] : "nothing"
        Issue.record(
            "\(way), line \(same + 1) of \(wanted.count): \(line) instead of \(same < wanted.count ? wanted[same] : "nothing")")
    }
}
