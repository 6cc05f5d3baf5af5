/// How verbs print what they found: a table for people, JSON, NDJSON or CSV for programs.

import ArgumentParser
import Foundation

/// The `--output` option of every verb that lists.
enum ListFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json, ndjson, csv
}

/// The `--output` option of every verb that describes one thing.
enum DocumentFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, json
}

/// The options of a command that works through many bytes and ends with one result.
struct ScanOptions: ParsableArguments {
    @Option(help: "Text for people or JSON for programs.") var output = DocumentFormat.table
    @Flag(help: "No progress bar.") var quiet = false
}

/// Something that can be a line of a list.
protocol Listable: Encodable {
    /// Column titles.
    static var columns: [String] { get }
    /// One text a column.
    var cells: [String] { get }
}

enum ListPrinter {
    /// Prints rows on standard output.
    static func print<Row: Listable>(_ rows: [Row], as format: ListFormat) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        switch format {
        case .json:
            encoder.outputFormatting.insert(.prettyPrinted)
            Swift.print(String(decoding: try encoder.encode(rows), as: UTF8.self))
        case .ndjson:
            for row in rows { Swift.print(String(decoding: try encoder.encode(row), as: UTF8.self)) }
        case .csv:
            for cells in [Row.columns] + rows.map(\.cells) { Swift.print(cells.map(quoted).joined(separator: ",")) }
        case .table:
            let lines = [Row.columns] + rows.map(\.cells)
            let widths = Row.columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
            for line in lines {
                let padded = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                var text = padded.joined(separator: "  ")
                while text.last == " " { text.removeLast() }
                Swift.print(text)
            }
        }
    }

    /// A CSV field.
    static func quoted(_ cell: String) -> String {
        cell.contains(where: { ",\"\n\r".contains($0) }) ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
    }
}
