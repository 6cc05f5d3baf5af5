/// RANDOM_CUT_FOREST: adds each row's anomaly score.

import RandomCutForest
import StreamSQL

/// Makes a point of the numeric columns, scores it and learns it, row by row.
///
/// The reference page says nothing of missing values. Here a row with NULL in a numeric column makes no point: it passes with a NULL score and
/// is not learnt. A value that is not finite, or too large to be learnt, is a row error.
struct ForestOperator: Operator {
    private let inputs: [Int]
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    private let memory: Int
    private var forest: RandomCutForest

    /// - Throws: `DataflowError.unusablePlan` for parameters that a forest does not take.
    init(
        inputs: [Int], trees: Int, sampleSize: Int, timeDecay: Int, shingleSize: Int, inputColumns: [ColumnDefinition],
        columns: [ColumnDefinition], seed: UInt64
    ) throws(DataflowError) {
        self.inputs = inputs
        self.inputColumns = inputColumns
        self.columns = columns
        let parameters = ForestParameters(
            trees: trees, sampleSize: sampleSize, timeDecay: timeDecay, shingleSize: shingleSize, mode: .kinesisSQL)
        memory = parameters.memoryBound(columns: inputs.count)
        do throws(ForestError) {
            forest = try RandomCutForest(parameters: parameters, dimensions: inputs.count, seed: seed)
        } catch { throw .unusablePlan("RANDOM_CUT_FOREST: \(error)") }
    }

    mutating func process(_ inputs: [KeyedBatch], _ context: inout OperatorContext) -> KeyedBatch {
        let input = inputs[0]
        if input.isEmpty { return .empty(columns) }
        let dimensions = self.inputs.count
        let sources = self.inputs.map { input.batch.columns[$0] }
        var points = [Double](repeating: 0, count: input.count * dimensions)
        var incomplete = [Bool](repeating: false, count: input.count)
        for (dimension, source) in sources.enumerated() {
            switch source.values {
            case .integers(let values):
                for row in values.indices { points[row * dimensions + dimension] = Double(values[row]) }
            case .doubles(let values):
                for row in values.indices { points[row * dimensions + dimension] = values[row] }
            default: preconditionFailure("a forest's column of \(source.type)")
            }
            if let nulls = source.nulls {
                for row in nulls.indices where nulls[row] { incomplete[row] = true }
            }
        }
        var scores = ColumnBuilder(.double, capacity: input.count)
        var errors: [RowError] = []
        points.withUnsafeBufferPointer { points in
            for row in 0..<input.count {
                if incomplete[row] {
                    scores.appendNull()
                    continue
                }
                let point = UnsafeBufferPointer(rebasing: points[(row * dimensions)..<((row + 1) * dimensions)])
                do throws(ForestError) {
                    scores.append(try forest.scoreAndLearn(point))
                } catch {
                    errors.append(RowError(row: row, name: "Invalid argument", message: "RANDOM_CUT_FOREST: \(error)"))
                    scores.appendNull()
                }
            }
        }
        var output = input
        output.batch.columns.append(scores.finish())
        guard let keep = context.reject(errors, of: input, columns: inputColumns) else { return output }
        return output.filtered(by: keep)
    }

    var stateBytes: Int { memory }

    func writeState(to writer: inout StateWriter) { writer.write(forest.snapshot()) }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        let bytes = try reader.byteString()
        let restored: RandomCutForest
        do throws(ForestError) {
            restored = try RandomCutForest(restoring: bytes)
        } catch { throw .damaged("\(error)") }
        guard restored.dimensions == forest.dimensions, restored.parameters == forest.parameters else { throw .otherProgram }
        forest = restored
    }
}
