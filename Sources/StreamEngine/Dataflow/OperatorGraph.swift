/// The operators of one pump, made from its plan.

import StreamSQL

/// Operators in an order in which each comes after its inputs; the last one's rows are the pump's.
struct OperatorGraph: Sendable {
    /// Where an operator's rows come from.
    enum Source: Sendable {
        /// Position among the dataflow's streams.
        case stream(Int)
        /// Position among this graph's nodes.
        case node(Int)
    }

    /// What the operators of one dataflow are made with.
    struct Setting {
        /// Positions of the dataflow's streams by stored name.
        var streams: [String: Int]
        /// Streams whose ROWTIME is the clock of their events: the inputs.
        var inputCount: Int
        var queryStart: Int64?
        /// The seed of the next operator that uses randomness; each takes one.
        var nextSeed: UInt64
        /// The names of the reference tables.
        var tables: Set<String> = []
        /// Whether the inputs have an end that is waited for: rows need not be in the order of ROWTIME.
        var isBounded = false
    }

    private struct Node: Sendable {
        var operation: any Operator
        var inputs: [Source]
        var order: RowtimeOrder
        /// Of an operator with state: unique in the pump, and the same whatever else the program has.
        var id: String?
        /// How far the times of its events lie before the clock.
        var delay: Int64 = 0
    }

    private var nodes: [Node] = []
    private var root: Source = .stream(0)
    /// The streams that the pump reads.
    private(set) var streams: Set<Int> = []
    private let inputCount: Int

    init(_ relation: Relation, _ setting: inout Setting) throws(DataflowError) {
        inputCount = setting.inputCount
        root = try add(relation, &setting, isRoot: true)
    }

