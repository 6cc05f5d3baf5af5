/// GROUP BY MONOTONIC(x): groups rows while a term has one value.

import StreamSQL

/// The groups leave when a row with another value comes, before it and with its ROWTIME: that is when they are complete. NULL is a value like others.
struct RunAggregateOperator: WholeStateOperator {
    private let aggregate: TumblingAggregate
    private let window: PreparedExpression
    private let keys: [PreparedExpression]
    private let arguments: [PreparedExpression?]
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    let state: OperatorState?

    /// The value of the term in the rows at hand, one row; nil before the first row.
    private var value: Column?
    private var groups: WindowGroups
    var frozen = WholeState()

    init(_ aggregate: TumblingAggregate, inputColumns: [ColumnDefinition]) {
        self.aggregate = aggregate
        self.inputColumns = inputColumns
        columns = aggregate.columns
        window = PreparedExpression(aggregate.window)
        keys = aggregate.keys.map { PreparedExpression($0) }
        arguments = aggregate.results.map { $0.argument.map { PreparedExpression($0) } }
        groups = WindowGroups(aggregate)
        state = OperatorState(kind: "run", version: 1, signature: aggregate.signature(over: inputColumns))
    }

    var stateBytes: Int { groups.byteCount }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = KeyedBatch.empty(columns)
        if !inputs[0].rows.isEmpty { add(inputs[0].rows, to: &output, &context) }
        if inputs[0].watermark == .end, value != nil {
            close(under: .closing(at: .max), rowtime: context.clockBefore, into: &output, &context)
        }
        return inputs[0].with(output)
    }

    private mutating func add(_ input: KeyedBatch, to output: inout KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var values = context.evaluate(window, over: input, errors: &errors)
        var keyColumns = keys.map { context.evaluate($0, over: input, errors: &errors) }
        var argumentColumns = arguments.map { $0.map { context.evaluate($0, over: input, errors: &errors) } }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            rows = input.filtered(by: keep)
            values = values.filtered(by: keep)
            keyColumns = keyColumns.map { $0.filtered(by: keep) }
            argumentColumns = argumentColumns.map { $0?.filtered(by: keep) }
        }
        var start = 0
        while start < rows.count {
            var end = start + 1
            while end < rows.count, values.compare(end, with: values, start) == 0 { end += 1 }
            if let value, value.compare(0, with: values, start) != 0 {
                close(under: rows.keys[start], rowtime: rows.batch.rowtime(start), into: &output, &context)
            }
            if value == nil { value = values.gather(rows: [start]) }
            groups.add(start..<end, of: rows.count, keys: keyColumns, arguments: argumentColumns)
            start = end
        }
    }

    private mutating func close(
        under event: EventKey, rowtime: Int64, into output: inout KeyedBatch, _ context: inout OperatorContext
    ) {
        guard let value else { return }
        let closed = groups.closed(
            values: [.repeating(value.value(at: 0), window.type, count: groups.count)],
            rowtimes: [Int64](repeating: rowtime, count: groups.count),
            under: event, columns: columns, &context)
        output.append(closed)
        self.value = nil
        groups = WindowGroups(aggregate)
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        writer.write(value != nil)
        guard let value else { return }
        writer.write(plain: value)
        var groups = groups
        var head = StateWriter()
        groups.freeze(whole: true, head: &head)
        writer.write(head.bytes)
        var pieces: [[UInt8]] = []
        while groups.isFrozen {
            var piece = StateWriter()
            groups.writePiece(bytes: 1 << 20, to: &piece)
            pieces.append(piece.bytes)
        }
        writer.write(count: pieces.count)
        for piece in pieces { writer.write(piece) }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        guard try reader.bool() else { return }
        value = try reader.column(window.type, rows: 1)
        var head = StateReader(try reader.byteString())
        var pieces: [StateReader] = []
        for _ in 0..<(try reader.count(of: 8)) { pieces.append(StateReader(try reader.byteString())) }
        try groups.restore(head: &head, pieces: pieces)
        try head.checkEnd()
    }
}

extension WindowGroups {
    /// All groups as rows: the keys, then these values, then the results. A group without a result is reported by its keys and values.
    func closed(
        values: [Column], rowtimes: [Int64], under event: EventKey, columns: [ColumnDefinition], _ context: inout OperatorContext
    ) -> KeyedBatch {
        var errors: [RowError] = []
        let shown = KeyedBatch(
            ColumnBatch(rowtimes: rowtimes, columns: terms + values), keys: [EventKey](repeating: event, count: count))
        var whole = shown
        whole.batch.columns += results(errors: &errors)
        let kept = context.reject(errors, of: shown, columns: Array(columns.prefix(shown.batch.columns.count)))
        return kept.map { whole.filtered(by: $0) } ?? whole
    }
}
