/// The columns that a log parser's caller describes: `name TYPE type [NOT NULL] ['format'] [START n [FOR m]], ...`.

struct LogColumn {
    var field: LogField
    var start: Int?
    var length: Int?

    /// - Parameter argument: the position of the text among the call's arguments.
    static func list(_ text: String, argument: Int) throws(SignatureError) -> [LogColumn] {
        let columns: [LogColumn]
        do throws(ProgramErrors) { columns = try Parser.logColumns(text) } catch {
            throw SignatureError("in the list of columns, \(error.errors.first?.description ?? "")", argument: argument)
        }
        guard columns.count <= LogParsers.mostFields else {
            throw SignatureError("there may be at most \(LogParsers.mostFields) columns", argument: argument)
        }
        for column in columns {
            if column.field.type.isBinary { throw SignatureError("a field cannot be a \(column.field.type)", argument: argument) }
            guard let format = column.field.format else { continue }
            guard column.field.type.isDatetime else {
                throw SignatureError("only a DATE, TIME or TIMESTAMP has a format", argument: argument)
            }
            _ = try LogParsers.compiled(argument - 1) { () throws(RowFailure) in try DatetimePattern(format) }
        }
        return columns
    }
}

extension Parser {
    fileprivate static func logColumns(_ text: String) throws(ProgramErrors) -> [LogColumn] {
        try parsed(text) { parser throws(SQLError) in
            var columns: [LogColumn] = []
            repeat { columns.append(try parser.logColumn()) } while parser.takeSign(",")
            return columns
        }
    }

    private mutating func logColumn() throws(SQLError) -> LogColumn {
        guard let name = takeName(allowing: Identifiers.reserved) else { throw unexpected("a column's name") }
        _ = takeWord("TYPE")
        var column = LogColumn(field: LogField(name.text, try dataType()))
        while true {
            if takeWords("NOT", "NULL") {
                column.field.notNull = true
            } else if case .string(let format) = current.kind {
                column.field.format = format
                advance()
            } else if takeWord("START") {
                column.start = try place()
                if takeWord("FOR") { column.length = try place() }
            } else {
                return column
            }
        }
    }

    private mutating func place() throws(SQLError) -> Int {
        guard case .integer(let digits) = current.kind, let value = Int(digits), value <= 1_000_000 else {
            throw unexpected("a whole number")
        }
        advance()
        return value
    }
}
