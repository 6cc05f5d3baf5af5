/// A program while it runs: rows in, rows out, no I/O and no clock of its own.

public import StreamSQL

/// Plays a program over rows that carry their time.
///
/// There is one clock for all streams. It stands at a row's ROWTIME while the row is processed; before a row with a later time is, it moves
/// there, and windows whose end is at or before that time close in the order of their ends, upstream before downstream at the same end.
/// What comes out depends on the rows, their order and the clock's moves alone: it is the same however the input is cut into batches,
/// and across a snapshot. A bounded input ends with `finish`, after which nothing is open any more.
///
/// A value: copying it copies the state.
public struct Dataflow: Sendable {
    /// The stream of rows and records that failed (Developer Guide, "Error Handling"). It can be an output, but not be read by the program.
    public static let errorStream = ErrorStream.schema

    /// What a dataflow is allowed.
    public struct Limits: Sendable {
        /// Bytes that open windows, held rows and forests may take together, about.
        public var stateBytes: Int
        public init(stateBytes: Int = 1 << 30) { self.stateBytes = stateBytes }
    }

    struct RunningPump: Sendable {
        var name: String
        /// Nil for a view, which fills no stream.
        var target: Int?
        var graph: OperatorGraph
        /// What the ids of its operators begin with. No pump's name begins with a slash.
        var stateName: String { target == nil ? "/view/\(name)" : name }
    }

    /// The inputs, the program's streams and `error_stream`, which comes last.
    var streams: [StreamState]
    private let streamIndex: [String: Int]
    private let inputCount: Int
    /// In an order in which a stream's writers come before its readers.
    var pumps: [RunningPump]
    var tables: [ReferenceTable]
    /// The materialized views, in order of creation.
    package let views: [MaterializedView]
    private let queryStart: Int64?
    private let limits: Limits
    /// Whether the inputs have an end that everything waits for: the clock stands still, and each input has its own order of time.
    private let isBounded: Bool
    /// The inputs that have no more rows.
    private var endedInputs: Set<Int> = []
    var failure: DataflowError?
    var output: [OutputBatch] = []
    var hasEnded = false
    /// The operators whose frozen state is still to be given, the next one last.
    var frozen: [FrozenOperator] = []

    /// The clock: milliseconds since 1970-01-01 UTC, `Int64.min` before the first move.
    public internal(set) var clockMilliseconds: Int64 = .min
    /// Number of rows put into `error_stream` so far, whether wanted or not.
    public internal(set) var errorRowCount = 0

    /// Ends a call that takes long, with `stopped`.
    package var stop: StopSignal?

    /// The names of the streams whose rows `takeOutput` gives; nil for all that the program creates and `error_stream`.
    public var wantedStreams: Set<String>?

