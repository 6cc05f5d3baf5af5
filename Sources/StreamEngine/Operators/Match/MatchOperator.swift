/// MATCH_RECOGNIZE: finds sequences of rows, partition by partition, as the rows come.

import StreamSQL

/// A match leaves when it is known that none is preferred to it: with its last row where nothing longer can follow, else when a row ends it, or its time
/// (WITHIN) is over. Its ROWTIME is that of the event which decides. A run whose time is over is a match if it waited for an absence. What a partition may
/// hold is bounded: where a row would begin one run too many, or a match is too long, the row goes to the error stream and that run is given up.
struct MatchOperator: WholeStateOperator {
    private let call: MatchCall
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    private let program: MatchProgram
    private let values: MatchValues
    private let conditions: MatchConditions
    private let references: [MatchReference]
    private let measures: [PreparedExpression]
    /// Whether the clock says nothing of the rows: a query over what is stored.
    private let isBounded: Bool
    let state: OperatorState?

    private var numbers: [[UInt8]: Int] = [:]
    private var partitions: [MatchPartition] = []
    private var unused: [Int] = []
    private var deadlines = MatchDeadlines()
    private var nextSerial: Int64 = 0
    private var runCount = 0
    /// ROWTIME of the last match.
    private var lastTime: Int64 = .min
    private var countedBytes = 0
    var frozen = WholeState()

    /// How many runs a partition may have at a time, and how many rows of it are kept for them.
    static let mostRuns = 1000
    static let mostRows = 10_000

    init(_ call: MatchCall, inputColumns: [ColumnDefinition], isBounded: Bool) {
        self.call = call
        self.inputColumns = inputColumns
        self.isBounded = isBounded
        columns = call.columns(of: inputColumns)
        program = MatchProgram(call)
        values = MatchValues(call, inputColumns)
        conditions = MatchConditions(call, values, inputColumns)
        references = call.references.map(values.prepared)
        measures = call.measures.map { PreparedExpression($0.expression) }
        state = OperatorState(kind: "match", version: 1, signature: call.signature(over: inputColumns))
    }

    var deadline: Int64? { isBounded ? nil : deadlines.first?.deadline }
    var stateBytes: Int { countedBytes + deadlines.count * 24 }

    /// Matches that were found in a call, on their way out.
    private struct Found {
        var keys: [EventKey] = []
        var times: [Int64] = []
        var partitions: [[SQLValue]] = []
        var references: [ColumnBuilder]
        var errors: [RowError] = []
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var found = Found(references: references.map { ColumnBuilder($0.type) })
        if !inputs[0].rows.isEmpty { add(inputs[0].rows, &found, &context) }
        switch inputs[0].watermark {
        case .time(let time): if !isBounded { endRuns(through: time, &found, &context) }
        case .end: endAll(&found, &context)
        }
        return inputs[0].with(rows(of: found, &context))
    }

    // MARK: Rows

    private mutating func add(_ input: KeyedBatch, _ found: inout Found, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        let keyColumns = call.partition.map { input.batch.columns[$0] }
        var (keys, numbersOfRows) = ([[UInt8]](), [Int]())
        for row in 0..<input.count {
            var key: [UInt8] = []
            for column in keyColumns { column.appendKeyBytes(row, into: &key) }
            numbersOfRows.append(numbers[key] ?? -1)
            keys.append(key)
        }
        let kept = values.rows(of: input.batch)
        let known = known(input, kept, keys, numbersOfRows, &context, errors: &errors)
        let rowtimes = input.batch.rowtimes
        for row in 0..<input.count {
            if !isBounded { endRuns(before: input.keys[row], &found, &context) }
            let mayBegin = conditions.mayHold(program.firsts, row, known)
            guard let number = numbers[keys[row]] ?? (mayBegin || values.behind > 0 ? open(keys[row], row, keyColumns) : nil) else {
                continue
            }
            if partitions[number].runs.isEmpty, !mayBegin, values.behind == 0 { continue }
            endRuns(of: number, at: rowtimes[row], under: input.keys[row], &found, &context)
            partitions[number].rows.append(contentsOf: kept.slice(row..<row + 1))
            step(number, row, mayBegin: mayBegin, input, known, &context, errors: &errors)
            resolve(number, under: input.keys[row], time: rowtimes[row], &found, &context)
            leave(number)
        }
        // The rows stay in the sequence: what has no value is not TRUE.
        _ = context.reject(errors, of: input, columns: inputColumns)
    }

