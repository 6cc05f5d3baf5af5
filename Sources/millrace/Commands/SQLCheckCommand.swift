/// `millrace sql check`: says what is wrong with a program, without running it.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

struct SQLCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Say what is wrong with a program, each error at its place.",
        discussion: """
            The columns of its input come from --schema, an InputSchema as JSON, or are guessed from the records of --source. Prints the \
            streams that the program makes. Exit status 2 when the program is refused.
            """)
    @Argument(help: "The program's file.") var program: String
    @OptionGroup var input: ProgramInput

    func run() async throws {
        let code = try ProgramText.read(program)
        let checked = try await input.program(code, file: program, seed: 0)
        for stream in checked.streams where stream.name != Dataflow.errorStream.name {
            StandardOutput.line("\(stream.name) (\(stream.columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")))")
        }
    }
}

/// Where a program's input columns come from.
struct ProgramInput: ParsableArguments {
    @Option(help: "The stream whose records are read.") var source: String?
    @Option(help: "An InputSchema as a JSON file (default: guessed from the records of --source).") var schema: String?
    @Option(help: "What the program calls its input, without _001.") var prefix = "SOURCE_SQL_STREAM"
    @OptionGroup var references: ReferenceOptions
    @OptionGroup var server: ServerOptions

    /// The program at its start.
    /// - Parameter start: what CURRENT_TIMESTAMP gives, milliseconds since 1970-01-01 UTC; nil for now.
    /// - Throws: `CommandFailure`, with every error of the program at its place.
    func program(_ code: String, file: String, seed: UInt64, at start: Int64? = nil) async throws -> LiveProgram {
        let schema = try await inputSchema()
        let tables = try references.tables()
        do throws(LiveProgram.Refusal) {
            return try LiveProgram(
                code, schema: schema, namePrefix: prefix, tables: tables, seed: seed,
                queryStart: start ?? LiveRun.wallMilliseconds())
        } catch .program(let errors) {
            throw CommandFailure(.programRefused, "\(file) was refused:\n\(ProgramText.shown(errors, in: code))")
        } catch .schema(let reason) {
            throw CommandFailure(.failed, reason)
        }
    }

    private func inputSchema() async throws -> InputSchema {
        let json: Data
        if let schema {
            guard let contents = FileManager.default.contents(atPath: schema) else {
                throw CommandFailure(.failed, "\(schema): cannot be read")
            }
            json = contents
        } else if let source {
            json = try await SQLDiscoverCommand.discover(source, from: "TRIM_HORIZON", server.client).schema
        } else {
            throw CommandFailure(.usage, "Give --schema or --source.")
        }
        do {
            return try JSONDecoder().decode(InputSchema.self, from: json)
        } catch {
            throw CommandFailure(.failed, "\(schema ?? ""): is no InputSchema: \(error)")
        }
    }
}

/// Programs as files, and errors as people read them.
enum ProgramText {
    static func read(_ path: String) throws(CommandFailure) -> String {
        guard let code = FileManager.default.contents(atPath: path).flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw CommandFailure(.failed, "\(path): cannot be read as UTF-8 text")
        }
        return code
    }

    /// Each error with its line of the program and a caret below the place.
    static func shown(_ errors: [SQLError], in code: String) -> String {
        let lines = code.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return errors.map { error in
            guard lines.indices.contains(error.position.line - 1) else { return error.description }
            let line = lines[error.position.line - 1]
            // Tabs stay tabs, so that the caret is below its character however wide they are.
            let before = line.prefix(max(0, error.position.column - 1)).map { $0 == "\t" ? "\t" : " " }
            return "\(error)\n    \(line)\n    \(before.joined())^"
        }.joined(separator: "\n")
    }
}
