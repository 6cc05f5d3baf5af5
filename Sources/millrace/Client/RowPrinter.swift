/// Prints rows of in-application streams as they come: a table for people, NDJSON or CSV for programs.

import ArgumentParser
import StreamEngine
import StreamSQL

/// The `--output` option of verbs that show rows as they come.
enum RowFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    case table, ndjson, csv
}

struct RowPrinter {
    private static let leastWidth = 8
    private static let mostWidth = 40

    private let format: RowFormat
    private let schemas: [String: StreamSchema]
    private let lines: RowLines
    /// Of which stream the last line was, so that a table says when another one's begins.
    private var last: String?
    private var widths: [String: [Int]] = [:]

    /// - Parameter schemas: of the streams whose rows are printed; others' are left out.
    init(_ format: RowFormat, _ schemas: [StreamSchema]) {
        self.format = format
        self.schemas = Dictionary(schemas.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        lines = RowLines(of: schemas)
    }

    /// Prints rows, at most `limit`.
    /// - Returns: how many.
    mutating func print(_ batch: ColumnBatch, of stream: String, atMost limit: Int) -> Int {
        guard let schema = schemas[stream] else { return 0 }
        let count = min(limit, batch.count)
        switch format {
        case .ndjson:
            var bytes: [UInt8] = []
            for row in 0..<count { lines.append(row, of: batch, in: stream, to: &bytes) }
            StandardOutput.write(bytes)
        case .csv: printCSV(batch, count, schema)
        case .table: printTable(batch, count, schema)
        }
        if count > 0 { last = stream }
        return count
    }

    private func printCSV(_ batch: ColumnBatch, _ count: Int, _ schema: StreamSchema) {
        let names = ["ROWTIME"] + schema.columns.map(\.name)
        if last == nil, count > 0 { StandardOutput.line(names.map(Self.quoted).joined(separator: ",")) }
        for row in 0..<count {
            StandardOutput.line(Self.cells(batch, row).map { $0.map(Self.quoted) ?? "" }.joined(separator: ","))
        }
    }

    private mutating func printTable(_ batch: ColumnBatch, _ count: Int, _ schema: StreamSchema) {
        let rows = (0..<count).map { Self.cells(batch, $0).map { $0 ?? "NULL" } }
        let names = ["ROWTIME"] + schema.columns.map(\.name)
        var widths = self.widths[schema.name] ?? names.map { max(Self.leastWidth, $0.count) }
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], min(cell.count, Self.mostWidth)) }
        }
        let hasChanged = last != schema.name || widths != self.widths[schema.name]
        self.widths[schema.name] = widths
        if count > 0, hasChanged { StandardOutput.line("\(schema.name):\n\(Self.padded(names, widths))") }
        for row in rows { StandardOutput.line(Self.padded(row, widths)) }
    }

    /// The row's time and its values; nil for NULL.
    private static func cells(_ batch: ColumnBatch, _ row: Int) -> [String?] {
        [batch.rowtime.text(row)] + batch.columns.map { $0.text(row) }
    }

    private static func padded(_ cells: [String], _ widths: [Int]) -> String {
        var text = zip(cells, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
    }

    /// NULL is nothing, so empty text is not.
    private static func quoted(_ cell: String) -> String { cell.isEmpty ? "\"\"" : ListPrinter.quoted(cell) }
}