    /// What conditions of rows by themselves say of a batch.
    private func known(
        _ input: KeyedBatch, _ kept: ColumnBatch, _ keys: [[UInt8]], _ numbersOfRows: [Int], _ context: inout OperatorContext,
        errors: inout [RowError]
    ) -> MatchConditions.Known {
        let farthest = conditions.farthestBefore
        guard farthest > 0 else {
            return conditions.known(input, earlier: kept, places: [], &context, errors: &errors)
        }
        var earlier = ColumnBatch.empty(values.columns)
        var last: [[UInt8]: [Int]] = [:]
        for (row, number) in numbersOfRows.enumerated() where number >= 0 && last[keys[row]] == nil {
            let tail = partitions[number].rows
            let range = max(0, tail.count - farthest)..<tail.count
            last[keys[row]] = range.indices.reversed().map { earlier.count + $0 - range.lowerBound }
            earlier.append(contentsOf: tail.slice(range))
        }
        let base = earlier.count
        earlier.append(contentsOf: kept)
        var places: [[Int]] = []
        for row in 0..<input.count {
            let before = last[keys[row]] ?? []
            places.append(before)
            last[keys[row]] = [base + row] + before.prefix(farthest - 1)
        }
        return conditions.known(input, earlier: earlier, places: places, &context, errors: &errors)
    }

    private mutating func open(_ key: [UInt8], _ row: Int, _ keyColumns: [Column]) -> Int {
        let partition = MatchPartition(key: key, values: keyColumns.map { $0.value(at: row) }, rows: .empty(values.columns))
        let number: Int
        if let free = unused.popLast() {
            number = free
            partitions[number] = partition
        } else {
            number = partitions.count
            partitions.append(partition)
        }
        numbers[key] = number
        return number
    }

    /// Takes the last row of a partition into its runs, and begins one with it.
    private mutating func step(
        _ number: Int, _ row: Int, mayBegin: Bool, _ input: KeyedBatch, _ known: MatchConditions.Known,
        _ context: inout OperatorContext, errors: inout [RowError]
    ) {
        var runs = partitions[number].runs
        partitions[number].runs = []
        let partition = partitions[number]
        let place = partition.rowCount - 1
        func take(_ run: inout MatchRun) {
            let start = run.start
            let isOver = program.step(&run) { variable, labels in
                conditions.holds(variable, row, known, input, partition, start: start, labels, &context, errors: &errors)
            }
            if isOver { errors.append(.tooManyWays(row)) }
        }
        for index in runs.indices { take(&runs[index]) }
        if mayBegin {
            let time = input.batch.rowtime(row)
            var run = MatchRun(start: place, time: time, serial: nextSerial, threads: program.beginning)
            run.deadline = deadline(from: time, clock: input.keys[row].time)
            take(&run)
            if !run.threads.isEmpty || run.best != nil, !program.isIdle(run, beside: runs) {
                if runs.count >= Self.mostRuns {
                    errors.append(.tooManyRuns(row))
                } else {
                    nextSerial += 1
                    runs.append(run)
                    if let deadline = run.deadline, !run.threads.isEmpty, !isBounded {
                        deadlines.add(MatchDeadlines.Entry(deadline: deadline, serial: run.serial, partition: number))
                    }
                }
            }
        }
        if let first = runs.first, place - first.start >= Self.mostRows {
            errors.append(.tooLong(row))
            runs.removeFirst()
        }
        partitions[number].runs = runs
    }

    private func deadline(from time: Int64, clock: Int64) -> Int64? {
        guard let within = call.within else { return nil }
        let (end, isFar) = time.addingReportingOverflow(within)
        if isFar || end > clock { return isFar ? .max : end }
        let (late, isPast) = clock.addingReportingOverflow(within)
        return isPast ? .max : late
    }

