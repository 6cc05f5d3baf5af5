/// What a change of the program means for the state of a running application.

/// Which operators go on with their state after an update, and which do not.
public struct StateCarryOver: Sendable, Hashable {
    /// Operators that find the state they had, by id (``Dataflow``: the pump's name, the kind, a number).
    public var kept: [String]
    /// State that nobody of the new program keeps: windows that were open are not emitted.
    public var lost: [String]
    /// Operators that begin without state.
    public var new: [String]

    public init(kept: [String] = [], lost: [String] = [], new: [String] = []) {
        self.kept = kept
        self.lost = lost
        self.new = new
    }

    /// - Parameters: what the operators of each program keep, by id.
    init(from old: [String: String], to new: [String: String]) {
        kept = new.keys.filter { old[$0] == new[$0] }.sorted()
        lost = old.keys.filter { old[$0] != new[$0] }.sorted()
        self.new = new.keys.filter { old[$0] != new[$0] }.sorted()
    }
}
