/// `millrace sql compare`: a new version of a program beside the old one, over the same history.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

struct SQLCompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Run two versions of a program over the same history and say where their rows differ.",
        discussion: """
            With --source both programs run in this process over the records that a stream holds, from --from to its present end, where what is open \
            closes. With --replay-schema and --replay-input they run over rows from a file, as `millrace sql replay` does, without a server. Rows of the \
            same stream, ROWTIME and key belong together; the key are the columns of --key, or all that hold text. Rows of streams that only \
            one program has count as its own. Exit status: 0 the rows are the same, 1 they are not, 2 a program was refused.
            """)
    @Argument(help: "The old program's file.") var old: String
    @Argument(help: "The new program's file.") var new: String
    @OptionGroup var input: ProgramInput
    @Option(help: "Where the history begins: start, or an age such as 10m, 6h, 2d.") var from = "start"
    @Option(help: "With a file of rows: what exists before the program starts, as JSON (`sql replay --schema`).") var replaySchema:
        String?
    @Option(help: "With a file of rows: the rows as NDJSON (`sql replay --input`).") var replayInput: String?
    @Option(help: "A column by which rows belong together; may be repeated.") var key: [String] = []
    @Option(help: "How many differences are shown.") var show = 20
    @Option(help: "A text for people, or json.") var output = Form.text
    @Option(help: "Seeds the forests of both.") var seed: UInt64 = 0

    enum Form: String, ExpressibleByArgument { case text, json }

    func validate() throws {
        guard (replaySchema == nil) == (replayInput == nil) else {
            throw ValidationError("--replay-schema and --replay-input go together.")
        }
        guard (input.source == nil) != (replayInput == nil) else {
            throw ValidationError("Give either --source or --replay-input.")
        }
        guard show >= 0 else { throw ValidationError("--show must be 0 or more.") }
        if from == "latest" { throw ValidationError("--from latest has no history.") }
        _ = try ReadPosition(from)
    }

    func run() async throws {
        var comparison = ProgramComparison()
        if let replaySchema, let replayInput {
            try replay(old, .old, replaySchema, replayInput, &comparison)
            try replay(new, .new, replaySchema, replayInput, &comparison)
        } else {
            try await follow(&comparison)
        }
        let report = comparison.report(keys: key.isEmpty ? nil : key, shown: show)
        switch output {
        case .text: Self.lines(of: report).forEach { StandardOutput.line($0) }
        case .json: StandardOutput.line(Self.json(report))
        }
        if !report.isEqual { throw ExitCode(ExitStatus.failed.rawValue) }
    }

    private func replay(
        _ program: String, _ side: ProgramComparison.Side, _ schema: String, _ rows: String, _ comparison: inout ProgramComparison
    ) throws {
        let replay = ReplayCommand(
            program: ReplayFile(path: program), schema: ReplayFile(path: schema), input: ReplayFile(path: rows), endsInput: true,
            seed: seed)
        var failure: ProgramComparison.TooDifferent?
        let outcome = replay.run { bytes in
            guard failure == nil else { return }
            do throws(ProgramComparison.TooDifferent) { try comparison.add(bytes, of: side) } catch { failure = error }
        }
        if let failure { throw CommandFailure(.failed, failure.message) }
        guard outcome.status != .success else { return }
        throw CommandFailure(ExitStatus(rawValue: outcome.status.rawValue) ?? .failed, outcome.messages.joined(separator: "\n"))
    }

    private func follow(_ comparison: inout ProgramComparison) async throws {
        // Both begin at the same time: CURRENT_TIMESTAMP is no difference between them.
        let now = LiveRun.wallMilliseconds()
        let programs = try await (
            input.program(ProgramText.read(old), file: old, seed: seed, at: now),
            input.program(ProgramText.read(new), file: new, seed: seed, at: now)
        )
        var sides = ComparedPrograms(programs.0, programs.1, comparison)
        let follower = try await StreamFollower(
            input.source ?? "", from: try ReadPosition(from), stopsAtTips: true, input.server.client)
        var run = LiveRun(follower: follower)
        try await run.run(&sides, endsInput: true)
        comparison = sides.comparison
    }

    // MARK: What is said

    private static func lines(of report: ProgramComparison.Report) -> [String] {
        var lines: [String] = []
        for stream in report.streams {
            lines.append(
                "\(stream.stream): \(stream.oldRows) rows before, \(stream.newRows) now; \(stream.equal) equal, \(stream.changed) changed, "
                    + "\(stream.onlyOld) only before, \(stream.onlyNew) only now")
            if !stream.columns.isEmpty {
                let columns = stream.columns.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) (\($0.value))" }
                lines.append("  columns that differ: \(columns.joined(separator: ", "))")
            }
        }
        for difference in report.differences {
            switch difference {
            case .changed(let stream, let rowtime, let key, let columns):
                let names = key.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
                let changes = columns.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.joined(separator: " -> "))" }
                lines.append("~ \(stream) rowtime_ms=\(rowtime) \(names): \(changes.joined(separator: ", "))")
            case .only(.old, let line): lines.append("- \(line)")
            case .only(.new, let line): lines.append("+ \(line)")
            }
        }
        if report.isEqual { lines.append("The rows are the same.") }
        return lines
    }

    private struct Summary: Encodable {
        struct Stream: Encodable {
            var stream: String
            var rows_before: Int
            var rows_now: Int
            var equal: Int
            var changed: Int
            var only_before: Int
            var only_now: Int
            var columns: [String: Int]
        }
        struct Difference: Encodable {
            var kind: String
            var stream: String?
            var rowtime_ms: Int64?
            var key: [String: String]?
            var columns: [String: [String]]?
            var line: String?
        }
        var equal: Bool
        var streams: [Stream]
        var differences: [Difference]
    }

    private static func json(_ report: ProgramComparison.Report) -> String {
        let summary = Summary(
            equal: report.isEqual,
            streams: report.streams.map {
                .init(
                    stream: $0.stream, rows_before: $0.oldRows, rows_now: $0.newRows, equal: $0.equal, changed: $0.changed,
                    only_before: $0.onlyOld, only_now: $0.onlyNew, columns: $0.columns)
            },
            differences: report.differences.map { difference in
                switch difference {
                case .changed(let stream, let rowtime, let key, let columns):
                    .init(kind: "changed", stream: stream, rowtime_ms: rowtime, key: key, columns: columns)
                case .only(let side, let line): .init(kind: side == .old ? "only_before" : "only_now", line: line)
                }
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(summary)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// Two programs that are played the same records.
struct ComparedPrograms: LiveTarget {
    private var old: LiveProgram
    private var new: LiveProgram
    private let lines: (old: RowLines, new: RowLines)
    private(set) var comparison: ProgramComparison

    init(_ old: LiveProgram, _ new: LiveProgram, _ comparison: ProgramComparison) {
        (self.old, self.new, self.comparison) = (old, new, comparison)
        lines = (RowLines(of: old.streams), RowLines(of: new.streams))
    }

    var isDone: Bool { false }

    mutating func play(_ records: [LiveProgram.Record], through time: Int64?) throws {
        do throws(DataflowError) {
            if !records.isEmpty {
                try old.insert(records)
                try new.insert(records)
            }
            if let time {
                try old.advance(to: time)
                try new.advance(to: time)
            }
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
        try take()
    }

    mutating func end() throws {
        do throws(DataflowError) {
            try old.finish()
            try new.finish()
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
        try take()
    }

    private mutating func take() throws {
        do throws(ProgramComparison.TooDifferent) {
            try comparison.add(Self.lines(old.takeRows(), lines.old), of: .old)
            try comparison.add(Self.lines(new.takeRows(), lines.new), of: .new)
        } catch {
            throw CommandFailure(.failed, error.message)
        }
    }

    private static func lines(_ rows: [(stream: String, batch: ColumnBatch)], _ lines: RowLines) -> [UInt8] {
        var bytes: [UInt8] = []
        for (stream, batch) in rows { for row in 0..<batch.count { lines.append(row, of: batch, in: stream, to: &bytes) } }
        return bytes
    }
}
