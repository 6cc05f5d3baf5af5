/// `millrace query`: a SELECT over what streams hold, its rows on standard output.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

/// The `--output` option of a query.
enum QueryOutput: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, csv, ndjson
    fileprivate var rows: QueryRowFormat { self == .csv ? .csv : self == .ndjson ? .ndjson : .cells }
}

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Ask streams with SQL: a SELECT over all the records that they hold.",
        discussion: """
            FROM names streams (and delivery streams). Standard SQL: WHERE, GROUP BY, HAVING, ORDER BY with NULLS FIRST or LAST, LIMIT and OFFSET, \
            DISTINCT, joins, UNION, EXCEPT, INTERSECT, WITH, VALUES, subqueries. Names without quotes are found whatever their case. ROWTIME is the \
            time at which a record arrived.

            The columns of a stream are guessed from its first records, as `millrace sql discover` does, or given by --schema. It works in the \
            server and takes as much memory as `application-state-bytes` allows.

            Exit status: 0 all rows were given, 1 some rows failed or the query did, 2 the query was refused.
            """)
    @Argument(help: "The query; - reads it from standard input.") var query: String
    @Option(help: "Only records that arrived from then on: 10m (s, m, h, d) ago, 2026-11-30T10:00:00Z, or seconds since 1970.")
    var from: String?
    @Option(help: "Only records that arrived before then.") var to: String?
    @Option(help: "A table for people, csv, or ndjson.") var output = QueryOutput.table
    @Option(
        help: ArgumentHelp(
            "The schema of a stream: its name and an InputSchema as a JSON file. May be repeated.", valueName: "STREAM=FILE"))
    var schema: [String] = []
    @Flag(help: "Show how it would be worked out instead of doing it.") var explain = false
    @Flag(help: "No progress bar.") var quiet = false
    @OptionGroup var server: ServerOptions

    private struct Request: Encodable {
        struct Schema: Encodable {
            var Stream: String
            var InputSchema: InputSchema
        }
        var Text: String
        var From: Double?
        var To: Double?
        var Format: String
        var Explain: String?
        var Schemas: [Schema]?
    }

    func validate() throws {
        _ = try Self.time(from, "--from")
        _ = try Self.time(to, "--to")
        for text in schema where !text.contains("=") { throw ValidationError("--schema takes STREAM=FILE, not '\(text)'.") }
    }

    func run() async throws {
        let text = query == "-" ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) : query
        var printer = QueryPrinter(output, explains: explain)
        var bar = ProgressBar(quiet: quiet)
        var end: QueryFrame.End?
        var bytes: [UInt8] = []
        let request = Request(
            Text: text, From: try Self.time(from, "--from"), To: try Self.time(to, "--to"), Format: output.rows.rawValue,
            Explain: explain ? "true" : nil, Schemas: try schemas())
        do {
            try await server.client.stream("Millrace_20261130.Query", try JSONEncoder().encode(request)) { piece in
                bytes += piece
                while let frame = try QueryFrame.take(from: &bytes) {
                    if case .progress(let progress) = frame {
                        bar.update(bytes: UInt64(clamping: progress.bytes))
                    } else {
                        bar.clear()
                    }
                    if case .end(let reached) = frame { end = reached }
                    try printer.print(frame)
                }
            }
        } catch let refusal as ServiceClient.Refusal where refusal.name == "CodeValidationException" {
            throw CommandFailure(.programRefused, Self.shown(refusal.message, in: text))
        } catch {
            bar.clear()
            throw ServiceClient.failure(error)
        }
        bar.clear()
        printer.finish()
        guard !explain else { return }
        guard let end else { throw CommandFailure(.failed, "The server ended its answer early.") }
        if end.failures > 0 {
            throw CommandFailure(
                .failed, "\(end.failures) records or rows failed and are not in the result; the first: \(end.first ?? "unknown")")
        }
    }

    /// Each error with its line of the query and a caret below the place.
    private static func shown(_ message: String, in text: String) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return message.split(separator: "\n").map { error in
            let parts = error.split(separator: ":", maxSplits: 2)
            guard parts.count == 3, let line = Int(parts[0]), let column = Int(parts[1]), lines.indices.contains(line - 1)
            else { return String(error) }
            return "\(error)\n    \(lines[line - 1])\n    \(String(repeating: " ", count: max(0, column - 1)))^"
        }.joined(separator: "\n")
    }

    private func schemas() throws -> [Request.Schema]? {
        guard !schema.isEmpty else { return nil }
        return try schema.map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let contents = FileManager.default.contents(atPath: String(parts[1])) else {
                throw CommandFailure(.failed, "\(text): the file cannot be read")
            }
            do {
                return Request.Schema(
                    Stream: String(parts[0]), InputSchema: try JSONDecoder().decode(InputSchema.self, from: contents))
            } catch {
                throw CommandFailure(.failed, "\(parts[1]): is no InputSchema: \(error)")
            }
        }
    }

    /// Seconds since 1970.
    private static func time(_ text: String?, _ option: String) throws -> Double? {
        guard let text else { return nil }
        if let match = text.wholeMatch(of: /([0-9]{1,9})([smhd])/), let amount = Double(match.1) {
            return Date().timeIntervalSince1970 - amount * (["s": 1, "m": 60, "h": 3600, "d": 86_400][match.2] ?? 1)
        }
        if let seconds = Double(text), seconds.isFinite { return seconds }
        let withFractions = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        if let date = (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: withFractions)) {
            return date.timeIntervalSince1970
        }
        throw ValidationError(
            "\(option) takes an age such as 10m, a time such as 2026-11-30T10:00:00Z, or seconds since 1970, not '\(text)'.")
    }
}