    /// Gives the matches that are decided, in the order of their first rows.
    private mutating func resolve(
        _ number: Int, under key: EventKey, time: Int64, _ found: inout Found, _ context: inout OperatorContext
    ) {
        while let run = partitions[number].runs.first, run.threads.isEmpty {
            guard let labels = run.best else {
                partitions[number].runs.removeFirst()
                continue
            }
            give(run, labels, partitions[number], under: key, time: time, &found, &context)
            let next = program.next(after: run, labels)
            partitions[number].runs.removeAll { $0.start < next }
        }
    }

    /// Counts a partition anew and lets go of what it needs no more.
    private mutating func leave(_ number: Int) {
        partitions[number].trim(behind: values.behind)
        if partitions[number].runs.isEmpty, values.behind == 0 {
            numbers[partitions[number].key] = nil
            countedBytes -= partitions[number].countedBytes
            partitions[number] = MatchPartition(key: [], values: [], rows: .empty([]), isInUse: false)
            unused.append(number)
        } else {
            let bytes = partitions[number].byteCount
            countedBytes += bytes - partitions[number].countedBytes
            partitions[number].countedBytes = bytes
        }
        if deadlines.count > 1024, deadlines.count > 4 * partitions.count {
            let live = partitions
            deadlines.keep { entry in live[entry.partition].runs.contains { $0.serial == entry.serial } }
        }
    }

    // MARK: Time

    /// Ends the runs whose time is over before an event, in the order of their deadlines.
    private mutating func endRuns(before key: EventKey, _ found: inout Found, _ context: inout OperatorContext) {
        while let first = deadlines.first, EventKey.closing(at: first.deadline) < key { endFirst(first, &found, &context) }
    }

    private mutating func endRuns(through time: Int64, _ found: inout Found, _ context: inout OperatorContext) {
        while let first = deadlines.first, first.deadline <= time { endFirst(first, &found, &context) }
    }

    private mutating func endFirst(_ entry: MatchDeadlines.Entry, _ found: inout Found, _ context: inout OperatorContext) {
        deadlines.removeFirst()
        let number = entry.partition
        guard let index = partitions[number].runs.firstIndex(where: { $0.serial == entry.serial }) else { return }
        program.end(&partitions[number].runs[index])
        resolve(number, under: .closing(at: entry.deadline), time: entry.deadline, &found, &context)
        leave(number)
    }

    /// Ends the runs of a partition whose time is over at a ROWTIME.
    private mutating func endRuns(
        of number: Int, at time: Int64, under key: EventKey, _ found: inout Found, _ context: inout OperatorContext
    ) {
        guard let within = call.within, !partitions[number].runs.isEmpty else { return }
        for index in partitions[number].runs.indices {
            let (end, isFar) = partitions[number].runs[index].time.addingReportingOverflow(within)
            if !isFar, end <= time { program.end(&partitions[number].runs[index]) }
        }
        resolve(number, under: key, time: time, &found, &context)
    }

    /// The end of the input: as if the time of all runs were over, in the order of their deadlines and then of their first rows.
    private mutating func endAll(_ found: inout Found, _ context: inout OperatorContext) {
        var all: [(deadline: Int64, serial: Int64, number: Int)] = []
        for number in partitions.indices {
            for run in partitions[number].runs { all.append((run.deadline ?? .max, run.serial, number)) }
        }
        for (deadline, serial, number) in all.sorted(by: { ($0.deadline, $0.serial) < ($1.deadline, $1.serial) }) {
            guard let index = partitions[number].runs.firstIndex(where: { $0.serial == serial }) else { continue }
            program.end(&partitions[number].runs[index])
            let time = deadline == .max || isBounded ? context.clockBefore : deadline
            resolve(number, under: .closing(at: isBounded ? .max : deadline), time: time, &found, &context)
        }
    }

    // MARK: Matches

