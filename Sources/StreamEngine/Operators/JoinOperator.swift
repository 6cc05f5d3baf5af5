/// Joins of two streams: rows of each side wait in its window for rows of the other.

import StreamSQL

/// A pair leaves when its later row comes, with the later of the two ROWTIMEs, if the earlier row still lies in its side's window: with RANGE, its ROWTIME
/// is at most so much lower; with ROWS, it is among the last of its side. A side without a window has no waiting rows. A preserved row without a match
/// leaves when it leaves its window, at once where there is none (SQL Reference, "JOIN Clause"). Two rows of one event count as coming left first.
struct JoinOperator: WholeStateOperator {
    private let join: WindowJoin
    private let condition: PreparedExpression?
    private let keys: (left: [PreparedExpression], right: [PreparedExpression])
    private let columns: [ColumnDefinition]
    let state: OperatorState?

    private var left: JoinRows
    private var right: JoinRows
    /// The highest ROWTIME given so far: where one side lags, rows that leave later would otherwise go back behind it.
    private var highest = Int64.min
    var frozen = WholeState()

    init(_ join: WindowJoin, left: [ColumnDefinition], right: [ColumnDefinition]) {
        self.join = join
        condition = join.condition.map { PreparedExpression($0) }
        keys = (join.keys.map { PreparedExpression($0.left) }, join.keys.map { PreparedExpression($0.right) })
        columns = WindowJoin.columns(left, right)
        self.left = JoinRows(join.left, left)
        self.right = JoinRows(join.right, right)
        let sides = zip([left, right], [join.left, join.right]).map { columns, side in
            let shown = columns.map { "\"\($0.name)\" \($0.type)" }.joined(separator: ", ")
            return "(\(shown)) \(side.window.map { "\($0)" } ?? "-") \(side.isPreserved)"
        }
        let terms = join.condition?.signature(over: columns) ?? "TRUE"
        state = OperatorState(kind: "join", version: 1, signature: "\(sides[0]); \(sides[1]); on \(terms)")
    }

    /// When a preserved row leaves; nothing is seen of others that do.
    var deadline: Int64? {
        [join.left.isPreserved ? left.deadline : nil, join.right.isPreserved ? right.deadline : nil].compactMap(\.self).min()
    }

    /// The clock at which the next row leaves its window.
    private var nextEnd: Int64? { [left.deadline, right.deadline].compactMap(\.self).min() }

    var stateBytes: Int { left.byteCount + right.byteCount }

    /// What happens, in order: a pair that may match, or a row that leaves its window.
    private struct Happening {
        var key: EventKey
        var rowtime: Int64
        /// Positions of rows; nil for none.
        var left: Int?
        var right: Int?
    }

    /// So many happenings are settled at a time: pairs that do not match take no more memory than that.
    private static let slice = 8192

    /// What one call has come to.
    private struct Progress {
        /// What happened last, to be settled.
        var happenings: [Happening] = []
        /// The rows that leave.
        var output: KeyedBatch
        /// The last event.
        var last: EventKey?
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let (lefts, rights) = (inputs[0].rows, inputs[1].rows)
        let watermark = inputs.watermark
        let leftKeys = left.enter(lefts, keys.left, &context)
        let rightKeys = right.enter(rights, keys.right, &context)
        var progress = Progress(output: .empty(columns))
        var (l, r) = (0, 0)
        while l < lefts.count || r < rights.count {
            let takesLeft = r == rights.count || l < lefts.count && !(rights.keys[r] < lefts.keys[l])
            let key = takesLeft ? lefts.keys[l] : rights.keys[r]
            expire(before: key, &progress, &context)
            if takesLeft {
                arrive(leftKeys[l], at: key, isLeft: true, &progress, &context)
                l += 1
            } else {
                arrive(rightKeys[r], at: key, isLeft: false, &progress, &context)
                r += 1
            }
            if context.isStopped() { break }
        }
        while let end = nextEnd, watermark.passes(end) { expire(at: end, under: .closing(at: end), &progress, &context) }
        if watermark == .end { drain(&progress, &context) }
        settle(&progress, &context)
        left.trim()
        right.trim()
        return EdgeUpdate(progress.output, watermark: watermark)
    }

    // MARK: Events

