/// Reference tables from plain files: `--reference NAME=FILE`.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

struct ReferenceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A reference table: its name as the program has it in double quotes, and a file of JSON objects or CSV lines. May be repeated.",
            valueName: "NAME=FILE"))
    var reference: [String] = []
    @Option(
        help: ArgumentHelp(
            "The table's schema, an InputSchema as a JSON file (default: guessed from its first lines). May be repeated.",
            valueName: "NAME=FILE"))
    var referenceSchema: [String] = []

    /// How much of a file is looked at to guess its schema, in bytes.
    private static let sampleBytes = 1 << 20

    /// The tables with the contents of their files.
    func tables() throws -> [LiveProgram.Table] {
        let schemas = try referenceSchema.map { try Self.parts($0, "--reference-schema") }
        let tables = try reference.map { try Self.parts($0, "--reference") }
        for (name, _) in schemas where !tables.contains(where: { $0.name == name }) {
            throw ValidationError("--reference-schema \(name)=... has no --reference \(name)=... beside it.")
        }
        return try tables.map { name, path in
            let contents = try Self.contents(path)
            let schema: InputSchema
            if let (_, file) = schemas.first(where: { $0.name == name }) {
                do {
                    schema = try JSONDecoder().decode(InputSchema.self, from: Data(try Self.contents(file)))
                } catch let failure as CommandFailure {
                    throw failure
                } catch {
                    throw CommandFailure(.failed, "\(file): is no InputSchema: \(error)")
                }
            } else {
                schema = try Self.guess(contents, path)
            }
            return LiveProgram.Table(name: name, schema: schema, contents: contents)
        }
    }

    private static func parts(_ text: String, _ option: String) throws -> (name: String, path: String) {
        guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
            throw ValidationError("\(option) takes NAME=FILE, not '\(text)'.")
        }
        return (String(text[..<sign]), String(text[text.index(after: sign)...]))
    }

    private static func contents(_ path: String) throws(CommandFailure) -> [UInt8] {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failed, "\(path): cannot be read")
        }
        guard contents.count <= ReferenceRows.largestFile else {
            throw CommandFailure(
                .failed, "\(path): has \(contents.count) bytes; reference data has at most \(ReferenceRows.largestFile)")
        }
        return Array(contents)
    }

    private static func guess(_ contents: [UInt8], _ path: String) throws(CommandFailure) -> InputSchema {
        let lines = contents.prefix(sampleBytes).split(separator: UInt8(ascii: "\n"))
        // The last one may be cut.
        let whole = contents.count > sampleBytes ? lines.dropLast() : lines[...]
        do throws(InferredSchema.Failure) {
            return try InferredSchema(of: whole.map(Array.init)).schema
        } catch {
            throw CommandFailure(.failed, "\(path): the form of its lines cannot be told; give --reference-schema")
        }
    }
}
