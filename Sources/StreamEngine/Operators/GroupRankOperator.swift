/// GROUP_RANK: ranks the rows of one ROWTIME by a column and hands them on in the order of their ranks.

import StreamSQL

/// Rows wait until one of another ROWTIME comes or, where an idle time is given, the clock has moved so far since the last of them (SQL Reference, "Group
/// Rank"). Equal values have one rank, after which as many ranks are left out (RANK of SQL:2008); NULL is the largest value. Rows of one rank keep their
/// order. They keep their ROWTIME too, which never decreases.
struct GroupRankOperator: WholeStateOperator {
    private let call: GroupRankCall
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]

    private var held: ColumnBatch
    /// The clock at the last row that is held.
    private var lastClock: Int64 = .min
    private var heldBytes = 0
    var frozen = WholeState()

    init(_ call: GroupRankCall, inputColumns: [ColumnDefinition], columns: [ColumnDefinition]) {
        self.call = call
        self.inputColumns = inputColumns
        self.columns = columns
        held = .empty(inputColumns)
    }

    var deadline: Int64? {
        guard held.count > 0, call.maxIdle > 0 else { return nil }
        let (sum, overflow) = lastClock.addingReportingOverflow(call.maxIdle)
        return overflow ? .max : sum
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = KeyedBatch.empty(columns)
        let input = inputs[0].rows
        var start = 0
        while start < input.count {
            let (key, rowtime) = (input.keys[start], input.batch.rowtime(start))
            if let deadline, EventKey.closing(at: deadline) < key { release(under: .closing(at: deadline), into: &output) }
            if held.count > 0, held.rowtime(0) != rowtime { release(under: key, into: &output) }
            // Rows of the same ROWTIME, as far as none of them comes after an idle time.
            var end = start + 1
            while end < input.count, input.batch.rowtime(end) == rowtime, input.keys[end].time == key.time { end += 1 }
            let more = input.batch.slice(start..<end)
            heldBytes += more.byteCount
            held.append(contentsOf: more)
            lastClock = key.time
            start = end
        }
        if held.count > 0, inputs[0].watermark.passes(deadline) { release(under: .closing(at: deadline ?? .max), into: &output) }
        return inputs[0].with(output)
    }

    private mutating func release(under key: EventKey, into output: inout KeyedBatch) {
        let values = held.columns[call.column]
        let byRank = SortKey.order(
            0..<held.count, by: [SortKey(.rowtime, isDescending: call.ranksDescending)], [values])
        var ranks = [Int64](repeating: 1, count: byRank.count)
        for place in byRank.indices.dropFirst() {
            ranks[place] = values.compare(byRank[place], with: values, byRank[place - 1]) == 0 ? ranks[place - 1] : Int64(place + 1)
        }
        var order = Array(byRank.indices)
        if call.leavesDescending { order.sort { ranks[$0] != ranks[$1] ? ranks[$0] > ranks[$1] : $0 < $1 } }
        if call.most > 0 { order = Array(order.prefix(call.most)) }
        var released = held.gather(rows: order.map { byRank[$0] })
        released.columns.append(Column(.integer, .integers(order.map { ranks[$0] })))
        output.append(KeyedBatch(released, keys: [EventKey](repeating: key, count: order.count)))
        held = .empty(inputColumns)
        heldBytes = 0
    }

    // MARK: State

    var stateBytes: Int { heldBytes }

    var state: OperatorState? {
        let rows = inputColumns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ", ")
        let order = "\(call.ranksDescending ? "desc" : "asc") \(call.leavesDescending ? "desc" : "asc")"
        return OperatorState(
            kind: "rank", version: 1,
            signature: "(\(rows)) by \(inputColumns[call.column].name) \(order) \(call.maxIdle) \(call.most)")
    }

    func write(to writer: inout StateWriter) {
        writer.write(lastClock)
        writer.write(plain: held.rowtime)
        for column in held.columns { writer.write(plain: column) }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        lastClock = try reader.int64()
        held = try reader.batch(inputColumns)
        heldBytes = held.byteCount
    }
}

extension GroupRankCall: OperatorMaker {
    var needsOrder: Bool { true }

    /// Ranked rows leave in other events than those of their records.
    func partitionKeys(below: PartitionKeyRule) -> PartitionKeyRule { below == .record ? .whole : below }

    func makeOperator(_ input: Relation, _ call: TableFunctionCall, nextSeed: inout UInt64) throws(DataflowError) -> any Operator {
        GroupRankOperator(self, inputColumns: input.columns, columns: input.columns + call.addedColumns)
    }
}
