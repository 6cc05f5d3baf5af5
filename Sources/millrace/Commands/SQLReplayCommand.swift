/// `millrace sql replay`: a program played over rows from a file, without a server.

import ArgumentParser
import StreamEngine

struct SQLReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Play a program over rows that carry their own time; print every row it produces.",
        discussion: """
            Needs no server and reads no clock: the same files and flags give the same bytes. Exit status: 0 played to the end, \
            1 a file is wrong, 2 the program was refused, 64 wrong flags.
            """)
    @Option(help: "The program's text.") var program: String?
    @Option(help: "Instead of a program, a query's text: one SELECT over all the rows, as `millrace query` takes it.") var query:
        String?
    @Option(help: "What exists before the program starts, as JSON: streams and tables.") var schema: String
    @Option(help: "The rows of all streams in order of rowtime_ms, as NDJSON.") var input: String
    @Option(
        help: ArgumentHelp(
            "The rows of the tables as NDJSON, each with its table's name; or NAME=FILE: one table's rows, or records where it has an input_schema. May be repeated.",
            valueName: "file"))
    var reference: [String] = []
    // A time before 1970 begins with a minus sign, which must not be taken for a flag.
    @Option(parsing: .unconditional, help: "Where the clock moves after the last row, in epoch milliseconds.") var advanceTo: Int64?
    @Flag(help: "The input ends after that: what is still open closes and is printed.") var endOfInput = false
    @Option(help: "Seeds the forests.") var seed: UInt64 = 0

    func run() throws {
        guard let text = program ?? query, program == nil || query == nil else {
            throw ValidationError("Give either --program or --query.")
        }
        if query != nil, advanceTo != nil || endOfInput {
            throw ValidationError("A query's input has an end; --advance-to and --end-of-input go with --program.")
        }
        let lines = reference.filter { !$0.contains("=") }
        guard lines.count < 2 else { throw ValidationError("One file may hold the rows of all tables; the others are NAME=FILE.") }
        var replay = ReplayCommand(
            program: ReplayFile(path: text), schema: ReplayFile(path: schema), input: ReplayFile(path: input),
            reference: lines.first.map { ReplayFile(path: $0) }, advanceTo: advanceTo, endsInput: endOfInput,
            seed: seed)
        replay.isQuery = query != nil
        replay.tables = reference.compactMap { text in
            text.firstIndex(of: "=").map { (String(text[..<$0]), ReplayFile(path: String(text[text.index(after: $0)...]))) }
        }
        let outcome = replay.run { bytes in StandardOutput.write(bytes) }
        guard outcome.status != .success else { return }
        throw CommandFailure(ExitStatus(rawValue: outcome.status.rawValue) ?? .failed, outcome.messages.joined(separator: "\n"))
    }
}
