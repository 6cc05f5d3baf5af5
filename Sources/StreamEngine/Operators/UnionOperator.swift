/// UNION ALL: the rows of all inputs in the order in which they appear; of one event, in the order of the inputs.
///
/// With one clock for all streams the order of events is the order of ROWTIME, so no side has to wait for another (SQL Reference, "SELECT":
/// inputs are merged by ROWTIME).

import StreamSQL

struct UnionOperator: Operator {
    let columns: [ColumnDefinition]

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        EdgeUpdate(KeyedBatch.merged(inputs.map(\.rows), columns: columns), watermark: inputs.watermark)
    }
}
