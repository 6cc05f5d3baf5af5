/// What an operator is.

import StreamSQL

/// A relational operator while it runs. One value per file of this folder; `OperatorGraph` makes them from the plan.
///
/// The rule that makes results independent of how input is cut into batches: what an operator does depends on the sequence of its rows with
/// their keys, and on deadlines, which it keeps as if the clock passed every millisecond: at its deadline, after the rows of that time's
/// closing event and before every later one, it emits under the key `.closing(at: deadline)`.
protocol Operator: Sendable {
    /// Plays the rows of each input, then closes what ends at or before `context.until`.
    /// - Returns: rows in the order of their keys.
    mutating func process(_ inputs: [KeyedBatch], _ context: inout OperatorContext) -> KeyedBatch
    /// The clock at which it next emits if no row comes.
    var deadline: Int64? { get }
    /// About how much memory its state takes.
    var stateBytes: Int { get }
    /// Its state, and back into a fresh operator of the same plan.
    func writeState(to writer: inout StateWriter)
    mutating func readState(from reader: inout StateReader) throws(SnapshotError)
}

/// Operators without state need not say so.
extension Operator {
    var deadline: Int64? { nil }
    var stateBytes: Int { 0 }
    func writeState(to writer: inout StateWriter) {}
    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {}
}