    /// A dataflow at the start.
    ///
    /// - Parameters:
    ///   - program: what `Planner.plan` gave for these inputs.
    ///   - inputs: the streams that exist before the program, as given to the planner.
    ///   - seed: of the first forest; those after it, in the order of the program, have the numbers that follow.
    ///   - queryStartMilliseconds: what CURRENT_TIMESTAMP and its kin give (SQL Reference, "CURRENT_TIMESTAMP": fixed when the query
    ///     starts); nil to give the clock, as `millrace sql replay` does.
    ///   - isBounded: whether all is known when the inputs end, as for a query over what is stored. Inputs may then be played one after the other.
    /// - Throws: `DataflowError.unusablePlan`.
    public init(
        _ program: Program, inputs: [StreamSchema], seed: UInt64, queryStartMilliseconds: Int64?, limits: Limits = Limits(),
        isBounded: Bool = false
    ) throws(DataflowError) {
        streams = (inputs + program.streams).map { StreamState($0) }
        streams.append(StreamState(Self.errorStream))
        tables = program.tables.map { ReferenceTable($0) }
        inputCount = inputs.count
        queryStart = queryStartMilliseconds
        self.limits = limits
        self.isBounded = isBounded
        var index: [String: Int] = [:]
        for (position, stream) in streams.enumerated() {
            guard index.updateValue(position, forKey: stream.schema.name) == nil else {
                throw .unusablePlan("there are two streams \(stream.schema.name)")
            }
        }
        streamIndex = index

        var setting = OperatorGraph.Setting(
            streams: index, inputCount: inputs.count, queryStart: queryStartMilliseconds, nextSeed: seed,
            tables: Set(program.tables.map(\.name)), isBounded: isBounded)
        var waiting: [RunningPump] = []
        for pump in program.pumps {
            // A stopped pump still takes its seeds, so that starting one does not change the others' scores.
            let graph = try OperatorGraph(pump.query, &setting)
            guard let target = index[pump.target], target >= inputs.count, target < streams.count - 1 else {
                throw .unusablePlan("the pump \(pump.name) fills \(pump.target), which is no stream of the program")
            }
            guard pump.query.columns.map(\.type) == streams[target].schema.columns.map(\.type) else {
                throw .unusablePlan("the pump \(pump.name) does not give the columns of \(pump.target)")
            }
            if pump.isStopped { continue }
            streams[target].writers.append(pump.name)
            waiting.append(RunningPump(name: pump.name, target: target, graph: graph))
        }
        for view in program.views {
            waiting.append(RunningPump(name: view.name, target: nil, graph: try OperatorGraph(view.relation, &setting)))
        }
        views = program.views
        pumps = []
        while !waiting.isEmpty {
            let unfinished = Set(waiting.compactMap(\.target))
            guard let next = waiting.firstIndex(where: { $0.graph.streams.isDisjoint(with: unfinished) }) else {
                throw .unusablePlan("the pumps \(waiting.map(\.name).joined(separator: ", ")) feed each other")
            }
            pumps.append(waiting.remove(at: next))
        }
        if let error = showTables() { throw .unusablePlan(error) }
    }

    // MARK: Tables

    /// Gives a reference table other rows, for what is played from here on. Before the first time it has none.
    ///
    /// - Parameters:
    ///   - name: as given to the planner.
    ///   - rows: with the table's columns; their ROWTIMEs mean nothing.
    ///   - version: what the rows were read from; kept with the state.
    /// - Throws: `table`: the table is as before.
    public mutating func setTable(_ name: String, to rows: ColumnBatch, version: String) throws(DataflowError) {
        guard let index = tables.firstIndex(where: { $0.schema.name == name }) else { throw .table("there is no table \(name)") }
        guard rows.hasColumns(tables[index].schema.columns) else { throw .table("the rows do not have the columns of \(name)") }
        let before = tables[index]
        tables[index].set(rows, version: version)
        guard let error = showTables() else { return }
        tables[index] = before
        _ = showTables()
        throw .table("the program fails with the rows of \(name): \(error)")
    }

    /// The version of a table's rows; empty before it was given any, nil for a table that the program has not.
    public func tableVersion(_ name: String) -> String? { tables.first { $0.schema.name == name }?.version }

    /// Has the operators take the tables as they are.
    /// - Returns: why some of them cannot, for rows that fail are no rows of a table.
    mutating func showTables() -> String? {
        var context = OperatorContext(clockBefore: 0, queryStart: queryStart ?? 0)
        let rows = Dictionary(uniqueKeysWithValues: tables.map { ($0.schema.name, $0.rows) })
        for index in pumps.indices { pumps[index].graph.setTables(rows, &context) }
        return context.failure.map { "\($0)" } ?? context.rejected.first.map { "\($0.name): \($0.message)" }
    }

    // MARK: Input

    /// Plays rows put into an input stream, one after the other; the clock then stands at the last row's time.
    ///
    /// - Parameters:
    ///   - batch: rows with the stream's columns, hidden ones included; their times never decrease and are not before the clock.
    ///   - stream: the stored name of an input stream.
    ///   - errors: records that gave no rows, in order; they go to `error_stream`.
    /// - Throws: `unknownInput`, `wrongColumns`, `timeDecreases`, `inputEnded`: nothing was played. `stateTooLarge`: the dataflow is of no more use.
    public mutating func insert(_ batch: ColumnBatch, into stream: String, errors: [RecordError] = []) throws(DataflowError) {
        try insert(InterleavedRows([InputRows(stream: stream, batch: batch, errors: errors)]))
    }