/// Prints the frames of an answer.
struct QueryPrinter {
    private static let mostWidth = 60
    /// So many rows are looked at before a table is laid out.
    private static let sampleRows = 1_000

    private let output: QueryOutput
    private let explains: Bool
    private var names: [String] = []
    private var isNumber: [Bool] = []
    private var widths: [Int] = []
    private var held: [[String]] = []
    private var count = 0

    init(_ output: QueryOutput, explains: Bool) {
        self.output = output
        self.explains = explains
    }

    mutating func print(_ frame: QueryFrame) throws(CommandFailure) {
        switch frame {
        case .columns(let columns):
            names = columns.map(\.name)
            isNumber = columns.map { column in
                ["BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "REAL"].contains(column.type)
                    || column.type.hasPrefix("DECIMAL")
            }
            if output == .csv, !explains { StandardOutput.line(names.map(ListPrinter.quoted).joined(separator: ",")) }
        case .rows(let bytes): if output == .table { show(bytes) } else { StandardOutput.write(bytes) }
        case .failure(let text):
            guard explains else { throw CommandFailure(.failed, text) }
            StandardOutput.line(text)
        case .progress, .end: break
        }
    }

    private mutating func show(_ bytes: [UInt8]) {
        for row in bytes.split(separator: QueryRowFormat.rowEnd) {
            let cells = row.split(separator: QueryRowFormat.cellEnd, omittingEmptySubsequences: false).dropLast()
            held.append(cells.map { $0.first == QueryRowFormat.null ? "NULL" : String(decoding: $0, as: UTF8.self) })
        }
        count += held.count
        if widths.isEmpty, held.count < Self.sampleRows { return }
        layOut()
    }

    private mutating func layOut() {
        if widths.isEmpty {
            widths = names.indices.map { index in
                min(Self.mostWidth, held.reduce(names[index].count) { max($0, $1[index].count) })
            }
            StandardOutput.line(line(names))
            StandardOutput.line(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "))
        }
        for row in held { StandardOutput.line(line(row)) }
        held = []
    }

    private func line(_ cells: [String]) -> String {
        var text = cells.indices.map { index in
            let space = String(repeating: " ", count: max(0, widths[index] - cells[index].count))
            return isNumber[index] ? space + cells[index] : cells[index] + space
        }.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
    }

    mutating func finish() { if output == .table, !explains, !names.isEmpty { layOut() } }
}
