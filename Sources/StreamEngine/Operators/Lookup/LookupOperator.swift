/// Joins with what has an end, and subqueries of expressions: each row of the left finds its matches on the right, which is known whole.

import StreamSQL

/// The right side is either static (tables, VALUES), so that it is known before the first row, or, in a bounded query, an input of its own: rows of
/// the left then wait for its end.
struct LookupOperator: Operator {
    private let join: LookupJoin
    private let keys: (left: [PreparedExpression], right: [PreparedExpression])
    private let condition: PreparedExpression?
    private let leftColumns: [ColumnDefinition]
    private let rightColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    /// Makes the rows of a static right side; nil where they are an input.
    private let staticRight: OperatorGraph?

    /// The right side, once it is known.
    private var side: LookupSide?
    /// What has come of both sides before that.
    private var waiting: [KeyedBatch] = []
    private var arriving: KeyedBatch
    private var waitingBytes = 0
    /// Which rows of the right have had a match, where those without one leave too.
    private var isMatched: [Bool] = []
    private var hasEnded = false

    /// So many pairs are tested at a time.
    private static let slice = 32_768

    init(_ join: LookupJoin, left: [ColumnDefinition], right: [ColumnDefinition], staticRight: OperatorGraph?) {
        self.join = join
        keys = (join.keys.map { PreparedExpression($0.left) }, join.keys.map { PreparedExpression($0.right) })
        condition = join.condition.map { PreparedExpression($0) }
        (leftColumns, rightColumns, columns) = (left, right, join.columns(left, right))
        self.staticRight = staticRight
        arriving = .empty(right)
    }

    var stateBytes: Int { waitingBytes + (staticRight == nil ? side?.byteCount ?? 0 : 0) }

    mutating func setTables(_ tables: [String: ColumnBatch], _ context: inout OperatorContext) {
        guard var graph = staticRight else { return }
        graph.setTables(tables, &context)
        setSide(graph.run([], &context).rows, &context)
    }

    private mutating func setSide(_ rows: KeyedBatch, _ context: inout OperatorContext) {
        // The planner takes only terms that cannot fail.
        var errors: [RowError] = []
        side = LookupSide(rows, keys: keys.right.map { context.evaluate($0, over: rows, errors: &errors) })
        if join.kind.preservesRight { isMatched = [Bool](repeating: false, count: rows.count) }
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let left = inputs[0]
        if inputs.count > 1 {
            take(inputs[1], &context)
            guard side != nil else {
                if !left.rows.isEmpty {
                    waiting.append(left.rows)
                    waitingBytes += left.rows.batch.byteCount + left.rows.count * 16
                }
                // Nothing leaves before the right has ended.
                return EdgeUpdate(.empty(columns), watermark: .time(.min))
            }
        }
        var output = KeyedBatch.empty(columns)
        for rows in waiting + [left.rows] where !rows.isEmpty { output.append(matched(rows, &context)) }
        waiting = []
        waitingBytes = 0
        if left.watermark == .end, join.kind.preservesRight, !hasEnded { output.append(unmatchedRight()) }
        hasEnded = left.watermark == .end
        return left.with(output)
    }

    private mutating func take(_ right: EdgeUpdate, _ context: inout OperatorContext) {
        guard side == nil else { return }
        arriving.append(right.rows)
        waitingBytes += right.rows.batch.byteCount + right.rows.count * 16
        guard right.watermark == .end else { return }
        setSide(arriving, &context)
        waitingBytes -= arriving.batch.byteCount + arriving.count * 16
        arriving = .empty(rightColumns)
    }

    // MARK: Matching

    private mutating func matched(_ rows: KeyedBatch, _ context: inout OperatorContext) -> KeyedBatch {
        guard var side else { return .empty(columns) }
        // Taken out, so that what its index learns is not copied.
        self.side = nil
        defer { self.side = side }
        var errors: [RowError] = []
        let keyColumns = keys.left.map { context.evaluate($0, over: rows, errors: &errors) }
        let numbers = side.numbers(of: keyColumns)
        if condition == nil, let numbers, let index = side.index, !join.kind.preservesRight {
            if join.kind == .exists { return with(Column(.boolean, .booleans(numbers.map { $0 != 0 })), rows) }
            if index.isUnique {
                let found = numbers.map { $0 == 0 ? -1 : index.firstRow(of: $0) }
                return joinedOnce(rows, found, side)
            }
        }
        if condition == nil, numbers == nil, join.kind == .exists {
            return with(.repeating(.boolean(side.count > 0), .boolean, count: rows.count), rows)
        }
        let matches = matches(rows, numbers, side, &context)
        if join.kind.preservesRight { for row in matches.right { isMatched[row] = true } }
        return output(rows, matches, side, &context)
    }

    /// Each row of the left has one match at most: -1 for none.
    private func joinedOnce(_ rows: KeyedBatch, _ found: [Int], _ side: LookupSide) -> KeyedBatch {
        if join.kind == .scalar, let last = side.rows.batch.columns.last { return with(last.gather(orNull: found), rows) }
        if join.kind == .left || !found.contains(-1) {
            return joined(rows, side.rows.batch.columns.map { $0.gather(orNull: found) })
        }
        let kept = found.indices.filter { found[$0] >= 0 }
        let matches = kept.map { found[$0] }
        return joined(rows.gather(rows: kept), side.rows.batch.columns.map { $0.gather(rows: matches) })
    }

    private func joined(_ rows: KeyedBatch, _ columns: [Column]) -> KeyedBatch {
        KeyedBatch(ColumnBatch(rowtime: rows.batch.rowtime, columns: rows.batch.columns + columns), keys: rows.keys)
    }

