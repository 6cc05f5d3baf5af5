/// What a log parser is: it makes a record of fields of each text, all of them in one pass.

/// A log parser with its arguments bound.
public struct LogParser: Sendable {
    /// Tells it from every other, arguments included.
    public var name: String
    public var fields: [LogField]
    /// Finds the fields of lines; a parser value is made once a batch, so that it may keep memory.
    var makeSplitter: @Sendable () -> any LogSplitter

    init(_ name: String, _ fields: [LogField], _ makeSplitter: @escaping @Sendable () -> any LogSplitter) {
        self.name = name
        self.fields = fields
        self.makeSplitter = makeSplitter
    }
}

extension LogParser: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.fields == b.fields }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// A field of the record.
public struct LogField: Sendable, Hashable {
    public var name: String
    public var type: SQLType
    public var notNull: Bool
    /// How a datetime is written, in format letters; nil for the ISO layout.
    public var format: String?

    init(_ name: String, _ type: SQLType = .varchar(Self.length), notNull: Bool = false, format: String? = nil) {
        self.name = name
        self.type = type
        self.notNull = notNull
        self.format = format
    }

    /// Fields without a type of their own are VARCHAR(1024).
    static let length = 1024

    /// COLUMN1, COLUMN2 ...
    static func numbered(_ count: Int) -> [LogField] { (0..<count).map { LogField("COLUMN\($0 + 1)") } }
}

/// Finds the fields of a line.
protocol LogSplitter {
    /// Sets where each field lies; nil for one that is NULL.
    /// - Parameter fields: as many as the parser has, all nil.
    /// - Returns: false for a line that does not match, whose fields are all NULL.
    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool
    /// A field's text without what only marks it off, such as escapes; nil where it is as it stands.
    func cleaned(_ field: UnsafeRawBufferPointer) -> [UInt8]?
}

extension LogSplitter {
    func cleaned(_ field: UnsafeRawBufferPointer) -> [UInt8]? { nil }
}

/// A parser at work on one text: an operator's part.
public struct LogParse: Sendable, Hashable {
    public var parser: LogParser
    public var text: TypedExpression
    /// The record's name among the columns.
    public var record: String

    /// The record's fields as columns.
    public var columns: [ColumnDefinition] {
        parser.fields.map { field in
            var column = ColumnDefinition(field.name, field.type)
            column.record = record
            return column
        }
    }

    /// The fields of each text, column by column.
    public func parse(_ texts: Column, context: inout EvaluationContext) -> [Column] {
        let lines = texts.byteColumn
        var splitter = parser.makeSplitter()
        var builders = parser.fields.map { _ in ColumnBuilder(.varchar(LogField.length), capacity: texts.count) }
        let none = [Range<Int>?](repeating: nil, count: parser.fields.count)
        var fields = none
        let nulls = texts.nulls
        lines.bytes.withUnsafeBytes { bytes in
            for row in 0..<texts.count {
                let line = UnsafeRawBufferPointer(rebasing: bytes[lines.range(row)])
                if nulls?[row] == true || !splitter.split(line, into: &fields) {
                    for index in builders.indices { builders[index].appendNull() }
                } else {
                    for index in builders.indices {
                        guard let range = fields[index] else {
                            builders[index].appendNull()
                            continue
                        }
                        let field = UnsafeRawBufferPointer(rebasing: line[range])
                        if let cleaned = splitter.cleaned(field) {
                            builders[index].append(bytes: cleaned)
                        } else {
                            builders[index].append(bytes: field)
                        }
                    }
                }
                fields = none
            }
        }
        return zip(parser.fields, builders).map { $0.converted($1.finish(), &context) }
    }
}

// MARK: - Types

extension LogField {
    /// The field's texts as values of its type.
    fileprivate func converted(_ texts: Column, _ context: inout EvaluationContext) -> Column {
        let column = type.isCharacter ? fitted(texts, &context) : read(texts, &context)
        if notNull {
            for row in 0..<column.count where column.isNull(row) {
                context.fail(row, RowFailure("NULL value", "The field \(name) of the record is NOT NULL."))
            }
        }
        return column
    }

    /// Texts that are too long are cut, as when they are inserted.
    private func fitted(_ texts: Column, _ context: inout EvaluationContext) -> Column {
        Cast.convert(Column(.varchar(65_535), texts.values, nulls: texts.nulls), to: type, mode: .assignment, context: &context)
    }

    /// Blanks around a value and a field without one count for nothing.
    private func read(_ texts: Column, _ context: inout EvaluationContext) -> Column {
        let lines = texts.byteColumn
        var builder = ColumnBuilder(.varchar(Self.length), capacity: texts.count)
        for row in 0..<texts.count {
            var field = lines.bytes[lines.range(row)]
            while field.first == UInt8(ascii: " ") { field = field.dropFirst() }
            while field.last == UInt8(ascii: " ") { field = field.dropLast() }
            if texts.isNull(row) || field.isEmpty { builder.appendNull() } else { builder.append(bytes: field) }
        }
        let trimmed = builder.finish()
        guard let format else { return Cast.convert(trimmed, to: type, mode: .explicit, context: &context) }
        let name = type == .date ? "CHAR_TO_DATE" : type == .time ? "CHAR_TO_TIME" : "CHAR_TO_TIMESTAMP"
        guard let function = ScalarFunctions.named(name) else { return .nulls(type, count: texts.count) }
        let formats = Column.repeating(.text(format), .varchar(Self.length), count: texts.count)
        return function.evaluate([formats, trimmed], type, &context)
    }
}
