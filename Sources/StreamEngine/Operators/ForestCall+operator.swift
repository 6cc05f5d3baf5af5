/// RANDOM_CUT_FOREST and its kin make their operators.

import StreamSQL

extension ForestCall: OperatorMaker {
    func partitionKeys(below: PartitionKeyRule) -> PartitionKeyRule { partition.isEmpty ? below : .columns(partition) }

    func makeOperator(_ input: Relation, _ call: TableFunctionCall, nextSeed: inout UInt64) throws(DataflowError) -> any Operator {
        let seed = nextSeed
        nextSeed &+= 1
        let columns = input.columns + call.addedColumns
        switch result {
        case .score:
            return try ForestOperator<ScoreResults>(self, settings: (), inputColumns: input.columns, columns: columns, seed: seed)
        case .grade:
            return try ForestOperator<GradeResults>(self, settings: (), inputColumns: input.columns, columns: columns, seed: seed)
        case .explanation(let withDirectionality):
            let settings = ExplanationResults.Settings(
                withDirectionality: withDirectionality, type: call.addedColumns.last?.type ?? .varchar(65_535),
                names: inputs.map { input.columns[$0].name })
            return try ForestOperator<ExplanationResults>(
                self, settings: settings, inputColumns: input.columns, columns: columns, seed: seed)
        }
    }
}