    private mutating func give(
        _ run: MatchRun, _ labels: [UInt8], _ partition: MatchPartition, under key: EventKey, time: Int64, _ found: inout Found,
        _ context: inout OperatorContext
    ) {
        lastTime = max(lastTime, time)
        var errors: [RowError] = []
        for (index, reference) in references.enumerated() {
            let value = values.value(
                reference, partition.rows, start: run.start - partition.firstRow, labels, key, &context, errors: &errors)
            found.references[index].append(0, of: value)
        }
        if var error = errors.first {
            error.row = found.keys.count
            found.errors.append(error)
        }
        found.keys.append(key)
        found.times.append(lastTime)
        found.partitions.append(partition.values)
    }

    /// The matches as rows; one without a measure is reported by its partition.
    private func rows(of found: Found, _ context: inout OperatorContext) -> KeyedBatch {
        if found.keys.isEmpty { return .empty(columns) }
        let partition = call.partition.indices.map { place in
            Column(columns[place].type, values: found.partitions.map { $0[place] })
        }
        let read = KeyedBatch(
            ColumnBatch(rowtimes: found.times, columns: found.references.map { $0.finish() }), keys: found.keys)
        var errors = found.errors
        let results = measures.map { context.evaluate($0, over: read, errors: &errors) }
        let whole = KeyedBatch(ColumnBatch(rowtimes: found.times, columns: partition + results), keys: found.keys)
        let shown = KeyedBatch(ColumnBatch(rowtimes: found.times, columns: partition), keys: found.keys)
        guard let keep = context.reject(errors, of: shown, columns: Array(columns.prefix(partition.count))) else { return whole }
        return whole.filtered(by: keep)
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        writer.write(nextSerial)
        writer.write(lastTime)
        let live = partitions.filter(\.isInUse)
        writer.write(count: live.count)
        for place in call.partition.indices {
            writer.write(plain: Column(columns[place].type, values: live.map { $0.values[place] }))
        }
        for partition in live {
            writer.write(count: partition.firstRow)
            writer.write(plain: partition.rows.rowtime)
            for column in partition.rows.columns { writer.write(plain: column) }
            writer.write(count: partition.runs.count)
            for run in partition.runs { run.write(to: &writer) }
        }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        nextSerial = try reader.int64()
        lastTime = try reader.int64()
        let count = try reader.count()
        var keyColumns: [Column] = []
        for place in call.partition.indices { keyColumns.append(try reader.column(columns[place].type, rows: count)) }
        for row in 0..<count {
            var key: [UInt8] = []
            for column in keyColumns { column.appendKeyBytes(row, into: &key) }
            guard numbers[key] == nil else { throw .damaged("a partition appears twice") }
            let number = open(key, row, keyColumns)
            partitions[number].firstRow = try reader.number()
            partitions[number].rows = try reader.batch(values.columns)
            for _ in 0..<(try reader.count(of: 32)) {
                let run = try MatchRun(from: &reader, program.instructions.count, call.variables.count)
                guard run.start >= partitions[number].firstRow, run.start < partitions[number].rowCount else {
                    throw .damaged("a run begins outside of its partition")
                }
                partitions[number].runs.append(run)
                if let deadline = run.deadline, !run.threads.isEmpty, !isBounded {
                    deadlines.add(MatchDeadlines.Entry(deadline: deadline, serial: run.serial, partition: number))
                }
            }
            partitions[number].countedBytes = partitions[number].byteCount
            countedBytes += partitions[number].countedBytes
        }
    }
}

extension RowError {
    fileprivate static func tooManyRuns(_ row: Int) -> RowError {
        RowError(
            row: row, name: "Too many matches",
            message: "The row's partition has \(MatchOperator.mostRuns) matches on their way; none begins here.")
    }

    fileprivate static func tooLong(_ row: Int) -> RowError {
        RowError(
            row: row, name: "Match too long", message: "A match of \(MatchOperator.mostRows) rows is not ended; it is given up.")
    }

    fileprivate static func tooManyWays(_ row: Int) -> RowError {
        RowError(
            row: row, name: "Match too ambiguous",
            message: "A match could be made in more than \(MatchProgram.mostThreads) ways; those preferred least are given up.")
    }
}
