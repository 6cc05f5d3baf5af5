/// What operators share while events are played: the clock, evaluation, and where failed rows go.

import StreamSQL

/// An expression with what is known about it beforehand.
struct PreparedExpression: Sendable {
    let expression: TypedExpression
    /// Whether it uses CURRENT_TIMESTAMP or its kin, so that its value may differ from event to event.
    let readsClock: Bool

    init(_ expression: TypedExpression) {
        self.expression = expression
        readsClock = expression.readsClock
    }

    var type: SQLType { expression.type }
}

/// A row that failed, on its way to `error_stream`.
struct RejectedRow: Sendable {
    var key: EventKey
    var name: String
    var message: String
    /// DATA_ROWTIME.
    var rowtime: Int64
    /// DATA_ROW before it is written as hex: the row's JSON text or the record's bytes.
    var data: [UInt8]
    /// PUMP_NAME; nil for records of an input and for a stream with several writers.
    var pump: String?
}

/// Passed to every operator of every pump in one call of the dataflow.
struct OperatorContext: Sendable {
    /// The clock before the call's last move.
    let clockBefore: Int64
    /// What CURRENT_TIMESTAMP gives; nil to give the clock's time.
    let queryStart: Int64?
    /// The pump that runs.
    var pump: String?
    var rejected: [RejectedRow] = []
    /// Bytes that the rows of one operator may take in one call.
    private let outputLimit: Int
    /// Why the dataflow cannot go on, found by an operator.
    private(set) var failure: DataflowError?
    private let evaluator = Evaluator()

    private let stop: StopSignal?

    init(clockBefore: Int64, queryStart: Int64?, outputLimit: Int = 1 << 30, stop: StopSignal? = nil) {
        self.stop = stop
        self.clockBefore = clockBefore
        self.queryStart = queryStart
        self.outputLimit = outputLimit
    }

    /// Notes that the rows of an operator take so many bytes.
    /// - Returns: whether that is more than they may; the dataflow then fails.
    mutating func outgrows(_ bytes: Int) -> Bool {
        guard bytes > outputLimit else { return false }
        failure = .stateTooLarge(bytes: bytes, limit: outputLimit)
        return true
    }

    /// Whether what is under way is to end at once. An operator with a loop that may be long asks now and then, and leaves it; what it has by then is of no
    /// more use to anybody.
    mutating func isStopped() -> Bool {
        guard stop?.heed() ?? false else { return false }
        failure = .stopped
        return true
    }

    /// The expression's value in every row, with the clock of the row's event.
    func evaluate(_ prepared: PreparedExpression, over input: KeyedBatch, errors: inout [RowError]) -> Column {
        guard let first = input.keys.first else { return .empty(prepared.type) }
        guard prepared.readsClock else {
            return evaluate(prepared.expression, over: input.batch, clock: first.time, errors: &errors)
        }
        var column = Column.empty(prepared.type)
        var start = 0
        while start < input.count {
            var end = start + 1
            while end < input.count && input.keys[end].time == input.keys[start].time { end += 1 }
            var ownErrors: [RowError] = []
            let part = evaluate(
                prepared.expression, over: input.batch.slice(start..<end), clock: input.keys[start].time, errors: &ownErrors)
            for index in ownErrors.indices { ownErrors[index].row += start }
            errors += ownErrors
            column.append(contentsOf: part)
            start = end
        }
        return column
    }

    private func evaluate(_ expression: TypedExpression, over batch: ColumnBatch, clock: Int64, errors: inout [RowError]) -> Column
    {
        var context = EvaluationContext(
            count: batch.count, clockMilliseconds: clock, queryStartMilliseconds: queryStart ?? clock)
        if let stop { context.isStopped = { stop.heed() } }
        let column = evaluator.evaluate(expression, over: batch, context: &context)
        errors += context.errors
        return column
    }

    /// Reports failed rows, each once.
    /// - Returns: which rows did not fail; nil when none did.
    mutating func reject(_ errors: [RowError], of input: KeyedBatch, columns: [ColumnDefinition]) -> [Bool]? {
        if errors.isEmpty { return nil }
        var keep = [Bool](repeating: true, count: input.count)
        var firsts: [RowError] = []
        for error in errors where keep.indices.contains(error.row) && keep[error.row] {
            keep[error.row] = false
            firsts.append(error)
        }
        firsts.sort { $0.row < $1.row }
        for error in firsts {
            rejected.append(
                RejectedRow(
                    key: input.keys[error.row], name: error.name, message: error.message, rowtime: input.batch.rowtime(error.row),
                    data: ErrorStream.dataRow(input.batch, row: error.row, columns: columns), pump: pump))
        }
        return keep
    }
}
