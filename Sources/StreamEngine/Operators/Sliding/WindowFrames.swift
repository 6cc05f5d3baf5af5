/// One window of a query with OVER: its partitions, the rows that lie in it, and the functions over it.

import StreamSQL

struct WindowFrames: Sendable {
    private let frame: SlidingFrame
    private let keyTypes: [SQLType]
    private var table: GroupTable
    private var rows: FrameRows
    /// With ROWS: the positions of each partition's rows, the oldest first from `queueHeads` on.
    private var queues: [[Int]] = []
    private var queueHeads: [Int] = []
    /// How many rows each partition has in the window.
    private var counts: [Int] = []
    private var total = 0
    private var accumulators: [any SlidingAccumulator]
    /// For each function, its first argument's place among the columns that rows are kept of; nil for one without.
    private let firstArguments: [Int?]
    private var groups: [Int] = []
    private var estimate = (bytes: 0, rows: 0)

    /// - Parameters:
    ///   - calls: the functions over this window.
    ///   - keptTypes: of the columns that rows are kept of.
    init(_ window: SlidingWindow, calls: [SlidingCall], firstArguments: [Int?], keptTypes: [SQLType]) {
        frame = window.frame
        keyTypes = window.partition.map(\.type)
        table = GroupTable(keyTypes)
        rows = FrameRows(keptTypes)
        accumulators = calls.map {
            $0.function.makeAccumulator($0.arguments.map(\.type), $0.type, window.frame == .endless)
        }
        self.firstArguments = firstArguments
    }

    private var isEndless: Bool { frame == .endless }

    /// Lets rows enter.
    ///
    /// - Parameters:
    ///   - kept: the columns that rows are kept of.
    ///   - arguments: of each function.
    /// - Returns: a column of results a function.
    mutating func slide(
        _ batch: ColumnBatch, keys: [Column], kept: [Column], arguments: [[Column]], errors: inout [RowError]
    ) -> [Column] {
        let rowtimes = batch.rowtimes
        table.number(0..<batch.count, of: keys, into: &groups)
        let partitions = groups
        if counts.count < table.count { counts.append(contentsOf: repeatElement(0, count: table.count - counts.count)) }
        var steps = SlidingSteps(
            partitions: partitions, rowtimes: rowtimes, leaving: [], leavingEnds: [], partitionCount: table.count)
        steps.leavingEnds.reserveCapacity(batch.count)
        let leaving: [Column]
        switch frame {
        case .endless:
            steps.leavingEnds = [Int](repeating: 0, count: batch.count)
            leaving = kept.map { .empty($0.type) }
        case .range(let length):
            rows.append(rowtimes, partitions, kept)
            leaving = leave(olderThan: length, &steps)
        case .rows(let most):
            rows.append(rowtimes, partitions, kept)
            leaving = leave(moreThan: most, &steps)
        }
        var results: [Column] = []
        for index in accumulators.indices {
            results.append(
                accumulators[index].slide(
                    steps, arguments: arguments[index], leaving: firstArguments[index].map { leaving[$0] }, errors: &errors))
        }
        tidy(batch.count)
        return results
    }

    /// Rows whose ROWTIME is too far back leave, of whatever partition.
    private mutating func leave(olderThan length: Int64, _ steps: inout SlidingSteps) -> [Column] {
        let first = rows.head
        var head = first
        for (row, rowtime) in steps.rowtimes.enumerated() {
            let (oldest, overflow) = rowtime.subtractingReportingOverflow(length)
            while !overflow, rows.rowtime(head) < oldest {
                let partition = rows.partition(head)
                steps.leaving.append(partition)
                counts[partition] -= 1
                head += 1
            }
            steps.leavingEnds.append(steps.leaving.count)
            counts[steps.partitions[row]] += 1
        }
        total += steps.rowtimes.count - steps.leaving.count
        rows.head = head
        let columns = rows.columns.indices.map { rows.slice(first..<head, $0) }
        rows.trim()
        return columns
    }

    /// The oldest row of a partition leaves when there are too many.
    private mutating func leave(moreThan most: Int, _ steps: inout SlidingSteps) -> [Column] {
        queues.append(contentsOf: repeatElement([], count: table.count - queues.count))
        queueHeads.append(contentsOf: repeatElement(0, count: table.count - queueHeads.count))
        let first = rows.end - steps.partitions.count
        var gone: [Int] = []
        for (row, partition) in steps.partitions.enumerated() {
            queues[partition].append(first + row)
            if counts[partition] > most {
                gone.append(queues[partition][queueHeads[partition]])
                queueHeads[partition] += 1
                steps.leaving.append(partition)
                if queueHeads[partition] > 32, queueHeads[partition] * 2 > queues[partition].count {
                    queues[partition].removeFirst(queueHeads[partition])
                    queueHeads[partition] = 0
                }
            } else {
                counts[partition] += 1
                total += 1
            }
            steps.leavingEnds.append(steps.leaving.count)
        }
        let columns = rows.columns.indices.map { rows.gather(gone, $0) }
        if rows.end - rows.base > 4096 + 2 * total { keepQueued() }
        return columns
    }

