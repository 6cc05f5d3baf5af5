/// A materialized view's groups: aggregates by key over all rows so far.

import StreamSQL

/// No rows leave; who shows the view takes the groups that have changed. The state is written as it changes, as that of a tumbling window.
struct ViewOperator: Operator {
    private let aggregate: TumblingAggregate
    private let keys: [PreparedExpression]
    private let arguments: [PreparedExpression?]
    private let inputColumns: [ColumnDefinition]
    let state: OperatorState?

    private var groups: WindowGroups
    /// Groups that have changed since they were last taken, each once, in the order of their first change.
    private var changed: [Int] = []
    private var isChanged: [Bool] = []

    init(_ aggregate: TumblingAggregate, inputColumns: [ColumnDefinition]) {
        self.aggregate = aggregate
        self.inputColumns = inputColumns
        keys = aggregate.keys.map { PreparedExpression($0) }
        arguments = aggregate.results.map { $0.argument.map { PreparedExpression($0) } }
        groups = WindowGroups(aggregate)
        state = OperatorState(kind: "view", version: 1, signature: aggregate.signature(over: inputColumns))
    }

    var stateBytes: Int { groups.count == 0 ? 0 : groups.byteCount + isChanged.count + changed.count * 8 }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        if !inputs[0].rows.isEmpty { add(inputs[0].rows, &context) }
        return inputs[0].with(.empty(aggregate.columns))
    }

    private mutating func add(_ input: KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var keyColumns = keys.map { context.evaluate($0, over: input, errors: &errors) }
        var argumentColumns = arguments.map { $0.map { context.evaluate($0, over: input, errors: &errors) } }
        var count = input.count
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            keyColumns = keyColumns.map { $0.filtered(by: keep) }
            argumentColumns = argumentColumns.map { $0?.filtered(by: keep) }
            count = keep.count { $0 }
        }
        guard count > 0 else { return }
        keyColumns = keyColumns.map { $0.runEnds == nil ? $0 : Column($0.type, $0.values, nulls: $0.nulls) }
        groups.add(0..<count, of: count, keys: keyColumns, arguments: argumentColumns)
        if isChanged.count < groups.count {
            isChanged.append(contentsOf: repeatElement(false, count: groups.count - isChanged.count))
        }
        for group in groups.lastGroups where !isChanged[group] {
            isChanged[group] = true
            changed.append(group)
        }
    }

    mutating func takeChanges(all: Bool) -> ChangedRows? {
        let taken = all ? Array(0..<groups.count) : changed
        for group in changed { isChanged[group] = false }
        changed.removeAll(keepingCapacity: true)
        var errors: [RowError] = []
        let results = taken.isEmpty ? aggregate.results.map { Column.empty($0.type) } : groups.results(of: taken, errors: &errors)
        let window = Column.repeating(.boolean(true), .boolean, count: taken.count)
        let times = results.first ?? .repeating(.integer(0), .timestamp, count: taken.count)
        return ChangedRows(
            groups: taken, rows: ColumnBatch(rowtime: times, columns: groups.terms(of: taken) + [window] + results),
            failed: Set(errors.map(\.row)))
    }

    // MARK: State

    mutating func freezeState(whole: Bool, head: inout StateWriter) {
        head.write(groups.count > 0)
        if groups.count > 0 { groups.freeze(whole: whole, head: &head) }
    }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool {
        guard groups.count > 0, groups.isFrozen else { return false }
        groups.writePiece(bytes: bytes, to: &writer)
        return true
    }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        groups = WindowGroups(aggregate)
        (changed, isChanged) = ([], [])
        guard var head = layers.last?.head else { return }
        if try head.bool() {
            try groups.restore(head: &head, pieces: layers.flatMap(\.pieces))
            isChanged = [Bool](repeating: false, count: groups.count)
        }
        try head.checkEnd()
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        throw .damaged("a view is of no older state")
    }
}

/// Groups of a view as they are now.
struct ChangedRows: Sendable {
    /// Their numbers, which stay theirs.
    var groups: [Int]
    /// The columns of the aggregation.
    var rows: ColumnBatch
    /// The rows whose aggregates have no value.
    var failed: Set<Int>
}
