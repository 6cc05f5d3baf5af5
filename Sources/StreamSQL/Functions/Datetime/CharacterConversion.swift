/// CHAR_TO_TIMESTAMP, CHAR_TO_DATE, CHAR_TO_TIME and TIMESTAMP_TO_CHAR, DATE_TO_CHAR, TIME_TO_CHAR: datetimes by a pattern of format letters.

enum CharacterConversion {
    static let functions: [ScalarFunction] = [
        parser(
            "CHAR_TO_TIMESTAMP", .timestamp,
            example: (sql: "CHAR_TO_TIMESTAMP('MMM dd, yyyy', 'March 7, 2010')", gives: "2010-03-07 00:00:00")
        ) { $0 },
        parser("CHAR_TO_DATE", .date, example: (sql: "CHAR_TO_DATE('dd/MM/yyyy', '29/02/2004')", gives: "2004-02-29")) {
            CivilTime.floorDivide($0, CivilTime.millisecondsPerDay)
        },
        parser("CHAR_TO_TIME", .time, example: (sql: "CHAR_TO_TIME('HH.mm', '21.45')", gives: "21:45:00")) {
            $0 - CivilTime.floorDivide($0, CivilTime.millisecondsPerDay) * CivilTime.millisecondsPerDay
        },
        writer(
            "TIMESTAMP_TO_CHAR", .timestamp, nullText: true,
            example: (
                sql: "TIMESTAMP_TO_CHAR('EEE, d MMM yyyy HH:mm', TIMESTAMP '2004-02-29 21:05:00')", gives: "Sun, 29 Feb 2004 21:05"
            )
        ) { $0 },
        writer("DATE_TO_CHAR", .date, example: (sql: "DATE_TO_CHAR('yy.DDD', DATE '2004-03-01')", gives: "04.061")) {
            $0 * CivilTime.millisecondsPerDay
        },
        writer("TIME_TO_CHAR", .time, example: (sql: "TIME_TO_CHAR('h:mm a', TIME '00:07:00')", gives: "12:07 AM")) { $0 },
    ]

    /// Text to a datetime; text that does not follow the pattern is a row error.
    private static func parser(
        _ name: String, _ type: SQLType, example: (sql: String, gives: String), _ result: @escaping @Sendable (Int64) -> Int64
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .text], returns: { _ in type }, example: example) { columns, type, context in
            var patterns = PatternCache()
            let (formats, texts) = (columns[0].byteColumn, columns[1].byteColumn)
            let start = CivilTime.date(CivilTime.floorDivide(context.queryStartMilliseconds, CivilTime.millisecondsPerDay)).year
            return Kernel.eachRow(columns, type, &context) { row, builder throws(RowFailure) in
                let pattern = try patterns.pattern(formats, row)
                let range = texts.range(row)
                let parsed = texts.bytes.withUnsafeBytes {
                    pattern.parse(UnsafeRawBufferPointer(rebasing: $0[range]), yearOfClock: start)
                }
                guard let parsed, SQLType.timestamp.integerRange.contains(parsed) else {
                    throw .conversion(
                        "'\(texts.text(row).prefix(200))' does not follow the format '\(formats.text(row).prefix(100))'.")
                }
                builder.append(result(parsed))
            }
        }
    }

    private static func writer(
        _ name: String, _ type: SQLType, nullText: Bool = false, example: (sql: String, gives: String),
        _ milliseconds: @escaping @Sendable (Int64) -> Int64
    ) -> ScalarFunction {
        let value = ParameterKind("a \(type)", takes: { $0 == type }, widen: { _ in type })
        return ScalarFunction(name, [.text, value], returns: { _ in .varchar(1024) }, example: example) {
            columns, result, context in
            var patterns = PatternCache()
            let formats = columns[0].byteColumn
            let values = columns[1].integers
            var text: [UInt8] = []
            return Kernel.eachRow([columns[0]], result, &context) { row, builder throws(RowFailure) in
                if columns[1].isNull(row) {
                    // As documented: TIMESTAMP_TO_CHAR of NULL is the word null.
                    if nullText { builder.append(bytes: "null".utf8) } else { builder.appendNull() }
                    return
                }
                text.removeAll(keepingCapacity: true)
                try patterns.pattern(formats, row).append(milliseconds(values[row]), to: &text)
                builder.append(bytes: text)
            }
        }
    }

    /// The pattern of the row before is mostly that of the row.
    private struct PatternCache {
        private var last: (text: ArraySlice<UInt8>, pattern: DatetimePattern)?

        mutating func pattern(_ formats: ByteColumn, _ row: Int) throws(RowFailure) -> DatetimePattern {
            let text = formats.bytes[formats.range(row)]
            if let last, last.text == text { return last.pattern }
            let pattern = try DatetimePattern(formats.text(row))
            last = (text, pattern)
            return pattern
        }
    }
}
