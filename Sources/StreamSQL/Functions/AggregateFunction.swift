/// What an aggregate function is. One value per file below `Functions/Aggregates/`.

/// An aggregate function: which argument it takes, what it gives, and how it is accumulated over groups.
public struct AggregateFunction: Sendable {
    public var name: String
    /// Other spellings of it.
    public var aliases: [String] = []
    /// The argument's type after widening and the result's; nil argument stands for `*`.
    public var resolve: @Sendable (_ argument: SQLType?) throws(SignatureError) -> Signature
    /// The function for a second argument, which is a literal; nil for a function of one.
    var parameter: (@Sendable (_ literal: SQLValue, _ type: SQLType) throws(SignatureError) -> AggregateFunction)?
    /// A fresh accumulator with no groups, for an argument of this type (nil for `*`).
    public var makeAccumulator: @Sendable (_ argument: SQLType?, _ result: SQLType) -> any Accumulator
    public init(
        name: String, resolve: @escaping @Sendable (_ argument: SQLType?) throws(SignatureError) -> Signature,
        makeAccumulator: @escaping @Sendable (_ argument: SQLType?, _ result: SQLType) -> any Accumulator
    ) {
        self.name = name
        self.resolve = resolve
        self.makeAccumulator = makeAccumulator
    }
}

extension AggregateFunction {
    /// The function with some of its properties set.
    func with(_ change: (inout AggregateFunction) -> Void) -> AggregateFunction {
        var changed = self
        change(&changed)
        return changed
    }
}

extension AggregateFunction: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The state of one aggregate for all groups of an operator, column by column.
public protocol Accumulator: Sendable {
    /// Makes room for groups up to `count`, the new ones empty.
    mutating func grow(to count: Int)
    /// Adds row `i` of the argument (nil for `*`) to group `groups[i]`.
    mutating func update(groups: [Int], argument: Column?)
    /// Whether values can be taken back exactly, as they leave a sliding window. MIN, MAX and FIRST_VALUE cannot (what was the second is not known),
    /// nor can what adds doubles, whose sums depend on their order: windows that slide over these keep their rows.
    var retracts: Bool { get }
    /// Takes row `i` of the argument back from group `groups[i]`, which it was added to.
    /// - Precondition: `retracts`.
    mutating func retract(groups: [Int], argument: Column?)
    /// The results of all groups, in group order. A group whose result cannot be given (overflow) is reported by its index.
    func results(errors: inout [RowError]) -> Column
    /// Bytes held for texts beside the fixed size of a group, for the bound on state memory.
    var textBytes: Int { get }
    /// Forgets all groups.
    mutating func removeAll()
    /// The state as columns of one row a group, for a snapshot, and back. The same state gives the same columns; their number and types
    /// depend on the argument's type alone.
    func stateColumns() -> [Column]
    /// The same columns for some groups, in the order given.
    func stateColumns(of groups: [Int]) -> [Column]
    mutating func restore(_ columns: [Column], count: Int)
    /// Takes over what another accumulator of the same argument holds, where both hold the same: AVG and SUM of one argument need one sum.
    /// - Returns: false, and nothing is changed, where they do not.
    mutating func adopt(_ other: any Accumulator) -> Bool
}

extension Accumulator {
    public var textBytes: Int { 0 }
    public var retracts: Bool { false }
    public mutating func adopt(_ other: any Accumulator) -> Bool { false }
    public mutating func retract(groups: [Int], argument: Column?) { preconditionFailure("this aggregate takes nothing back") }
}
