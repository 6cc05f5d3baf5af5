/// What an operator is.

import StreamSQL

/// A relational operator while it runs. One value per file of this folder; `OperatorGraph` makes them from the plan.
///
/// The rule that makes results independent of how input is cut into batches: what an operator does depends on the sequence of its rows with
/// their keys, and on deadlines, which it keeps as if the clock passed every millisecond: at its deadline, after the rows of that time's
/// closing event and before every later one, it emits under the key `.closing(at: deadline)`.
protocol Operator: Sendable {
    /// Plays what is new on each input: its rows, then what its watermark closes.
    /// - Returns: rows in the order of their keys.
    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate
    /// The clock at which it next emits if no row comes.
    var deadline: Int64? { get }
    /// About how much memory its state takes.
    var stateBytes: Int { get }
    /// What it keeps; nil for an operator without state.
    var state: OperatorState? { get }
    /// Its state, and back into a fresh operator with the same `state`.
    func writeState(to writer: inout StateWriter)
    mutating func readState(from reader: inout StateReader) throws(SnapshotError)
    /// The same from a snapshot of version 1, whose operators had one window at most and no versions.
    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError)
}

/// What is said of an operator's state beside its bytes.
struct OperatorState: Sendable, Hashable {
    /// The first part of its id within the pump, such as `aggregate`.
    var kind: String
    /// Of the form of its bytes. A build reads the versions it knows and refuses others.
    var version: UInt8
    /// What the state is about, by names and types of columns: state under another signature is another's.
    var signature: String
}

/// Operators without state need not say so.
extension Operator {
    var deadline: Int64? { nil }
    var stateBytes: Int { 0 }
    var state: OperatorState? { nil }
    func writeState(to writer: inout StateWriter) {}
    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {}
    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError) { try readState(from: &reader) }
}
