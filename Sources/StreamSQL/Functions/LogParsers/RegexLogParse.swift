/// REGEX_LOG_PARSE(text, pattern): a field for each group of a regular expression that the whole text matches (SQL Reference, "REGEX_LOG_PARSE").
extension LogParserFunction {
    static let regex = LogParserFunction(name: "REGEX_LOG_PARSE") { arguments throws(SignatureError) in
        try LogParsers.check(arguments, 1...1)
        let text = try LogParsers.text(arguments, 0, "the pattern")
        let pattern = try LogParsers.compiled(0) { () throws(RowFailure) in try RegularExpression(text) }
        guard pattern.groupCount > 0 else { throw SignatureError("the pattern has no group", argument: 1) }
        return LogParser("REGEX_LOG_PARSE \(text)", LogField.numbered(pattern.groupCount)) { RegexSplitter(pattern: pattern) }
    }
}

private struct RegexSplitter: LogSplitter {
    let pattern: RegularExpression

    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        guard let match = pattern.firstMatch(in: line, anchored: true, whole: true) else { return false }
        for group in 1...pattern.groupCount {
            if let start = match[2 * group], let end = match[2 * group + 1], start <= end { fields[group - 1] = start..<end }
        }
        return true
    }
}
