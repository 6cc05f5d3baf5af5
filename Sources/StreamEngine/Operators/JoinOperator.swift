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

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let (lefts, rights) = (inputs[0].rows, inputs[1].rows)
        let watermark = inputs.watermark
        let leftKeys = left.enter(lefts, keys.left, &context)
        let rightKeys = right.enter(rights, keys.right, &context)
        var happenings: [Happening] = []
        var (l, r) = (0, 0)
        while l < lefts.count || r < rights.count {
            let takesLeft = r == rights.count || l < lefts.count && !(rights.keys[r] < lefts.keys[l])
            let key = takesLeft ? lefts.keys[l] : rights.keys[r]
            expire(before: key, &happenings)
            if takesLeft {
                arrive(leftKeys[l], at: key, isLeft: true, &happenings)
                l += 1
            } else {
                arrive(rightKeys[r], at: key, isLeft: false, &happenings)
                r += 1
            }
        }
        while let end = nextEnd, watermark.passes(end) { expire(at: end, under: .closing(at: end), &happenings) }
        if watermark == .end { drain(context.clockBefore, &happenings) }
        let output = settle(happenings, &context)
        left.trim()
        right.trim()
        return EdgeUpdate(output, watermark: watermark)
    }

    // MARK: Events

    private mutating func arrive(_ key: [UInt8]?, at event: EventKey, isLeft: Bool, _ happenings: inout [Happening]) {
        let position = isLeft ? left.next() : right.next()
        let rowtime = isLeft ? left.rowtime(position) : right.rowtime(position)
        // The other side's rows that have left its window as of this ROWTIME are passed over; they leave by the clock.
        for other in isLeft ? right.matches(key, at: rowtime) : left.matches(key, at: rowtime) {
            let later = max(rowtime, isLeft ? right.rowtime(other) : left.rowtime(other))
            happenings.append(
                Happening(key: event, rowtime: later, left: isLeft ? position : other, right: isLeft ? other : position))
        }
        for gone in isLeft ? left.wait(position, key, event) : right.wait(position, key, event) {
            let own = isLeft ? left.rowtime(gone) : right.rowtime(gone)
            happenings.append(
                Happening(key: event, rowtime: max(own, rowtime), left: isLeft ? gone : nil, right: isLeft ? nil : gone))
        }
    }

    private mutating func expire(before key: EventKey, _ happenings: inout [Happening]) {
        while let end = nextEnd, EventKey.closing(at: end) < key { expire(at: end, under: .closing(at: end), &happenings) }
    }

    private mutating func expire(at deadline: Int64, under key: EventKey, _ happenings: inout [Happening]) {
        for gone in left.expire(at: deadline) {
            happenings.append(Happening(key: key, rowtime: left.end(of: gone), left: gone, right: nil))
        }
        for gone in right.expire(at: deadline) {
            happenings.append(Happening(key: key, rowtime: right.end(of: gone), left: nil, right: gone))
        }
    }

    /// The end of the input: rows of windows by ROWS leave too.
    private mutating func drain(_ clock: Int64, _ happenings: inout [Happening]) {
        for gone in left.expireAll() {
            happenings.append(Happening(key: .closing(at: .max), rowtime: max(clock, left.rowtime(gone)), left: gone, right: nil))
        }
        for gone in right.expireAll() {
            happenings.append(Happening(key: .closing(at: .max), rowtime: max(clock, right.rowtime(gone)), left: nil, right: gone))
        }
    }

    // MARK: Output

    /// Tests the pairs, all at once, and then takes what leaves in order.
    private mutating func settle(_ happenings: [Happening], _ context: inout OperatorContext) -> KeyedBatch {
        if happenings.isEmpty { return .empty(columns) }
        let pairs = happenings.filter { $0.left != nil && $0.right != nil }
        var holds = [Bool](repeating: true, count: pairs.count)
        if let condition, !pairs.isEmpty {
            let joined = rows(pairs)
            var errors: [RowError] = []
            holds = context.evaluate(condition, over: joined, errors: &errors).isTrue
            if let keep = context.reject(errors, of: joined, columns: columns) {
                for row in holds.indices where !keep[row] { holds[row] = false }
            }
        }
        var leaving: [Happening] = []
        var pair = 0
        for happening in happenings {
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
        return rows(leaving)
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
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        try left.read(from: &reader)
        try right.read(from: &reader)
    }
}
