/// Rows of a batch as JSON objects, written from the columns' own memory into pieces of output.

import CInstructions

/// Writes the rows of one batch. Numbers and texts are written where they stand; other columns are made ready as texts first.
struct JSONRows {
    private enum Kind {
        /// Written digit by digit.
        case integers, doubles
        /// Between quotes, escaped where that is needed.
        case texts
        /// Texts that stand ready.
        case ready
    }

    /// A column's memory, as long as it is lent.
    private struct Cells {
        var kind = Kind.ready
        var nulls: UnsafePointer<Bool>?
        /// Integers, or the bits of doubles.
        var words: UnsafePointer<UInt64>?
        /// Of texts: where they lie, each row's own or, by its code, one of several rows.
        var bytes: UnsafePointer<UInt8>?
        var byteCount = 0
        var ends: UnsafePointer<Int>?
        var codes: UnsafePointer<UInt32>?

        /// Where the text of a row lies.
        @inline(__always)
        func range(_ row: Int) -> (start: Int, length: Int) {
            guard let ends else { return (0, 0) }
            let index = codes.map { Int($0[row]) } ?? row
            let start = index == 0 ? 0 : ends[index &- 1]
            return (start, ends[index] &- start)
        }
    }

    private let batch: ColumnBatch
    /// What stands before each column's value, and room to read 16 bytes more.
    private let prefixes: [UInt8]
    private let prefixLengths: [Int]
    private let prefixStride: Int
    /// What a row takes at most, beside its texts, and more than is written beyond its end.
    private let fixedBytes: Int

    init(_ batch: ColumnBatch, prefixes: [[UInt8]]) {
        self.batch = batch
        let stride = (prefixes.map(\.count).max() ?? 0) + 16
        prefixLengths = prefixes.map(\.count)
        prefixStride = stride
        self.prefixes = prefixes.flatMap { $0 + [UInt8](repeating: 0, count: stride - $0.count) }
        fixedBytes = 32 + prefixes.reduce(0) { $0 + $1.count + NumberText.longest + 2 }
    }

    /// Hands out all rows in pieces of about `pieceBytes`: the texts one after the other, and where each ends.
    func write(pieceBytes: Int, _ piece: (_ bytes: [UInt8], _ ends: [Int]) -> Void) {
        withCells(from: 0, []) { cells in
            cells.withUnsafeBufferPointer { cells in
                prefixes.withUnsafeBufferPointer { prefixes in
                    writePieces(Columns(cells: cells, prefixes: prefixes), pieceBytes, piece)
                }
            }
        }
    }

    private struct Columns {
        var cells: UnsafeBufferPointer<Cells>
        var prefixes: UnsafeBufferPointer<UInt8>
    }

