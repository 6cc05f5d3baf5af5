/// Table functions make their own operators: a file each beside the operator, and a line here.

import StreamSQL

/// A table function's call that can be run.
protocol OperatorMaker {
    /// - Parameters:
    ///   - input: the cursor.
    ///   - nextSeed: the seed for the next operator that uses randomness; one that does takes it and raises it.
    func makeOperator(_ input: Relation, _ call: TableFunctionCall, nextSeed: inout UInt64) throws(DataflowError) -> any Operator

    /// Whether it looks at ROWTIME, which must then never decrease.
    var needsOrder: Bool { get }

    /// The partition keys of the rows that leave, when those that come have keys by the rule `below`.
    func partitionKeys(below: PartitionKeyRule) -> PartitionKeyRule
}

extension OperatorMaker {
    var needsOrder: Bool { false }
    func partitionKeys(below: PartitionKeyRule) -> PartitionKeyRule { below }
}

extension TableFunction {
    var maker: any OperatorMaker {
        switch self {
        case .randomCutForest(let call): call
        case .groupRank(let call): call
        case .hotspots(let call): call
        }
    }
}