    private mutating func add(_ relation: Relation, _ setting: inout Setting, isRoot: Bool = false) throws(DataflowError) -> Source
    {
        switch relation {
        case .stream(let schema):
            guard let index = setting.streams[schema.name] else { throw .unusablePlan("there is no stream \(schema.name)") }
            streams.insert(index)
            return .stream(index)
        case .filter(let input, let condition):
            let source = try add(input, &setting)
            return add(
                FilterOperator(condition: PreparedExpression(condition), columns: input.columns), [source], order(of: source))
        case .project(let input, let columns, let rowtime):
            let source = try add(input, &setting)
            let project = ProjectOperator(
                expressions: columns.map { PreparedExpression($0.expression) }, rowtime: rowtime.map { PreparedExpression($0) },
                inputColumns: input.columns, columns: relation.columns)
            guard rowtime != nil else { return add(project, [source], order(of: source)) }
            let timed = add(project, [source], .unknown)
            // The stream that a pump fills looks at the order itself.
            return isRoot || setting.isBounded ? timed : add(OrderOperator(columns: relation.columns), [timed], .ascending)
        case .tumblingAggregate(let input, let aggregate):
            let source = try add(input, &setting)
            let operation = AggregateOperator(
                aggregate, inputColumns: input.columns, order: order(of: source), queryStart: setting.queryStart)
            // Rows that came after their window's end leave after those of later windows.
            return add(operation, [source], .unknown)
        case .tableFunction(let input, let call):
            let source = call.function.maker.needsOrder ? try addOrdered(input, &setting) : try add(input, &setting)
            let operation = try call.function.maker.makeOperator(input, call, nextSeed: &setting.nextSeed)
            // Rows that wait leave in other events than those in which they came.
            return add(operation, [source], call.function.maker.needsOrder ? .ascending : order(of: source))
        case .sort(let input, let sort):
            let source = try add(input, &setting)
            let operation = SortOperator(
                sort, columns: input.columns, order: order(of: source),
                comesInWholeWindows: sort.period == .rowtime && input.isAggregation, queryStart: setting.queryStart)
            return add(operation, [source], order(of: source) == .unknown ? .unknown : .ascending)
        case .unionAll(let inputs):
            var sources: [Source] = []
            for input in inputs { sources.append(try add(input, &setting)) }
            let areByClock = sources.allSatisfy { order(of: $0) == .clock }
            return add(UnionOperator(columns: relation.columns), sources, areByClock ? .clock : .unknown)
        case .sliding(let input, let windows):
            let source = try addOrdered(input, &setting)
            let operation = SlidingOperator(windows, inputColumns: input.columns, columns: relation.columns)
            return add(operation, [source], order(of: source))
        case .staggerAggregate(let input, let aggregate):
            let source = try addOrdered(input, &setting)
            return add(StaggerOperator(aggregate, inputColumns: input.columns), [source], .unknown)
        case .fill(let input, let fill):
            let source = try add(input, &setting)
            let below = input.inputs.first?.columns ?? []
            let operation = FillOperator(fill, inputColumns: input.columns, below: below, queryStart: setting.queryStart)
            return add(operation, [source], .unknown)
        case .match(let input, let call):
            let source = try addOrdered(input, &setting)
            let operation = MatchOperator(call, inputColumns: input.columns, isBounded: setting.isBounded)
            return add(operation, [source], .ascending)
        case .sessionAggregate(let input, let aggregate):
            let source = try addOrdered(input, &setting)
            return add(SessionOperator(aggregate, inputColumns: input.columns), [source], .unknown)
        case .runningAggregate(let input, let aggregate):
            return add(ViewOperator(aggregate, inputColumns: input.columns), [try add(input, &setting)], .unknown)
        case .runAggregate(let input, let aggregate):
            let source = try add(input, &setting)
            let isOrdered = order(of: source) != .unknown
            return add(RunAggregateOperator(aggregate, inputColumns: input.columns), [source], isOrdered ? .ascending : .unknown)
        case .distinct(let input, let distinct):
            let source = try addOrdered(input, &setting)
            let operation = DistinctOperator(distinct, columns: input.columns, queryStart: setting.queryStart)
            return add(operation, [source], order(of: source))
        case .join(let left, let right, let join):
            let sources = [try addOrdered(left, &setting), try addOrdered(right, &setting)]
            let areByClock = sources.allSatisfy { order(of: $0) == .clock }
            return add(
                JoinOperator(join, left: left.columns, right: right.columns), sources, areByClock ? .clock : .unknown)
        case .parseLogs(let input, let parses):
            let source = try add(input, &setting)
            let operation = LogParseOperator(parses, inputColumns: input.columns, columns: relation.columns)
            return add(operation, [source], order(of: source))
        case .topRows(let input, let top):
            let source = try add(input, &setting)
            return add(TopRowsOperator(top, columns: input.columns), [source], order(of: source))
        case .eventTime(let input, let event):
            let source = try add(input, &setting)
            let place = add(EventTimeOperator(event, columns: input.columns), [source], .ascending)
            if case .node(let index) = place {
                nodes[index].delay = delay(of: source).addingReportingOverflow(event.lateness).partialValue
            }
            return place
        case .table(let schema):
            guard setting.tables.contains(schema.name) else { throw .unusablePlan("there is no table \(schema.name)") }
            return add(ConstantRowsOperator(table: schema), [], .ascending)
        case .values(let values): return add(ConstantRowsOperator(values), [], .ascending)
        case .lookup(let left, let right, let join): return try add(left, right, join, &setting)
        case .select(let input, let selection):
            let source = try add(input, &setting)
            return add(
                SelectOperator(selection, columns: input.columns), [source], selection.keys.isEmpty ? order(of: source) : .unknown)
        }
    }

    private mutating func add(
        _ left: Relation, _ right: Relation, _ join: LookupJoin, _ setting: inout Setting
    ) throws(DataflowError) -> Source {
        let source = try add(left, &setting)
        guard right.isStatic else {
            let other = try add(right, &setting)
            let operation = LookupOperator(join, left: left.columns, right: right.columns, staticRight: nil)
            return add(operation, [source, other], .unknown)
        }
        var own = setting
        own.isBounded = true
        let graph = try OperatorGraph(right, &own)
        setting.nextSeed = own.nextSeed
        let operation = LookupOperator(join, left: left.columns, right: right.columns, staticRight: graph)
        return add(operation, [source], join.kind.preservesRight ? .unknown : order(of: source))
    }

    /// A relation whose ROWTIME never decreases: rows that come after later ones are rejected, as a stream rejects them.
    private mutating func addOrdered(_ relation: Relation, _ setting: inout Setting) throws(DataflowError) -> Source {
        let source = try add(relation, &setting)
        guard order(of: source) == .unknown, !setting.isBounded else { return source }
        return add(OrderOperator(columns: relation.columns), [source], .ascending)
    }

