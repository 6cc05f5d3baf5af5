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
    @Option(help: "The program's text.") var program: String
    @Option(help: "What exists before the program starts, as JSON: streams and tables.") var schema: String
    @Option(help: "The rows of all streams in order of rowtime_ms, as NDJSON.") var input: String
    @Option(help: "The rows of the tables, as NDJSON.") var reference: String?
    // A time before 1970 begins with a minus sign, which must not be taken for a flag.
    @Option(parsing: .unconditional, help: "Where the clock moves after the last row, in epoch milliseconds.") var advanceTo: Int64?
    @Flag(help: "The input ends after that: what is still open closes and is printed.") var endOfInput = false
    @Option(help: "Seeds the forests.") var seed: UInt64 = 0

    func run() throws {
        let replay = ReplayCommand(
            program: ReplayFile(path: program), schema: ReplayFile(path: schema), input: ReplayFile(path: input),
            reference: reference.map { ReplayFile(path: $0) }, advanceTo: advanceTo, endsInput: endOfInput,
            seed: seed)
        let outcome = replay.run { bytes in StandardOutput.write(bytes) }
        guard outcome.status != .success else { return }
        throw CommandFailure(ExitStatus(rawValue: outcome.status.rawValue) ?? .failed, outcome.messages.joined(separator: "\n"))
    }
}
