/// OVERLAY(text PLACING new FROM position FOR count): replaces `count` characters, or as many as the new text has.
extension ScalarFunction {
    static let overlay = ScalarFunction(
        "OVERLAY", [.text, .text, .wholeNumber, .wholeNumber], optional: 1,
        returns: { .varchar(min(65_535, ($0[0].length ?? 0) + ($0[1].length ?? 0))) },
        example: (sql: "OVERLAY('12345' PLACING 'foo' FROM -2)", gives: "foo12345")
    ) { columns, type, context in
        let (texts, replacements) = (columns[0].byteColumn, columns[1].byteColumn)
        let starts = columns[2].integers
        let counts = columns.count > 3 ? columns[3].integers : nil
        return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
            let text = Array(texts.bytes[texts.range(row)])
            let new = Array(replacements.bytes[replacements.range(row)])
            let count = counts?[row] ?? Int64(new.withUnsafeBytes { $0.scalarCount })
            guard count >= 0 else { throw .argument("OVERLAY needs a count of at least 0.") }
            let start = starts[row]
            let result = text.withUnsafeBytes { text in
                let head = text.scalars(from: 1, count: start.subtractingReportingOverflow(1).partialValue)
                let (next, overflow) = start.addingReportingOverflow(count)
                return Array(head) + new + Array(text.scalars(from: overflow ? .max : max(1, next), count: .max))
            }
            builder.append(bytes: result)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// At most `count` characters from the `from`-th on, counted from 1. A start before the first uses up characters of the count.
    func scalars(from: Int64, count limit: Int64) -> UnsafeRawBufferPointer {
        guard limit > 0 else { return UnsafeRawBufferPointer(rebasing: self[0..<0]) }
        let (end, overflow) = from.addingReportingOverflow(limit)
        let first = Swift.max(0, from.subtractingReportingOverflow(1).partialValue)
        guard from <= Int64(count) else { return UnsafeRawBufferPointer(rebasing: self[0..<0]) }
        let last = overflow ? Int64.max : Swift.max(first, end - 1)
        var index = 0
        var scalar: Int64 = 0
        while scalar < first && index < count {
            index = nextScalar(after: index)
            scalar += 1
        }
        let start = index
        if last >= Int64(count) { return UnsafeRawBufferPointer(rebasing: self[start...]) }
        while scalar < last && index < count {
            index = nextScalar(after: index)
            scalar += 1
        }
        return UnsafeRawBufferPointer(rebasing: self[start..<index])
    }
}
