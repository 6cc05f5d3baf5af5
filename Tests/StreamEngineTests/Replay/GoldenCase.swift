/// A golden case: a folder `Golden/<topic>/<name>` with a program, its input and what must come out.
///
/// `program.sql` (or `query.sql`, whose rows stand in `expected.ndjson` in their order), `schema.json`, `input.ndjson`, `expected.ndjson`; where needed `advance-to` and `seed` (a number each), `end-of-input` (empty: the input ends), `reference.ndjson`, and
/// `expected-error`: a line `status N`, then for each line of standard error what it begins with. The lines of `expected.ndjson` are
/// grouped by stream, streams in alphabetical order, for the order between streams is not promised.

import Foundation
import StreamEngine
import Testing

struct GoldenCase: Sendable, CustomTestStringConvertible {
    var folder: URL
    var testDescription: String { "\(folder.deletingLastPathComponent().lastPathComponent)/\(folder.lastPathComponent)" }

    /// `MILLRACE_COMPLETE=1` writes what came out instead of comparing it.
    static let completes = ProcessInfo.processInfo.environment["MILLRACE_COMPLETE"] == "1"

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden")

    static let all: [GoldenCase] = {
        let files = FileManager.default
        func folders(_ parent: URL) -> [URL] {
            ((try? files.contentsOfDirectory(at: parent, includingPropertiesForKeys: [.isDirectoryKey])) ?? [])
                .filter { $0.hasDirectoryPath }.sorted { $0.path < $1.path }
        }
        return folders(root).flatMap(folders).map { GoldenCase(folder: $0) }
    }()

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    private func text(_ name: String) -> String? { try? String(contentsOfFile: path(name), encoding: .utf8) }
    private func number(_ name: String) -> Int64? {
        text(name).flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    var expectedOutput: String { text("expected.ndjson") ?? "" }
    var expectedErrors: [String] { (text("expected-error") ?? "status 0").split(separator: "\n").map(String.init) }

    struct Result: Equatable {
        var output = ""
        /// The status, then the lines of standard error.
        var errors: [String] = []
    }

    /// A query over all rows instead of a program.
    var isQuery: Bool { exists("query.sql") }

    func run(batchRows: Int = 1024, restarts: Bool = false, byStream: Bool = true) -> Result {
        var command = ReplayCommand(
            program: ReplayFile(path: path(isQuery ? "query.sql" : "program.sql")), schema: ReplayFile(path: path("schema.json")),
            input: ReplayFile(path: path("input.ndjson")),
            reference: exists("reference.ndjson") ? ReplayFile(path: path("reference.ndjson")) : nil,
            advanceTo: number("advance-to"), endsInput: exists("end-of-input"), seed: UInt64(number("seed") ?? 0))
        command.isQuery = isQuery
        command.playsByStream = byStream
        command.batchRows = batchRows
        command.restartsAfterEachBatch = restarts
        var output: [UInt8] = []
        let outcome = command.run { output += $0 }
        return Result(
            output: String(decoding: output, as: UTF8.self),
            errors: ["status \(outcome.status.rawValue)"]
                + outcome.messages.map { $0.replacingOccurrences(of: folder.path + "/", with: "") })
    }

    func complete(_ result: Result) throws {
        try (isQuery ? result.output : Self.grouped(result.output)).write(
            toFile: path("expected.ndjson"), atomically: true, encoding: .utf8)
        // A refusal's file may hold only how each line begins.
        let isExpected =
            result.errors.count == expectedErrors.count && zip(result.errors, expectedErrors).allSatisfy { $0.hasPrefix($1) }
        if !isExpected {
            try (result.errors.joined(separator: "\n") + "\n").write(
                toFile: path("expected-error"), atomically: true, encoding: .utf8)
        }
    }

    /// The lines grouped by stream, each stream's in their order.
    static func grouped(_ output: String) -> String {
        guard output.contains(",\"rowtime_ms\":") else { return output }
        var streams: [Substring: [Substring]] = [:]
        for line in output.split(separator: "\n") {
            let stream = line.range(of: ",\"rowtime_ms\":").map { line[..<$0.lowerBound] } ?? line
            streams[stream, default: []].append(line)
        }
        return streams.keys.sorted().flatMap { streams[$0] ?? [] }.map { $0 + "\n" }.joined()
    }
}