    private func with(_ column: Column, _ rows: KeyedBatch) -> KeyedBatch { joined(rows, [column]) }

    /// All pairs that match. Of EXISTS one for each row of the left is enough.
    private func matches(
        _ rows: KeyedBatch, _ numbers: [UInt32]?, _ side: LookupSide, _ context: inout OperatorContext
    ) -> LookupMatches {
        var (all, candidates) = (LookupMatches(), LookupMatches())
        var settled = [Bool](repeating: false, count: join.kind == .exists ? rows.count : 0)
        let rowBytes = 16 + 8 * columns.count
        func settle(_ context: inout OperatorContext) {
            all.append(tested(candidates, rows, side, &context))
            if join.kind == .exists {
                for row in all.left { settled[row] = true }
                all.removeAll()
            }
            candidates.removeAll()
        }
        let everyRow = numbers == nil ? (0..<Int32(side.count)).map { $0 }[...] : []
        for row in 0..<rows.count {
            let others: ArraySlice<Int32>
            if let numbers {
                guard numbers[row] != 0, let index = side.index else { continue }
                others = index.rows(of: numbers[row])
            } else {
                others = everyRow
            }
            for other in others {
                candidates.append(row, Int(other))
                guard candidates.count >= Self.slice else { continue }
                settle(&context)
                if context.outgrows(all.count * rowBytes) { return LookupMatches() }
                if join.kind == .exists, settled[row] { break }
            }
        }
        settle(&context)
        if join.kind == .exists {
            for row in settled.indices where settled[row] { all.append(row, 0) }
        }
        return all
    }

    /// The candidates for which the condition holds.
    private func tested(
        _ candidates: LookupMatches, _ rows: KeyedBatch, _ side: LookupSide, _ context: inout OperatorContext
    ) -> LookupMatches {
        guard let condition, candidates.count > 0 else { return candidates }
        let pairs = pairs(candidates, rows, side, only: condition.expression.columnsRead)
        var errors: [RowError] = []
        var holds = context.evaluate(condition, over: pairs, errors: &errors).isTrue
        if !errors.isEmpty {
            let whole = self.pairs(candidates, rows, side, only: nil)
            if let keep = context.reject(errors, of: whole, columns: leftColumns + rightColumns) {
                for row in holds.indices where !keep[row] { holds[row] = false }
            }
        }
        var kept = LookupMatches()
        for index in holds.indices where holds[index] { kept.append(candidates.left[index], candidates.right[index]) }
        return kept
    }

    /// The rows of pairs; the values of columns that are not needed are left out.
    private func pairs(
        _ matches: LookupMatches, _ rows: KeyedBatch, _ side: LookupSide, only needed: Set<Int>?
    ) -> KeyedBatch {
        let count = leftColumns.count
        func values(_ column: Column, _ place: Int, _ positions: [Int]) -> Column {
            needed?.contains(place) ?? true ? column.gather(orNull: positions) : .nulls(column.type, count: positions.count)
        }
        let columns =
            rows.batch.columns.enumerated().map { values($1, $0, matches.left) }
            + side.rows.batch.columns.enumerated().map { values($1, count + $0, matches.right) }
        return KeyedBatch(
            ColumnBatch(rowtime: rows.batch.rowtime.gather(rows: matches.left), columns: columns),
            keys: matches.left.map { rows.keys[$0] })
    }

    // MARK: Output

    private func output(
        _ rows: KeyedBatch, _ matches: LookupMatches, _ side: LookupSide, _ context: inout OperatorContext
    ) -> KeyedBatch {
        switch join.kind {
        case .inner, .right: return pairs(matches, rows, side, only: nil)
        case .exists:
            var values = [Bool](repeating: false, count: rows.count)
            for row in matches.left { values[row] = true }
            return with(Column(.boolean, .booleans(values)), rows)
        case .left, .full:
            var all = LookupMatches()
            var next = 0
            for row in 0..<rows.count {
                let first = next
                while next < matches.count, matches.left[next] == row {
                    all.append(row, matches.right[next])
                    next += 1
                }
                if first == next { all.append(row, -1) }
            }
            return pairs(all, rows, side, only: nil)
        case .scalar: return scalars(rows, matches, side, &context)
        }
    }

    private func scalars(
        _ rows: KeyedBatch, _ matches: LookupMatches, _ side: LookupSide, _ context: inout OperatorContext
    ) -> KeyedBatch {
        var found = [Int](repeating: -1, count: rows.count)
        var errors: [RowError] = []
        for (row, other) in zip(matches.left, matches.right) {
            if found[row] >= 0 {
                errors.append(
                    RowError(
                        row: row, name: "Subquery of several rows", message: "A subquery used as a value gave more than one row."))
            }
            found[row] = other
        }
        guard let last = side.rows.batch.columns.last else { return .empty(columns) }
        let whole = with(last.gather(orNull: found), rows)
        guard let keep = context.reject(errors, of: rows, columns: leftColumns) else { return whole }
        return whole.filtered(by: keep)
    }

    /// Rows of the right that nothing matched, after all others.
    private func unmatchedRight() -> KeyedBatch {
        guard let side else { return .empty(columns) }
        let left = isMatched.indices.filter { !isMatched[$0] }
        if left.isEmpty { return .empty(columns) }
        let rows = side.rows.batch.gather(rows: left)
        return KeyedBatch(
            ColumnBatch(
                rowtime: rows.rowtime, columns: leftColumns.map { .nulls($0.type, count: left.count) } + rows.columns),
            keys: [EventKey](repeating: .closing(at: .max), count: left.count))
    }
}