    /// Plays rows of several inputs in the order of their turns; what comes out is the same as if each turn were put in by itself.
    ///
    /// - Parameter rows: their times never decrease from turn to turn and are not before the clock.
    /// - Throws: as above.
    package mutating func insert(_ rows: InterleavedRows) throws(DataflowError) {
        if let failure { throw failure }
        if hasEnded { throw .inputEnded }
        var places: [Int] = []
        for input in rows.inputs {
            guard let index = streamIndex[input.stream], index < inputCount else { throw .unknownInput(input.stream) }
            guard input.batch.hasColumns(streams[index].schema.columns) else { throw .wrongColumns(stream: input.stream) }
            places.append(index)
        }
        let events = try rows.events(after: isBounded ? .min : clockMilliseconds)
        if events.rejected.isEmpty, events.batches.allSatisfy(\.isEmpty) { return }
        try play(
            zip(places, events.batches).map { (input: $0, batch: $1) }, rejected: events.rejected,
            until: .time(isBounded ? .min : events.end))
    }

    /// One input of a bounded dataflow has no more rows.
    /// - Throws: `unknownInput`, `stateTooLarge`, `inputEnded`.
    public mutating func finish(stream: String) throws(DataflowError) {
        if let failure { throw failure }
        guard isBounded, !hasEnded else { throw .inputEnded }
        guard let index = streamIndex[stream], index < inputCount else { throw .unknownInput(stream) }
        endedInputs.insert(index)
        try play([], rejected: [], until: .time(.min))
    }

    /// Whether no further row of an input can change what comes out.
    public var isSatisfied: Bool { !pumps.isEmpty && pumps.allSatisfy(\.graph.isSatisfied) }

    /// Moves the clock, closing what ends on the way. A time before the clock changes nothing.
    /// - Throws: `stateTooLarge`: the dataflow is of no more use. `inputEnded`.
    public mutating func advance(to milliseconds: Int64) throws(DataflowError) {
        if let failure { throw failure }
        if hasEnded { throw .inputEnded }
        guard milliseconds > clockMilliseconds else { return }
        try play([], rejected: [], until: .time(milliseconds))
    }

    /// Ends the input: everything that is open closes, in the order of (end, first row) as if the clock went on. The clock stays. What has no
    /// end leaves with the clock's time.
    /// - Throws: `stateTooLarge`: the dataflow is of no more use. `inputEnded` for a second time.
    public mutating func finish() throws(DataflowError) {
        if let failure { throw failure }
        if hasEnded { throw .inputEnded }
        hasEnded = true
        try play([], rejected: [], until: .end)
    }

    private mutating func play(
        _ rows: [(input: Int, batch: KeyedBatch)], rejected: [RejectedRow], until watermark: Watermark
    ) throws(DataflowError) {
        var context = OperatorContext(
            clockBefore: isBounded ? 0 : clockMilliseconds, queryStart: queryStart, outputLimit: limits.stateBytes, stop: stop)
        if case .time(let time) = watermark, !isBounded { clockMilliseconds = time }
        context.rejected = rejected
        var arrivals = streams.map { EdgeUpdate(.empty($0.schema.columns), watermark: watermark) }
        for (input, batch) in rows { arrivals[input].rows = batch }
        for input in endedInputs { arrivals[input].watermark = .end }
        var written = [[EdgeUpdate]](repeating: [], count: streams.count)
        var isComplete = [Bool](repeating: false, count: streams.count)
        for index in 0..<inputCount { isComplete[index] = true }
        for index in pumps.indices {
            for stream in pumps[index].graph.streams.sorted() where !isComplete[stream] {
                arrivals[stream] = complete(stream, written[stream], watermark, &context)
                written[stream] = []
                isComplete[stream] = true
            }
            context.pump = pumps[index].name
            let update = pumps[index].graph.run(arrivals, &context)
            if let target = pumps[index].target { written[target].append(update) }
        }
        for stream in inputCount..<(streams.count - 1) where !isComplete[stream] {
            _ = complete(stream, written[stream], watermark, &context)
        }
        if let error = context.failure ?? (stop?.wasHeeded ?? false ? .stopped : nil) {
            failure = error
            throw error
        }
        completeErrors(context.rejected)
        let stateBytes = stateBytes
        if stateBytes > limits.stateBytes {
            let error = DataflowError.stateTooLarge(bytes: stateBytes, limit: limits.stateBytes)
            failure = error
            throw error
        }
    }

