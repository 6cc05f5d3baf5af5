/// A sample of records that are lines of delimited fields: the delimiter, how many fields, and of what kinds.

/// What was found out of lines.
struct CSVSample {
    let schema: InputSchema

    private static let delimiters: [Character] = [",", "\t", "|", ";"]
    private static let mostColumns = 1_000

    /// - Returns: nil when the records are not text, or no delimiter cuts more than half of the lines into the same number of fields.
    init?(records: [[UInt8]]) {
        var (lines, isFirstAlone) = ([Substring](), false)
        for record in records {
            guard let text = String(validating: record, as: UTF8.self) else { return nil }
            let own = text.split(whereSeparator: \.isNewline)
            if lines.isEmpty { isFirstAlone = own.count == 1 }
            lines += own
        }
        guard !lines.isEmpty, let (delimiter, count) = Self.delimiter(of: lines) else { return nil }
        var rows = lines.map { Self.fields($0, delimiter) }.filter { $0.count == count }
        // A header in one record with rows would be a misfit that takes them with it.
        let names = isFirstAlone ? Self.takeHeader(&rows) : nil
        var (evidence, columns) = ([ValueEvidence](repeating: ValueEvidence(), count: count), ColumnNames())
        for row in rows { for (index, field) in row.enumerated() { evidence[index].note(field: Array(field.utf8)) } }
        schema = InputSchema(
            recordFormat: InputSchema.RecordFormat(
                recordFormatType: "CSV",
                mappingParameters: InputSchema.MappingParameters(
                    csv: InputSchema.CSVMappingParameters(recordRowDelimiter: "\n", recordColumnDelimiter: String(delimiter)))),
            recordColumns: evidence.enumerated().map { index, evidence in
                InputSchema.RecordColumn(name: columns.name(of: [names?[index] ?? "COL_\(index + 1)"]), sqlType: "\(evidence.type)")
            })
    }

    /// The delimiter that cuts the most lines alike, and into how many fields.
    private static func delimiter(of lines: [Substring]) -> (delimiter: Character, count: Int)? {
        var best: (delimiter: Character, count: Int, lines: Int)?
        for delimiter in delimiters {
            let counts = Dictionary(grouping: lines.lazy.map { fields($0, delimiter).count }, by: { $0 }).mapValues(\.count)
            // Of two numbers that are as frequent the greater, so that the answer does not hang on the order of a dictionary.
            guard let most = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }), (2...mostColumns).contains(most.key),
                most.value * 2 > lines.count, most.value > best?.lines ?? 0
            else { continue }
            best = (delimiter, most.key, most.value)
        }
        return best.map { ($0.delimiter, $0.count) }
    }

    /// The fields of a line; a delimiter between quotes is none.
    private static func fields(_ line: Substring, _ delimiter: Character) -> [String] {
        var (fields, field, isQuoted) = ([String](), "", false)
        for character in line {
            if character == "\"" {
                isQuoted.toggle()
            } else if character == delimiter, !isQuoted {
                fields.append(field)
                field = ""
            } else {
                field.append(character)
            }
        }
        return fields + [field]
    }

    /// Takes out the first line when it tells names: none of its fields is a number, and below one of them all are.
    private static func takeHeader(_ rows: inout [[String]]) -> [String]? {
        guard let first = rows.first, rows.count > 1, first.allSatisfy({ !$0.isEmpty && !isNumber($0) }),
            Set(first).count == first.count,
            first.indices.contains(where: { column in rows.dropFirst().allSatisfy { isNumber($0[column]) } })
        else { return nil }
        rows.removeFirst()
        return first
    }

    private static func isNumber(_ field: String) -> Bool {
        var evidence = ValueEvidence()
        evidence.note(field: Array(field.utf8))
        return evidence.isNumeric
    }
}
