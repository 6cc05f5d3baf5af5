/// SUBSTRING(text FROM position FOR count): characters of text or bytes of a binary. SUBSTRING(text FROM 'regex'): the first match.
extension ScalarFunction {
    static let substring = ScalarFunction(
        name: "SUBSTRING", example: (sql: "SUBSTRING('123456789' FROM -1 FOR 4)", gives: "12"),
        resolve: { types throws(SignatureError) in
            if types.count == 2, types[1].isCharacter {
                let widened = try check(types, [.text, .text], optional: 0)
                return Signature(widened, returns: .varchar(widened[0].length ?? 1))
            }
            let kind = ParameterKind("a character string or a binary", takes: { $0.isCharacter || $0.isBinary }) {
                $0 == .null ? .varchar(1) : $0
            }
            let widened = try check(types, [kind, .wholeNumber, .wholeNumber], optional: 1)
            let length = widened[0].length ?? 1
            return Signature(widened, returns: widened[0].isBinary ? .varbinary(length) : .varchar(length))
        },
        evaluate: { columns, type, context in
            columns[1].type.isCharacter ? firstMatches(columns, type, &context) : evaluateSubstring(columns, type, &context)
        })
}

private func firstMatches(_ columns: [Column], _ type: SQLType, _ context: inout EvaluationContext) -> Column {
    let (texts, patterns) = (columns[0].byteColumn, columns[1].byteColumn)
    var cache = RegularExpressionCache()
    return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
        let pattern = try cache.pattern(patterns, row)
        let range = texts.range(row)
        texts.bytes.withUnsafeBytes { bytes in
            let text = UnsafeRawBufferPointer(rebasing: bytes[range])
            if let match = pattern.firstMatch(in: text), let start = match[0], let end = match[1] {
                builder.append(bytes: UnsafeRawBufferPointer(rebasing: text[start..<end]))
            } else {
                builder.appendNull()
            }
        }
    }
}

private func evaluateSubstring(_ columns: [Column], _ type: SQLType, _ context: inout EvaluationContext) -> Column {
    let texts = columns[0].byteColumn
    let isBinary = columns[0].type.isBinary
    let starts = columns[1].integers
    let counts = columns.count > 2 ? columns[2].integers : nil
    return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
        let count = counts?[row] ?? .max
        guard count >= 0 else { throw .argument("SUBSTRING needs a count of at least 0.") }
        // Without a count the text's end is the end, wherever it starts.
        let start = counts == nil ? max(1, starts[row]) : starts[row]
        let range = texts.range(row)
        texts.bytes.withUnsafeBytes { bytes in
            let text = UnsafeRawBufferPointer(rebasing: bytes[range])
            builder.append(bytes: isBinary ? text.bytes(from: start, count: count) : text.scalars(from: start, count: count))
        }
    }
}

extension UnsafeRawBufferPointer {
    /// At most `count` bytes from the `from`-th on, counted from 1.
    fileprivate func bytes(from: Int64, count limit: Int64) -> UnsafeRawBufferPointer {
        let (end, overflow) = from.addingReportingOverflow(limit)
        let first = Swift.min(Int64(count), Swift.max(0, from.subtractingReportingOverflow(1).partialValue))
        let last = Swift.max(first, Swift.min(Int64(count), overflow ? .max : Swift.max(1, end) - 1))
        return UnsafeRawBufferPointer(rebasing: self[Int(first)..<Int(last)])
    }
}
