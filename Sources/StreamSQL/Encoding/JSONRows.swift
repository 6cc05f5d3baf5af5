/// Rows of a batch as JSON objects: each column is made ready once, then the rows are put together from memory to memory.

/// Columns ready to be written. It owns what the rows are put together from.
struct JSONRows: ~Copyable {
    private enum Kind {
        /// Written digit by digit.
        case integers, doubles
        /// Texts that stand ready, one a row.
        case ready
    }

    /// A column; its pointers are freed with the rows.
    private struct Cells {
        var kind: Kind
        var prefix: UnsafeMutablePointer<UInt8>
        var prefixLength: Int
        /// Integers, or the bits of doubles.
        var words: UnsafeMutablePointer<UInt64>
        /// Of the ready texts.
        var bytes: UnsafeMutablePointer<UInt8>
        var ends: UnsafeMutablePointer<Int>
    }

    /// Rows are put together here and appended to the output when it is full: it stays in the processor's cache.
    private static let scratchBytes = 32 << 10

    private let count: Int
    private let columnCount: Int
    private let cells: UnsafeMutablePointer<Cells>
    /// What a row takes at most, beside its ready texts.
    private let fixedBytes: Int

    /// - Parameter prefixes: what stands before each column's value.
    init(_ batch: ColumnBatch, prefixes: [[UInt8]]) {
        count = batch.count
        columnCount = prefixes.count
        cells = .allocate(capacity: prefixes.count)
        fixedBytes = 1 + prefixes.reduce(0) { $0 + $1.count + NumberText.longest }
        for (index, prefix) in prefixes.enumerated() {
            (cells + index).initialize(to: Self.cells(batch.columns[index], prefix))
        }
    }

    deinit {
        for index in 0..<columnCount {
            cells[index].prefix.deallocate()
            cells[index].words.deallocate()
            cells[index].bytes.deallocate()
            cells[index].ends.deallocate()
        }
        cells.deallocate()
    }

    private static func cells(_ column: Column, _ prefix: [UInt8]) -> Cells {
        var (words, bytes, ends): ([UInt64], [UInt8], [Int]) = ([], [], [])
        let kind: Kind
        switch column.values {
        case .integers(let values) where column.nulls == nil && column.type.isPlainInteger:
            kind = .integers
            words = values.map { UInt64(bitPattern: $0) }
        case .doubles(let values) where column.nulls == nil && column.type != .real && values.allSatisfy(\.isFinite):
            kind = .doubles
            words = values.map(\.bitPattern)
        case .integers(let values) where column.nulls == nil:
            // Datetimes mostly come again: all rows of a window have one.
            kind = .ready
            ends.reserveCapacity(values.count)
            var text: [UInt8] = []
            for row in values.indices {
                if row == 0 || values[row] != values[row - 1] {
                    text.removeAll(keepingCapacity: true)
                    JSONText.append(column, row, to: &text)
                }
                bytes.append(contentsOf: text)
                ends.append(bytes.count)
            }
        default:
            kind = .ready
            ends.reserveCapacity(column.count)
            for row in 0..<column.count {
                JSONText.append(column, row, to: &bytes)
                ends.append(bytes.count)
            }
        }
        return Cells(
            kind: kind, prefix: copy(prefix), prefixLength: prefix.count, words: copy(words), bytes: copy(bytes), ends: copy(ends))
    }

    private static func copy<Value: BitwiseCopyable>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let copy = UnsafeMutablePointer<Value>.allocate(capacity: values.count)
        _ = UnsafeMutableBufferPointer(start: copy, count: values.count).initialize(from: values)
        return copy
    }

    /// Appends the rows; row `i` ends at the i-th of the positions added to `ends`.
    func write(to output: inout [UInt8], ends: inout [Int]) {
        var capacity = Self.scratchBytes
        var scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        defer { scratch.deallocate() }
        var length = 0
        let start = output.count
        for row in 0..<count {
            let needed = fixedBytes + readyBytes(row)
            if length + needed > capacity {
                if row > 0, output.count == start {
                    Self.makeRoom(min(length / row * count, longest), in: &output)
                }
                output.append(contentsOf: UnsafeBufferPointer(start: scratch, count: length))
                length = 0
                if needed > capacity {
                    scratch.deallocate()
                    capacity = needed
                    scratch = .allocate(capacity: capacity)
                }
            }
            length += write(row, to: scratch + length)
            ends.append(output.count + length)
        }
        output.append(contentsOf: UnsafeBufferPointer(start: scratch, count: length))
    }

    /// Room for many rows at once, when the first of them have told how long they are: growing step by step would move them again and again.
    private static func makeRoom(_ bytes: Int, in output: inout [UInt8]) {
        let wanted = output.count + bytes + bytes / 16
        guard bytes > 1 << 20, output.capacity < wanted else { return }
        output.reserveCapacity(max(wanted, output.capacity * 2))
    }

    /// What all rows take at most.
    private var longest: Int {
        var bytes = fixedBytes * count
        for index in 0..<columnCount where cells[index].kind == .ready && count > 0 { bytes += cells[index].ends[count - 1] }
        return bytes
    }

    private func readyBytes(_ row: Int) -> Int {
        var bytes = 0
        for index in 0..<columnCount where cells[index].kind == .ready {
            bytes += cells[index].ends[row] - (row == 0 ? 0 : cells[index].ends[row - 1])
        }
        return bytes
    }

    private func write(_ row: Int, to output: UnsafeMutablePointer<UInt8>) -> Int {
        var position = output
        for index in 0..<columnCount {
            let cell = cells + index
            position.update(from: cell.pointee.prefix, count: cell.pointee.prefixLength)
            position += cell.pointee.prefixLength
            switch cell.pointee.kind {
            case .integers: position += NumberText.write(Int64(bitPattern: cell.pointee.words[row]), to: position)
            case .doubles: position += NumberText.write(Double(bitPattern: cell.pointee.words[row]), to: position)
            case .ready:
                let start = row == 0 ? 0 : cell.pointee.ends[row - 1]
                let length = cell.pointee.ends[row] - start
                position.update(from: cell.pointee.bytes + start, count: length)
                position += length
            }
        }
        position[0] = UInt8(ascii: "}")
        return position + 1 - output
    }
}

extension SQLType {
    /// An exact number without digits after the point.
    fileprivate var isPlainInteger: Bool { isExactNumeric && exactDigits?.scale ?? 0 == 0 }
}
