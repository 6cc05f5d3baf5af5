/// Rows → JSON objects or CSV lines.

/// Writes rows of one schema as text. A value without state.
public struct RowEncoder: Sendable {
    public enum Format: Sendable, Hashable {
        /// An object a row: the columns' stored names in the order of declaration, no line end.
        case json
        /// A line a row, with its delimiter at the end. Fields are quoted when they hold a delimiter, a quote or a line end; NULL is nothing.
        case csv
    }

    private enum Plan: Sendable {
        /// What stands before each value.
        case json(prefixes: [[UInt8]])
        case csv(column: [UInt8], row: [UInt8])
    }
    private let plan: Plan
    private static let fewRows = 8
    private static let usualPieceBytes = 256 << 10

    public init(columns: [ColumnDefinition], format: Format, columnDelimiter: String = ",", rowDelimiter: String = "\n") {
        switch format {
        case .json:
            plan = .json(
                prefixes: columns.enumerated().map { index, column in
                    var prefix: [UInt8] = [index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ",")]
                    JSONText.append(string: Array(column.name.utf8), to: &prefix)
                    return prefix + [UInt8(ascii: ":")]
                })
        case .csv: plan = .csv(column: Array(columnDelimiter.utf8), row: Array(rowDelimiter.utf8))
        }
    }

    /// Appends the rows of a batch; row `i` ends at the i-th of the positions added to `ends`.
    public func encode(_ batch: ColumnBatch, into output: inout [UInt8], ends: inout [Int]) {
        encode(batch, pieceBytes: Self.usualPieceBytes) { bytes, pieceEnds in
            let start = output.count
            output.append(contentsOf: bytes)
            for end in pieceEnds { ends.append(start + end) }
        }
    }

    /// Hands out the rows of a batch in pieces of about `pieceBytes`: their texts one after the other, and where each ends.
    public func encode(_ batch: ColumnBatch, pieceBytes: Int, _ piece: (_ bytes: [UInt8], _ ends: [Int]) -> Void) {
        // Making columns ready pays from a few rows on.
        if case .json(let prefixes) = plan, !prefixes.isEmpty, batch.count >= Self.fewRows {
            return JSONRows(batch, prefixes: prefixes).write(pieceBytes: pieceBytes, piece)
        }
        var row = 0
        while row < batch.count {
            var (bytes, ends) = ([UInt8](), [Int]())
            while row < batch.count, bytes.count < pieceBytes {
                encodeRow(row, of: batch, into: &bytes)
                ends.append(bytes.count)
                row += 1
            }
            piece(bytes, ends)
        }
    }

    /// Appends one row.
    public func encodeRow(_ row: Int, of batch: ColumnBatch, into output: inout [UInt8]) {
        switch plan {
        case .json(let prefixes):
            if prefixes.isEmpty { output.append(UInt8(ascii: "{")) }
            for (index, prefix) in prefixes.enumerated() {
                output.append(contentsOf: prefix)
                JSONText.append(batch.columns[index], row, to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .csv(let columnDelimiter, let rowDelimiter):
            for index in batch.columns.indices {
                if index > 0 { output.append(contentsOf: columnDelimiter) }
                CSVText.append(batch.columns[index], row, columnDelimiter, rowDelimiter, to: &output)
            }
            output.append(contentsOf: rowDelimiter)
        }
    }
}