    private func delay(of source: Source) -> Int64 { if case .node(let index) = source { nodes[index].delay } else { 0 } }

    private func order(of source: Source) -> RowtimeOrder {
        switch source {
        case .stream(let index): index < inputCount ? .clock : .ascending
        case .node(let index): nodes[index].order
        }
    }

    private mutating func add(_ operation: any Operator, _ inputs: [Source], _ order: RowtimeOrder) -> Source {
        let kind = operation.state?.kind
        let number = nodes.count { $0.operation.state?.kind == kind }
        nodes.append(
            Node(
                operation: operation, inputs: inputs, order: order, id: kind.map { "\($0)\(number)" },
                delay: inputs.map(delay).max() ?? 0))
        return .node(nodes.count - 1)
    }

    mutating func setTables(_ tables: [String: ColumnBatch], _ context: inout OperatorContext) {
        for index in nodes.indices { nodes[index].operation.setTables(tables, &context) }
    }

    /// Plays what the streams have in this call.
    mutating func run(_ streams: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var results: [EdgeUpdate] = []
        func update(_ source: Source) -> EdgeUpdate {
            switch source {
            case .stream(let index): streams[index]
            case .node(let index): results[index]
            }
        }
        for index in nodes.indices {
            results.append(nodes[index].operation.process(nodes[index].inputs.map(update), &context))
        }
        return update(root)
    }

    /// The groups of the view that the last operator keeps; see `Operator.takeChanges`.
    mutating func takeChanges(all: Bool) -> ChangedRows? {
        guard case .node(let index) = root else { return nil }
        return nodes[index].operation.takeChanges(all: all)
    }

    /// Whether the rows that leave have all left, so that no further one does.
    var isSatisfied: Bool {
        var place = root
        while case .node(let index) = place {
            if nodes[index].operation.isSatisfied { return true }
            // Only operators that give no rows without rows hand that on.
            guard nodes[index].operation is ProjectOperator, let input = nodes[index].inputs.first else { return false }
            place = input
        }
        return false
    }

    /// The clock at which an operator next emits if no row comes.
    var deadline: Int64? {
        nodes.compactMap { node in
            node.operation.deadline.map { deadline in
                let (clock, overflow) = deadline.addingReportingOverflow(node.delay)
                return overflow ? .max : clock
            }
        }.min()
    }
    var stateBytes: Int { nodes.reduce(0) { $0 + $1.operation.stateBytes } }

    /// The operators with state, by id.
    var states: [(id: String, state: OperatorState)] {
        nodes.compactMap { node in
            guard let id = node.id, let state = node.operation.state else { return nil }
            return (id, state)
        }
    }

    /// Freezes the operator's state; see `Operator.freezeState`.
    mutating func freezeState(of id: String, whole: Bool, head: inout StateWriter) {
        guard let index = nodes.firstIndex(where: { $0.id == id }) else { return }
        nodes[index].operation.freezeState(whole: whole, head: &head)
    }

    /// See `Operator.nextPiece`.
    mutating func nextPiece(of id: String, bytes: Int, to writer: inout StateWriter) -> Bool {
        guard let index = nodes.firstIndex(where: { $0.id == id }) else { return false }
        return nodes[index].operation.nextPiece(bytes: bytes, to: &writer)
    }

    mutating func restore(_ layers: [StateLayer], of id: String) throws(SnapshotError) {
        guard let index = nodes.firstIndex(where: { $0.id == id }) else { throw .otherProgram }
        try nodes[index].operation.restore(layers)
    }

    mutating func readState(of id: String, from reader: inout StateReader) throws(SnapshotError) {
        guard let index = nodes.firstIndex(where: { $0.id == id }) else { throw .otherProgram }
        try nodes[index].operation.readState(from: &reader)
    }

    /// From a snapshot of version 1: the states of all operators in the order of the plan.
    mutating func readFirstStates(from reader: inout StateReader) throws(SnapshotError) {
        _ = try reader.count(of: 0)
        for index in nodes.indices { try nodes[index].operation.readFirstState(from: &reader) }
    }
}

extension Relation {
    /// Whether the rows are an aggregation's, filtered and projected at most.
    fileprivate var isAggregation: Bool {
        switch self {
        case .tumblingAggregate: true
        case .filter(let input, _), .project(let input, _, nil): input.isAggregation
        default: false
        }
    }
}
