/// `millrace sql explain`: shows how a program is worked out, without running it.

import ArgumentParser
import StreamEngine

struct SQLExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Show the operators of a program's pumps.",
        discussion: """
            The columns of its input come from --schema, an InputSchema as JSON, or are guessed from the records of --source. Each operator stands \
            above what it reads. Exit status 2 when the program is refused.
            """)
    @Argument(help: "The program's file.") var program: String
    @OptionGroup var input: ProgramInput

    func run() async throws {
        let code = try ProgramText.read(program)
        StandardOutput.line(try await input.program(code, file: program, seed: 0).explanation)
    }
}
