/// VARIABLE_COLUMN_LOG_PARSE(text, columns, delimiter [, escape [, quotes]]): fields between delimiters (SQL Reference, "VARIABLE_COLUMN_LOG_PARSE").
extension LogParserFunction {
    static let variableColumn = LogParserFunction(name: "VARIABLE_COLUMN_LOG_PARSE") { arguments throws(SignatureError) in
        try LogParsers.check(arguments, 2...4)
        let fields: [LogField]
        let shown: String
        switch arguments[0] {
        case .integer(let count)?:
            guard (1...Int64(LogParsers.mostFields)).contains(count) else {
                throw SignatureError("the number of columns must be between 1 and \(LogParsers.mostFields)", argument: 1)
            }
            (fields, shown) = (LogField.numbered(Int(count)), "\(count)")
        case .text(let text)?:
            (fields, shown) = (try LogColumn.list(text, argument: 1).map(\.field), text)
        default: throw SignatureError("the columns must be a number, or a list in single quotes", argument: 1)
        }
        let delimiter = try LogParsers.text(arguments, 1, "the delimiter")
        if delimiter.isEmpty { throw SignatureError("the delimiter is empty", argument: 2) }
        let escape = arguments.count > 2 ? try LogParsers.text(arguments, 2, "the escape") : ""
        let quotes = arguments.count > 3 ? Array(try LogParsers.text(arguments, 3, "the quotes").utf8) : []
        guard quotes.count <= 2 else { throw SignatureError("the quotes are one or two characters", argument: 4) }
        let splitter = VariableSplitter(
            delimiter: Array(delimiter.utf8), escape: Array(escape.utf8),
            quotes: quotes.first.map { ($0, quotes[quotes.count - 1]) })
        return LogParser("VARIABLE_COLUMN_LOG_PARSE \([shown, delimiter, escape, String(decoding: quotes, as: UTF8.self)])", fields)
        {
            splitter
        }
    }
}

private struct VariableSplitter: LogSplitter {
    let delimiter: [UInt8]
    let escape: [UInt8]
    /// What begins and ends a stretch in which delimiters do not count.
    let quotes: (begin: UInt8, end: UInt8)?

    /// Fields that are missing are NULL; what is behind the last one is passed over.
    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        var (start, index, field) = (0, 0, 0)
        var isQuoted = false
        while index < line.count {
            if line.has(escape, at: index), !escape.isEmpty {
                index = min(line.count, index + escape.count)
                if index < line.count { index = line.nextScalar(after: index) }
            } else if let quotes, isQuoted ? line[index] == quotes.end : line[index] == quotes.begin {
                isQuoted.toggle()
                index += 1
            } else if !isQuoted, line.has(delimiter, at: index) {
                fields[field] = start..<index
                field += 1
                index += delimiter.count
                start = index
                if field == fields.count { return true }
            } else {
                index += 1
            }
        }
        fields[field] = start..<line.count
        return true
    }

    /// Without escapes and quotes.
    func cleaned(_ field: UnsafeRawBufferPointer) -> [UInt8]? {
        if escape.isEmpty && quotes == nil { return nil }
        var bytes: [UInt8] = []
        var (index, isQuoted) = (0, false)
        while index < field.count {
            if !escape.isEmpty, field.has(escape, at: index), index + escape.count < field.count {
                index += escape.count
                let end = field.nextScalar(after: index)
                bytes += field[index..<end]
                index = end
            } else if let quotes, isQuoted ? field[index] == quotes.end : field[index] == quotes.begin {
                isQuoted.toggle()
                index += 1
            } else {
                bytes.append(field[index])
                index += 1
            }
        }
        return bytes
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes stand at a position.
    func has(_ bytes: [UInt8], at index: Int) -> Bool {
        guard count - index >= bytes.count else { return false }
        for offset in bytes.indices where self[index + offset] != bytes[offset] { return false }
        return true
    }
}