    /// Puts the rows of all writers into a stream. A stream that nobody fills has come as far as the clock.
    private mutating func complete(
        _ stream: Int, _ written: [EdgeUpdate], _ watermark: Watermark, _ context: inout OperatorContext
    ) -> EdgeUpdate {
        let update = EdgeUpdate(.empty(streams[stream].schema.columns), watermark: min(written.watermark, watermark))
        let filled = written.map(\.rows).filter { !$0.isEmpty }
        if filled.isEmpty { return update }
        let rows = streams[stream].accept(KeyedBatch.merged(filled, columns: streams[stream].schema.columns), &context)
        emit(stream, rows)
        return update.with(rows)
    }

    private mutating func completeErrors(_ rejected: [RejectedRow]) {
        if rejected.isEmpty { return }
        errorRowCount += rejected.count
        let order = rejected.indices.sorted { rejected[$0].key == rejected[$1].key ? $0 < $1 : rejected[$0].key < rejected[$1].key }
        let stream = streams.count - 1
        emit(stream, KeyedBatch(ErrorStream.batch(order.map { rejected[$0] }), keys: order.map { rejected[$0].key }))
    }

    private mutating func emit(_ stream: Int, _ rows: KeyedBatch) {
        let name = streams[stream].schema.name
        guard !rows.isEmpty, wantedStreams?.contains(name) ?? true else { return }
        output.append(OutputBatch(stream: name, rows: rows))
    }

    // MARK: Output and state

    /// The rows put into streams since the last call. Batches of one stream are in the order in which its rows entered it; batches of different
    /// streams are in no promised order.
    public mutating func takeOutput() -> [(stream: String, batch: ColumnBatch)] {
        takeOutputBatches().map { ($0.stream, $0.rows.batch) }
    }

    /// The same, with the events that the rows come from.
    mutating func takeOutputBatches() -> [OutputBatch] {
        let taken = output
        output = []
        return taken
    }

    /// The groups of a view that have changed since the last call, or all of them.
    /// - Parameter view: the place among `views`.
    package mutating func takeChanges(of view: Int, all: Bool = false) -> ViewRows {
        let index = pumps.firstIndex { $0.target == nil && $0.name == views[view].name }
        let changes = index.flatMap { pumps[$0].graph.takeChanges(all: all) }
        return ViewRows(changes, of: views[view], queryStart: queryStart ?? clockMilliseconds)
    }

    /// The schema of each stream that `takeOutput` may name.
    public var outputSchemas: [StreamSchema] { streams[inputCount...].map(\.schema) }

    /// The clock at which something closes next if no row comes; nil when nothing is open.
    public var nextDeadlineMilliseconds: Int64? { pumps.compactMap(\.graph.deadline).min() }

    /// About how much memory open windows, held rows and forests take.
    public var stateBytes: Int { pumps.reduce(0) { $0 + $1.graph.stateBytes } }

}

/// Rows that entered a stream.
struct OutputBatch: Sendable {
    var stream: String
    var rows: KeyedBatch
}

extension ColumnBatch {
    fileprivate func hasColumns(_ definitions: [ColumnDefinition]) -> Bool {
        columns.count == definitions.count
            && zip(columns, definitions).allSatisfy { column, definition in
                column.type == definition.type && column.count == count && column.isWhole
            }
    }
}
