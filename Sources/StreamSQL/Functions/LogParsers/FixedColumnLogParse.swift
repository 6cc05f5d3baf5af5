/// FIXED_COLUMN_LOG_PARSE(text, columns): fields by their positions, counted from 0 (SQL Reference, "FIXED_COLUMN_LOG_PARSE").
extension LogParserFunction {
    static let fixedColumn = LogParserFunction(name: "FIXED_COLUMN_LOG_PARSE") { arguments throws(SignatureError) in
        try LogParsers.check(arguments, 1...1)
        let text = try LogParsers.text(arguments, 0, "the list of columns")
        let columns = try LogColumn.list(text, argument: 1)
        for column in columns where column.start == nil {
            throw SignatureError("the column \(Identifiers.written(column.field.name)) has no START", argument: 1)
        }
        let places = columns.map { ($0.start ?? 0, $0.length) }
        return LogParser("FIXED_COLUMN_LOG_PARSE \(text)", columns.map(\.field)) { FixedSplitter(places: places) }
    }
}

private struct FixedSplitter: LogSplitter {
    let places: [(start: Int, length: Int?)]

    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        // Positions are of characters.
        let isPlain = line.allSatisfy { $0 < 0x80 }
        for (index, place) in places.enumerated() {
            let start = isPlain ? min(place.start, line.count) : line.offset(of: place.start, from: 0)
            if start == line.count { continue }
            var end = line.count
            if let length = place.length {
                end = isPlain ? min(start + length, line.count) : line.offset(of: length, from: start)
            }
            fields[index] = start..<end
        }
        return true
    }
}

extension UnsafeRawBufferPointer {
    /// Where the n-th character after a position begins, or the end.
    fileprivate func offset(of n: Int, from start: Int) -> Int {
        var (index, left) = (start, n)
        while left > 0, index < count {
            index = nextScalar(after: index)
            left -= 1
        }
        return index
    }
}
