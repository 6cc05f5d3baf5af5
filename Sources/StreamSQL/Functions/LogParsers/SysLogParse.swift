/// SYS_LOG_PARSE(text): the time and the rest of a line of syslog, `Mon DD HH:MM:SS server message` (SQL Reference, "SYS_LOG_PARSE").
extension LogParserFunction {
    static let sys = LogParserFunction(name: "SYS_LOG_PARSE") { arguments throws(SignatureError) in
        try LogParsers.check(arguments, 0...0)
        // The line does not say the year; as for every pattern without one, it is 1970.
        let time = LogField("COLUMN1", .timestamp, format: SysSplitter.format)
        let pattern = try LogParsers.compiled(0) { () throws(RowFailure) in try DatetimePattern(SysSplitter.format) }
        return LogParser("SYS_LOG_PARSE", [time, LogField("COLUMN2")]) { SysSplitter(pattern: pattern) }
    }
}

private struct SysSplitter: LogSplitter {
    static let format = "MMM dd HH:mm:ss"
    let pattern: DatetimePattern

    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        // The day takes two places, the first of which may be blank.
        let length = 15
        guard line.count >= length, line.count == length || line[length] == UInt8(ascii: " "),
            pattern.parse(UnsafeRawBufferPointer(rebasing: line[..<length]), yearOfClock: 1970) != nil
        else { return false }
        fields[0] = 0..<length
        fields[1] = min(length + 1, line.count)..<line.count
        return true
    }
}
