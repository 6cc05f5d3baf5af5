/// SELECT DISTINCT: lets a row through that is the first of its values since the window's term last changed.

import StreamSQL

/// Rows leave as soon as they come (SQL Reference, "SELECT ALL and SELECT DISTINCT"). ROWTIME never decreases, so that values are kept of one window
/// only; NULLs are alike.
struct DistinctOperator: WholeStateOperator {
    private let distinct: TimedDistinct
    private let columns: [ColumnDefinition]
    private var term: WindowTerm
    /// The window that values are kept of: its term's value, one row.
    private var window: Column?
    private var seen = KeyTable()
    private var key: [UInt8] = []
    var frozen = WholeState()

    init(_ distinct: TimedDistinct, columns: [ColumnDefinition], queryStart: Int64?) {
        self.distinct = distinct
        self.columns = columns
        term = WindowTerm(distinct.window, queryStart: queryStart)
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0] }
        var errors: [RowError] = []
        let runs = term.runs(input.batch.rowtime, errors: &errors)
        _ = context.reject(errors, of: input, columns: columns)
        var chosen: [Int] = []
        for run in runs {
            if window.map({ $0.compare(0, with: run.value, 0) != 0 }) ?? true {
                window = run.value
                seen.removeAll()
            }
            for row in run.rows {
                key.removeAll(keepingCapacity: true)
                for column in distinct.columns { input.batch.columns[column].appendKeyBytes(row, into: &key) }
                let known = seen.count
                if key.withUnsafeBytes({ seen.number(of: $0) }) == known { chosen.append(row) }
            }
        }
        return inputs[0].with(chosen.count == input.count ? input : input.gather(rows: chosen))
    }

    // MARK: State

    var stateBytes: Int { seen.byteCount }

    var state: OperatorState? {
        let names = distinct.columns.map { "\"\(columns[$0].name)\" \(columns[$0].type)" }.joined(separator: ", ")
        return OperatorState(
            kind: "distinct", version: 1, signature: "(\(names)) while \(distinct.window.signature(over: columns))")
    }

    func write(to writer: inout StateWriter) {
        writer.write(window != nil)
        if let window { writer.write(plain: window) }
        seen.write(0..<seen.count, to: &writer)
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        if try reader.bool() { window = try reader.column(term.type, rows: 1) }
        try seen.read(from: &reader)
    }
}
