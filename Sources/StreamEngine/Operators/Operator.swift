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
    /// Takes the rows of the reference tables, by name, instead of those that it had.
    mutating func setTables(_ tables: [String: ColumnBatch], _ context: inout OperatorContext)
    /// The clock at which it next emits if no row comes.
    var deadline: Int64? { get }
    /// Whether no row that comes can give a row any more.
    var isSatisfied: Bool { get }
    /// The groups of a view that have changed since the last call, or all of them; nil for other operators.
    mutating func takeChanges(all: Bool) -> ChangedRows?
    /// About how much memory its state takes.
    var stateBytes: Int { get }
    /// What it keeps; nil for an operator without state.
    var state: OperatorState? { get }
    /// Freezes the state as it is: `nextPiece` gives it, piece by piece, whatever rows are played in between.
    /// - Parameters:
    ///   - whole: all of it; otherwise what has changed since the last time may do.
    ///   - head: takes what `restore` needs beside the pieces; little.
    mutating func freezeState(whole: Bool, head: inout StateWriter)
    /// Writes the next piece of what was frozen, about so many bytes of it.
    /// - Returns: false, and nothing is written, when there is none left.
    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool
    /// Takes frozen states into a fresh operator with the same `state`: first a whole one, then what changed after it.
    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError)
    /// Takes the state from a snapshot of version 2, which had it in one piece.
    mutating func readState(from reader: inout StateReader) throws(SnapshotError)
    /// The same from a snapshot of version 1, whose operators had one window at most and no versions.
    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError)
}

/// One operator's state, or what changed of it, as it was frozen.
struct StateLayer: Sendable {
    var head: StateReader
    var pieces: [StateReader] = []
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
    mutating func setTables(_ tables: [String: ColumnBatch], _ context: inout OperatorContext) {}
    mutating func takeChanges(all: Bool) -> ChangedRows? { nil }
    var deadline: Int64? { nil }
    var isSatisfied: Bool { false }
    var stateBytes: Int { 0 }
    var state: OperatorState? { nil }
    mutating func freezeState(whole: Bool, head: inout StateWriter) {}
    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool { false }
    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {}
    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {}
    mutating func readFirstState(from reader: inout StateReader) throws(SnapshotError) { try readState(from: &reader) }
}
