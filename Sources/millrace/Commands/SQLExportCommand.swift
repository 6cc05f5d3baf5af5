/// `millrace sql export --flink`: a program in another system's words.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

struct SQLExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a program as Flink SQL, where it can be said.",
        discussion: """
            The columns of its input come from --schema, an InputSchema as JSON, or are guessed from the records of --source. What has no counterpart is left out, \
            with a comment that says what and why, and told on standard error. Exit status 2 when the program is refused, 1 when something was left out.
            """)
    @Argument(help: "The program's file.") var program: String
    @Flag(help: "As Flink SQL (the one form that there is).") var flink = false
    @OptionGroup var input: ProgramInput

    func validate() throws { guard flink else { throw ValidationError("Say as what: --flink.") } }

    func run() async throws {
        let code = try ProgramText.read(program)
        let live = try await input.program(code, file: program, seed: 0)
        let source =
            "arn:aws:kinesis:\(ProcessInfo.processInfo.environment["AWS_REGION"] ?? "us-east-1"):000000000000:stream/\(input.source ?? "SOURCE")"
        let export: FlinkExport
        do throws(ProgramErrors) {
            export = try FlinkExport(code, inputs: live.inputs.map { ($0, source) }, tables: live.tables)
        } catch {
            throw CommandFailure(.programRefused, "\(program) was refused:\n\(ProgramText.shown(error.errors, in: code))")
        }
        StandardOutput.line(export.text)
        guard !export.gaps.isEmpty else { return }
        let lines = export.gaps.map { "\(program):\($0.line): \($0.name) is left out: \($0.reason) has no counterpart" }
        throw CommandFailure(.failed, lines.joined(separator: "\n"))
    }
}
