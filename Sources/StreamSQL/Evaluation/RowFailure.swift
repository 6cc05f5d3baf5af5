/// Why a row or a record is not where it should be: one shape from decoder and kernel to `error_stream`.

/// A failure in words; thrown by what works on one value, row or record.
public struct RowFailure: Error, Sendable, Hashable {
    /// ERROR_NAME, such as `Division by zero`. The column takes 32 characters.
    public var name: String
    /// MESSAGE. The column takes 4096 characters.
    public var message: String

    public init(_ name: String, _ message: String) {
        self.name = name
        self.message = message
    }

    /// The same failure with words before its message.
    func prefixed(_ words: String) -> RowFailure { RowFailure(name, words + message) }
}

extension RowFailure {
    static let divisionByZero = RowFailure("Division by zero", "The divisor is zero.")
    static let noMemory = RowFailure("Out of memory", "There is no memory for the record.")

    static func overflow(_ type: SQLType) -> RowFailure { RowFailure("Numeric overflow", "The result does not fit \(type).") }
    static func argument(_ message: String) -> RowFailure { RowFailure("Invalid argument", message) }
    static func conversion(_ message: String) -> RowFailure { RowFailure("Conversion error", message) }

    /// A record, or a value of one, that does not fit the schema. The service gives all of them this name, as rows of its `error_stream` show
    /// for a word in an INTEGER column and for bytes that are no JSON.
    static func coercion(_ message: String) -> RowFailure { RowFailure("Coercion error", message) }
    static func misfit(_ what: String, _ type: SQLType) -> RowFailure { .coercion("\(what) does not fit \(type).") }
}

/// A row that was dropped while it was computed: it goes to `error_stream`, not to the pump's target.
public struct RowError: Sendable, Hashable {
    /// The row's index in the batch that was evaluated.
    public var row: Int
    public var failure: RowFailure

    public init(row: Int, _ failure: RowFailure) {
        self.row = row
        self.failure = failure
    }

    public init(row: Int, name: String, message: String) { self.init(row: row, RowFailure(name, message)) }

    public var name: String { failure.name }
    public var message: String { failure.message }
}

/// A record that gave no rows because it does not fit the schema; becomes a row of `error_stream`.
public struct RecordError: Sendable, Hashable {
    /// The record's index among those decoded.
    public var record: Int
    /// How many rows of the batch come before it.
    public var rowsBefore: Int
    /// DATA_ROWTIME.
    public var rowtime: Int64
    public var failure: RowFailure
    /// DATA_ROW before it is written in hex: the record's bytes, at most the 24576 that fit in the column.
    public var data: [UInt8]

    public init(record: Int, rowsBefore: Int, rowtime: Int64, failure: RowFailure, data: [UInt8]) {
        self.record = record
        self.rowsBefore = rowsBefore
        self.rowtime = rowtime
        self.failure = failure
        self.data = data
    }

    public var name: String { failure.name }
    public var message: String { failure.message }
}
