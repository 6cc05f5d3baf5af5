/// What a function over a sliding window is: OVER gives every row the value of the rows up to it that lie in its window.

/// A function that can stand before OVER, with its parameters bound.
public struct SlidingFunction: Sendable {
    /// Tells it from every other, parameters included: `SUM`, `LAG(2) IGNORE NULLS`.
    public var name: String
    /// A fresh accumulator without partitions.
    ///
    /// `isEndless`: no row ever leaves the window.
    public var makeAccumulator: @Sendable (_ arguments: [SQLType], _ result: SQLType, _ isEndless: Bool) -> any SlidingAccumulator

    public init(
        _ name: String,
        makeAccumulator:
            @escaping @Sendable (_ arguments: [SQLType], _ result: SQLType, _ isEndless: Bool) -> any SlidingAccumulator
    ) {
        self.name = name
        self.makeAccumulator = makeAccumulator
    }
}

extension SlidingFunction: Hashable {
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// Rows that enter a window one after the other, and those that leave it before each of them.
public struct SlidingSteps: Sendable {
    /// The partition of each row.
    public var partitions: [Int]
    /// The ROWTIME of each row, milliseconds since 1970-01-01 UTC.
    public var rowtimes: [Int64]
    /// The partitions of the rows that leave, in the order in which they leave: of one partition, the oldest first.
    public var leaving: [Int]
    /// How many of those have left before each row enters.
    public var leavingEnds: [Int]
    /// Partitions are less than this.
    public var partitionCount: Int

    public init(partitions: [Int], rowtimes: [Int64], leaving: [Int], leavingEnds: [Int], partitionCount: Int) {
        self.partitions = partitions
        self.rowtimes = rowtimes
        self.leaving = leaving
        self.leavingEnds = leavingEnds
        self.partitionCount = partitionCount
    }
}

/// The state of one function for all partitions of a window.
///
/// The rows of the window are kept by who slides it; what an accumulator holds is made again by letting them enter again, save what `stateColumns` says.
/// What it gives depends on the rows and their order alone, to the last bit, however they were cut into calls and whatever was restored in between.
public protocol SlidingAccumulator: Sendable {
    /// Lets the rows leave and enter in turn.
    ///
    /// - Parameters:
    ///   - arguments: a column an argument, a row a step.
    ///   - leaving: the first argument's values in the rows that leave; no column for a function without arguments.
    /// - Returns: for each row, the function's value as it enters. Rows without one are reported by their index.
    mutating func slide(_ steps: SlidingSteps, arguments: [Column], leaving: Column?, errors: inout [RowError]) -> Column
    /// Keeps some partitions, which get the numbers of their places in the list; the others hold no row.
    mutating func keep(_ partitions: [Int])
    /// About how many bytes it holds.
    var byteCount: Int { get }
    /// The types of `stateColumns`.
    var stateTypes: [SQLType] { get }
    /// What entering again cannot tell, a row a partition; in an endless window, all.
    func stateColumns(of partitions: [Int]) -> [Column]
    /// Takes such columns into a fresh accumulator, for partitions from 0 on. The rows of a window that has an end enter again after that.
    mutating func restore(_ columns: [Column], count: Int)
}

extension SlidingAccumulator {
    public var stateTypes: [SQLType] { [] }
    public func stateColumns(of partitions: [Int]) -> [Column] { [] }
    public mutating func restore(_ columns: [Column], count: Int) {}
}

extension Array {
    /// Makes room for as many elements.
    mutating func grow(to count: Int, _ empty: @autoclosure () -> Element) {
        while self.count < count { append(empty()) }
    }
}
