/// Rows of a materialized view as readers see them, computed from its groups.

package import StreamSQL

/// Groups of a view, each with its row. What fails is not computed while rows are played: it shows to who reads it.
package struct ViewRows: Sendable {
    /// The numbers of the groups; they stay theirs.
    package var groups: [Int] = []
    /// The keys of the groups.
    package var keys: [Column] = []
    /// The view's columns; ROWTIME is that of a group's last row.
    package var rows: ColumnBatch
    /// Whether HAVING lets a row through.
    package var isPresent: [Bool] = []
    /// Why a row has no values, by its place.
    package var failures: [Int: String] = [:]

    init(_ changes: ChangedRows?, of view: MaterializedView, queryStart: Int64) {
        rows = .empty(view.schema.columns)
        guard let changes, !changes.groups.isEmpty else { return }
        groups = changes.groups
        keys = Array(changes.rows.columns.prefix(view.keys.count))
        for row in changes.failed { failures[row] = "Numeric overflow: an aggregate of the row does not fit its type." }
        var context = EvaluationContext(
            count: groups.count, clockMilliseconds: queryStart, queryStartMilliseconds: queryStart)
        let evaluator = Evaluator()
        isPresent = [Bool](repeating: true, count: groups.count)
        if let having = view.having {
            isPresent = evaluator.evaluate(having, over: changes.rows, context: &context).isTrue
        }
        let columns = view.columns.map { evaluator.evaluate($0.expression, over: changes.rows, context: &context) }
        let rowtime = evaluator.evaluate(view.rowtime, over: changes.rows, context: &context)
        for error in context.errors where failures[error.row] == nil { failures[error.row] = "\(error.name): \(error.message)" }
        rows = ColumnBatch(
            rowtime: rowtime.nulls == nil ? rowtime : Column(.timestamp, .integers(rowtime.integers)), columns: columns)
        // A row that fails counts as there, so that readers learn of it.
        for row in failures.keys { isPresent[row] = true }
    }

    /// The rows that are there and have values, in the order of their groups' first rows.
    package var present: ColumnBatch {
        rows.filtered(by: groups.indices.map { isPresent[$0] && failures[$0] == nil })
    }
}