    private mutating func arrive(
        _ key: [UInt8]?, at event: EventKey, isLeft: Bool, _ progress: inout Progress, _ context: inout OperatorContext
    ) {
        progress.last = event
        let position = isLeft ? left.next() : right.next()
        let rowtime = isLeft ? left.rowtime(position) : right.rowtime(position)
        // The other side's rows that have left its window as of this ROWTIME are passed over; they leave by the clock.
        for other in isLeft ? right.matches(key, at: rowtime) : left.matches(key, at: rowtime) {
            let later = max(rowtime, isLeft ? right.rowtime(other) : left.rowtime(other))
            add(event, later, left: isLeft ? position : other, right: isLeft ? other : position, &progress, &context)
        }
        for gone in isLeft ? left.wait(position, key, event) : right.wait(position, key, event) {
            let own = isLeft ? left.rowtime(gone) : right.rowtime(gone)
            add(event, max(own, rowtime), left: isLeft ? gone : nil, right: isLeft ? nil : gone, &progress, &context)
        }
    }

    private mutating func expire(before key: EventKey, _ progress: inout Progress, _ context: inout OperatorContext) {
        while let end = nextEnd, EventKey.closing(at: end) < key { expire(at: end, under: .closing(at: end), &progress, &context) }
    }

    private mutating func expire(
        at deadline: Int64, under key: EventKey, _ progress: inout Progress, _ context: inout OperatorContext
    ) {
        progress.last = key
        for gone in left.expire(at: deadline) { add(key, left.end(of: gone), left: gone, right: nil, &progress, &context) }
        for gone in right.expire(at: deadline) { add(key, right.end(of: gone), left: nil, right: gone, &progress, &context) }
    }

    /// The end of the input: rows of windows by ROWS leave too, after all else.
    private mutating func drain(_ progress: inout Progress, _ context: inout OperatorContext) {
        let clock = context.clockBefore
        let key = max(EventKey.closing(at: clock), progress.last ?? .closing(at: clock))
        for gone in left.expireAll() { add(key, max(clock, left.rowtime(gone)), left: gone, right: nil, &progress, &context) }
        for gone in right.expireAll() { add(key, max(clock, right.rowtime(gone)), left: nil, right: gone, &progress, &context) }
    }

    // MARK: Output

    private mutating func add(
        _ key: EventKey, _ rowtime: Int64, left: Int?, right: Int?, _ progress: inout Progress, _ context: inout OperatorContext
    ) {
        progress.happenings.append(Happening(key: key, rowtime: rowtime, left: left, right: right))
        if progress.happenings.count >= Self.slice { settle(&progress, &context) }
    }

    /// Tests the pairs at hand, all at once, and then takes what leaves in order.
    private mutating func settle(_ progress: inout Progress, _ context: inout OperatorContext) {
        if progress.happenings.isEmpty { return }
        // One row may meet millions of others.
        if context.isStopped() { return progress.happenings.removeAll() }
        let holds = test(progress.happenings.filter { $0.left != nil && $0.right != nil }, &context)
        var leaving: [Happening] = []
        var pair = 0
        for happening in progress.happenings {
            switch (happening.left, happening.right) {
            case (let l?, let r?):
                if holds[pair] {
                    left.noteMatch(l)
                    right.noteMatch(r)
                    leaving.append(happening)
                }
                pair += 1
            case (let l?, nil): if join.left.isPreserved, !left.isMatched(l) { leaving.append(happening) }
            case (nil, let r?): if join.right.isPreserved, !right.isMatched(r) { leaving.append(happening) }
            case (nil, nil): break
            }
        }
        for index in leaving.indices {
            highest = max(highest, leaving[index].rowtime)
            leaving[index].rowtime = highest
        }
        if !leaving.isEmpty { progress.output.append(rows(leaving)) }
        progress.happenings.removeAll(keepingCapacity: true)
    }

    /// Which pairs match.
    private func test(_ pairs: [Happening], _ context: inout OperatorContext) -> [Bool] {
        var holds = [Bool](repeating: true, count: pairs.count)
        guard let condition, !pairs.isEmpty else { return holds }
        let joined = rows(pairs)
        var errors: [RowError] = []
        holds = context.evaluate(condition, over: joined, errors: &errors).isTrue
        if let keep = context.reject(errors, of: joined, columns: columns) {
            for row in holds.indices where !keep[row] { holds[row] = false }
        }
        return holds
    }

    private func rows(_ happenings: [Happening]) -> KeyedBatch {
        if happenings.isEmpty { return .empty(columns) }
        return KeyedBatch(
            ColumnBatch(
                rowtimes: happenings.map(\.rowtime),
                columns: left.gather(happenings.map(\.left)) + right.gather(happenings.map(\.right))),
            keys: happenings.map(\.key))
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        left.write(to: &writer)
        right.write(to: &writer)
        writer.write(highest)
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        try left.read(from: &reader)
        try right.read(from: &reader)
        // States of builds that did not know it end here.
        if !reader.isAtEnd { highest = try reader.int64() }
    }
}