    /// Gives up the rows that have left.
    private mutating func keepQueued() {
        var positions: [Int] = []
        for (partition, queue) in queues.enumerated() { positions += queue[queueHeads[partition]...] }
        positions.sort()
        var places: [Int: Int] = [:]
        places.reserveCapacity(positions.count)
        for (place, position) in positions.enumerated() { places[position] = place }
        rows.keep(positions)
        for partition in queues.indices {
            queues[partition] = queues[partition][queueHeads[partition]...].map { places[$0] ?? 0 }
            queueHeads[partition] = 0
        }
    }

    /// Gives up partitions without rows, when they are more than the others.
    private mutating func tidy(_ added: Int) {
        estimate.rows += added
        guard case .range = frame, table.count > 1024, !keyTypes.isEmpty else { return }
        // Counted now and then only.
        guard estimate.rows > table.count else { return }
        let live = counts.indices.filter { counts[$0] > 0 }
        if live.count * 2 < table.count { keep(live) }
        estimate = (currentBytes, 0)
    }

    private mutating func keep(_ live: [Int]) {
        let terms = table.terms.map { $0.gather(rows: live) }
        table = GroupTable(keyTypes)
        table.number(0..<live.count, of: terms, into: &groups)
        var numbers = [Int](repeating: 0, count: counts.count)
        for (number, partition) in live.enumerated() { numbers[partition] = number }
        for index in accumulators.indices {
            // An accumulator that has seen no row of the last partitions knows none of them.
            accumulators[index].keep(live)
        }
        counts = live.map { counts[$0] }
        rows.renumber(numbers)
    }

    private var currentBytes: Int {
        table.byteCount + rows.byteCount + counts.count * 32 + accumulators.reduce(0) { $0 + $1.byteCount }
            + queues.reduce(0) { $0 + $1.count * 8 }
    }

    /// About how much memory it takes, as counted some rows ago.
    mutating func byteCount() -> Int {
        if estimate.rows > estimate.bytes / 512 { estimate = (currentBytes, 0) }
        return estimate.bytes
    }

    // MARK: State

    /// Partitions with rows; of an endless window, all.
    private var live: [Int] { isEndless ? Array(0..<table.count) : counts.indices.filter { counts[$0] > 0 } }

    /// The rows of the window with their partitions' terms, and what they do not tell.
    func write(to writer: inout StateWriter) {
        let live = live
        writer.write(count: live.count)
        for term in table.terms { writer.write(plain: term.gather(rows: live)) }
        for accumulator in accumulators {
            for column in accumulator.stateColumns(of: live) { writer.write(plain: column) }
        }
        var numbers = [Int](repeating: 0, count: table.count)
        for (number, partition) in live.enumerated() { numbers[partition] = number }
        let positions = inside
        writer.write(count: positions.count)
        writer.write(Column(.timestamp, .integers(positions.map { rows.rowtime($0) })))
        writer.write(Column(.bigint, .integers(positions.map { Int64(numbers[rows.partition($0)]) })))
        for column in rows.columns.indices { writer.write(plain: rows.gather(positions, column)) }
    }

    /// The positions of the rows that lie in the window.
    private var inside: [Int] {
        switch frame {
        case .endless: []
        case .range: Array(rows.head..<rows.end)
        case .rows: queues.indices.flatMap { queues[$0][queueHeads[$0]...] }.sorted()
        }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let count = try reader.count(of: 0)
        var terms: [Column] = []
        for type in keyTypes { terms.append(try reader.column(type, rows: count)) }
        guard !keyTypes.isEmpty || count <= 1 else { throw .damaged("the number of partitions is wrong") }
        table.number(0..<count, of: terms, into: &groups)
        guard table.count == count else { throw .damaged("a partition appears twice") }
        counts = [Int](repeating: 0, count: count)
        for index in accumulators.indices {
            var state: [Column] = []
            for type in accumulators[index].stateTypes { state.append(try reader.column(type, rows: count)) }
            accumulators[index].restore(state, count: count)
        }
        let rowCount = try reader.count(of: 0)
        let rowtimes = try reader.column(.timestamp, rows: rowCount).integers
        let numbers = try reader.column(.bigint, rows: rowCount).integers
        guard numbers.allSatisfy({ 0..<Int64(count) ~= $0 }) else { throw .damaged("a partition's number") }
        var kept: [Column] = []
        for column in rows.columns { kept.append(try reader.column(column.type, rows: rowCount)) }
        enterAgain(rowtimes, numbers.map { Int($0) }, kept)
    }

    private mutating func enterAgain(_ rowtimes: [Int64], _ partitions: [Int], _ kept: [Column]) {
        let steps = SlidingSteps(
            partitions: partitions, rowtimes: rowtimes, leaving: [], leavingEnds: [Int](repeating: 0, count: rowtimes.count),
            partitionCount: table.count)
        // What does not fit was reported when the row came.
        var errors: [RowError] = []
        if !isEndless {
            for index in accumulators.indices {
                _ = accumulators[index].slide(
                    steps, arguments: firstArguments[index].map { [kept[$0]] } ?? [], leaving: nil, errors: &errors)
            }
        }
        for partition in partitions { counts[partition] += 1 }
        total = partitions.count
        rows.append(rowtimes, partitions, kept)
        guard case .rows = frame else { return }
        queues = [[Int]](repeating: [], count: table.count)
        queueHeads = [Int](repeating: 0, count: table.count)
        for (position, partition) in partitions.enumerated() { queues[partition].append(position) }
    }
}