    private func writePieces(_ columns: Columns, _ pieceBytes: Int, _ piece: ([UInt8], [Int]) -> Void) {
        var row = 0
        // What is left over at a piece's end is never moved, so that a guess will do.
        var rowBytes = fixedBytes + columns.cells.reduce(0) { $0 + ($1.words == nil ? 24 : 0) }
        while row < batch.count {
            let size = min(pieceBytes, rowBytes * (batch.count - row)) + fixedBytes
            var ends: [Int] = []
            ends.reserveCapacity(min(batch.count - row, size / rowBytes * 2))
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, length in
                guard let start = buffer.baseAddress else { return }
                var position = start
                while row < batch.count, let end = write(row, columns, to: position, limit: start + size) {
                    ends.append(end - start)
                    position = end
                    row += 1
                }
                length = position - start
            }
            if ends.isEmpty {
                // A row that is longer than a piece.
                rowBytes = rowBytes * 2 + longest(row, columns)
                if rowBytes > pieceBytes { writeAlone(row, columns, piece) } else { continue }
                row += 1
            } else {
                rowBytes = bytes.count / ends.count + 1
                piece(bytes, ends)
            }
        }
    }

    private func writeAlone(_ row: Int, _ columns: Columns, _ piece: ([UInt8], [Int]) -> Void) {
        let size = longest(row, columns)
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, length in
            guard let start = buffer.baseAddress, let end = write(row, columns, to: start, limit: start + size) else { return }
            length = end - start
        }
        piece(bytes, [bytes.count])
    }

    /// What a row takes at most.
    private func longest(_ row: Int, _ columns: Columns) -> Int {
        columns.cells.reduce(2 * fixedBytes) { $0 + 6 * $1.range(row).length }
    }

    /// - Returns: where the row ends; nil when there may not be room for it.
    @inline(__always)
    private func write(
        _ row: Int, _ columns: Columns, to start: UnsafeMutablePointer<UInt8>, limit: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8>? {
        guard limit - start >= fixedBytes, var prefix = columns.prefixes.baseAddress else { return nil }
        var position = start
        for index in columns.cells.indices {
            let cells = columns.cells[index]
            let length = prefixLengths[index]
            copy_padded(position, prefix, length)
            prefix += prefixStride
            position += length
            if let nulls = cells.nulls, nulls[row] {
                Self.writeNull(to: &position)
                continue
            }
            switch cells.kind {
            case .integers:
                if let words = cells.words { position += NumberText.write(Int64(bitPattern: words[row]), to: position) }
            case .doubles:
                guard let words = cells.words else { continue }
                let value = Double(bitPattern: words[row])
                // JSON has no infinity; the arithmetic here gives none either.
                if value.isFinite { position += NumberText.write(value, to: position) } else { Self.writeNull(to: &position) }
            case .texts, .ready:
                guard Self.writeText(row, cells, to: &position, room: limit - position - fixedBytes) else { return nil }
            }
        }
        position[0] = UInt8(ascii: "}")
        return position + 1
    }

    private static func writeNull(to position: inout UnsafeMutablePointer<UInt8>) {
        for (place, byte) in "null".utf8.enumerated() { position[place] = byte }
        position += 4
    }

    /// - Returns: false when the text may need more than `room`.
    @inline(__always)
    private static func writeText(_ row: Int, _ cells: Cells, to position: inout UnsafeMutablePointer<UInt8>, room: Int) -> Bool {
        let (start, length) = cells.range(row)
        guard length <= room else { return false }
        guard let text = cells.bytes else {
            if cells.kind == .texts { writeQuotes(to: &position) }
            return true
        }
        if cells.kind == .ready {
            position.update(from: text + start, count: length)
            position += length
            return true
        }
        position[0] = quote
        if copy_unescaped(position + 1, text + start, length, cells.byteCount &- start) {
            position[length + 1] = quote
            position += length + 2
            return true
        }
        guard 6 * length <= room else { return false }
        var escaped: [UInt8] = []
        JSONText.append(string: UnsafeRawBufferPointer(start: text + start, count: length), to: &escaped)
        escaped.withUnsafeBufferPointer { escaped in
            if let first = escaped.baseAddress { position.update(from: first, count: escaped.count) }
        }
        position += escaped.count
        return true
    }

    private static func writeQuotes(to position: inout UnsafeMutablePointer<UInt8>) {
        position[0] = quote
        position[1] = quote
        position += 2
    }

    private static let quote = UInt8(ascii: "\"")

    // MARK: Lending the columns

    /// Lends the memory of the columns from one on, behind that of those before it.
    private func withCells(from index: Int, _ earlier: [Cells], _ body: ([Cells]) -> Void) {
        guard index < prefixLengths.count else { return body(earlier) }
        let column = batch.columns[index]
        switch column.stored {
        case .integers where column.type.isPlainInteger:
            lend(column.integers, .integers, column.nulls) { withCells(from: index + 1, earlier + [$0], body) }
        case .doubles where column.type != .real:
            lend(column.doubles, .doubles, column.nulls) { withCells(from: index + 1, earlier + [$0], body) }
        case .bytes where !column.type.isBinary:
            let texts = column.byteColumn
            lend(texts.bytes, texts.ends, texts.codes, .texts, column.nulls) { withCells(from: index + 1, earlier + [$0], body) }
        default:
            let ready = Self.ready(column)
            lend(ready.bytes, ready.ends, ready.codes, .ready, nil) { withCells(from: index + 1, earlier + [$0], body) }
        }
    }

    private func lend<Value: BitwiseCopyable>(_ values: [Value], _ kind: Kind, _ nulls: [Bool]?, _ body: (Cells) -> Void) {
        values.withUnsafeBytes { words in
            (nulls ?? []).withUnsafeBufferPointer { flags in
                body(
                    Cells(
                        kind: kind, nulls: nulls == nil ? nil : flags.baseAddress,
                        words: words.baseAddress?.assumingMemoryBound(to: UInt64.self)))
            }
        }
    }

    private func lend(
        _ bytes: [UInt8], _ ends: [Int], _ codes: [UInt32]?, _ kind: Kind, _ nulls: [Bool]?, _ body: (Cells) -> Void
    ) {
        bytes.withUnsafeBufferPointer { bytes in
            ends.withUnsafeBufferPointer { ends in
                (codes ?? []).withUnsafeBufferPointer { numbers in
                    (nulls ?? []).withUnsafeBufferPointer { flags in
                        body(
                            Cells(
                                kind: kind, nulls: nulls == nil ? nil : flags.baseAddress, bytes: bytes.baseAddress,
                                byteCount: bytes.count, ends: ends.baseAddress, codes: codes == nil ? nil : numbers.baseAddress))
                    }
                }
            }
        }
    }

    /// The texts of a column, each once where it comes again in the next row: all rows of a window have one datetime.
    private static func ready(_ column: Column) -> (bytes: [UInt8], ends: [Int], codes: [UInt32]) {
        var (bytes, ends, codes) = ([UInt8](), [Int](), [UInt32]())
        codes.reserveCapacity(column.count)
        let texts = column.runs
        column.forEachRun { rows, place in
            if place == 0 || !texts.isSameInteger(place, place - 1) {
                JSONText.append(texts, place, to: &bytes)
                ends.append(bytes.count)
            }
            codes.append(contentsOf: repeatElement(UInt32(truncatingIfNeeded: ends.count - 1), count: rows.count))
        }
        return (bytes, ends, codes)
    }
}

extension Column {
    /// Whether two rows have the same integer.
    fileprivate func isSameInteger(_ row: Int, _ other: Int) -> Bool {
        guard case .integers(let values) = stored, storedNulls == nil else { return false }
        return values[row] == values[other]
    }
}

extension SQLType {
    /// An exact number without digits after the point.
    fileprivate var isPlainInteger: Bool { isExactNumeric && exactDigits?.scale ?? 0 == 0 }
}
