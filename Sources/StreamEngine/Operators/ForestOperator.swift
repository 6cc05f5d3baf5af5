/// RANDOM_CUT_FOREST and its kin: add to each row what a forest says of it.

import RandomCutForest
import StreamSQL

/// Makes a point of the numeric columns, scores it and learns it, row by row; with PARTITION BY, in the forest of the row's key.
///
/// The reference page says nothing of missing values. Here a row with NULL in a numeric column makes no point: it passes with NULL results and
/// is not learnt. A value that is not finite, or too large to be learnt, is a row error. Rows with NULL in a column of PARTITION BY have a
/// forest of their own, as in GROUP BY.
///
/// All keys' forests together take at most 384 MiB, or four forests' where that is more (``KeyedForests`` says what is kept awake and what is
/// forgotten), and are at most a million.
struct ForestOperator<Results: ForestResults>: Operator {
    private enum Models {
        case one(Results.Model)
        case keyed(KeyedForests<Results.Model>)
        /// While a batch is played.
        case taken
    }

    private let call: ForestCall
    private let settings: Results.Settings
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    private let parameters: ForestParameters
    private let seed: UInt64
    private let limits: KeyedForests<Results.Model>.Limits
    private var models: Models
    private var frozen = Frozen.nothing

    /// - Throws: `DataflowError.unusablePlan` for parameters that a forest does not take.
    init(
        _ call: ForestCall, settings: Results.Settings, inputColumns: [ColumnDefinition], columns: [ColumnDefinition], seed: UInt64
    ) throws(DataflowError) {
        self.call = call
        self.settings = settings
        self.inputColumns = inputColumns
        self.columns = columns
        self.seed = seed
        parameters = ForestParameters(
            trees: call.trees, sampleSize: call.sampleSize, timeDecay: call.timeDecay, shingleSize: call.shingleSize,
            mode: .kinesisSQL)
        let dimensions = call.inputs.count
        limits = KeyedForests<Results.Model>.Limits(
            memoryBytes: max(384 << 20, 4 * min(parameters.memoryBound(columns: dimensions), 1 << 40)), keys: 1_000_000)
        do throws(ForestError) {
            models =
                call.partition.isEmpty
                ? .one(try Results.Model(parameters: parameters, dimensions: dimensions, seed: seed))
                : .keyed(try KeyedForests(parameters: parameters, dimensions: dimensions, seed: seed, limits: limits))
        } catch { throw .unusablePlan("RANDOM_CUT_FOREST: \(error)") }
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0].with(.empty(columns)) }
        let points = Points(input.batch, call.inputs)
        let keys = call.partition.map { input.batch.columns[$0] }
        var results = Results(settings, capacity: input.count)
        var errors: [RowError] = []
        // Taken out, so that each model has one owner and is changed in place.
        var models = self.models
        self.models = .taken
        var key: [UInt8] = []
        for row in 0..<input.count {
            guard let point = points[row] else {
                results.appendNull()
                continue
            }
            key.removeAll(keepingCapacity: true)
            for column in keys { column.appendKeyBytes(row, into: &key) }
            do throws(ForestError) {
                try Self.append(point, key, to: &results, &models)
            } catch {
                errors.append(RowError(row: row, name: "Invalid argument", message: "RANDOM_CUT_FOREST: \(error)"))
                results.appendNull()
            }
        }
        self.models = models
        var output = input
        output.batch.columns += results.finish()
        guard let keep = context.reject(errors, of: input, columns: inputColumns) else { return inputs[0].with(output) }
        return inputs[0].with(output.filtered(by: keep))
    }

    private static func append(_ point: [Double], _ key: [UInt8], to results: inout Results, _ models: inout Models)
        throws(ForestError)
    {
        switch models {
        case .one(var model):
            models = .taken
            defer { models = .one(model) }
            try results.append(point, &model)
        case .keyed(var forests):
            models = .taken
            defer { models = .keyed(forests) }
            try forests.withModel(of: key) { model throws(ForestError) in try results.append(point, &model) }
        case .taken: preconditionFailure("the models are in use")
        }
    }

    /// An upper bound: what the models may take when their samples are full.
    var stateBytes: Int {
        switch models {
        case .one, .taken: parameters.memoryBound(columns: call.inputs.count)
        case .keyed(let forests): forests.memoryBytes
        }
    }

    var state: OperatorState? {
        func names(_ positions: [Int]) -> String {
            positions.map { "\(inputColumns[$0].name) \(inputColumns[$0].type)" }.joined(separator: ", ")
        }
        let size = "\(call.trees), \(call.sampleSize), \(call.timeDecay), \(call.shingleSize)"
        let key = names(call.partition)
        return OperatorState(kind: Results.kind, version: 1, signature: "(\(names(call.inputs))) \(size) partition (\(key))")
    }

    /// What is left to be written of a snapshot. A forest is written whole every time, for most of it changes with every point.
    private enum Frozen {
        case nothing
        case bytes(ArraySlice<UInt8>)
        case keyed(KeyedForests<Results.Model>.SnapshotPieces)
    }

    mutating func freezeState(whole: Bool, head: inout StateWriter) {
        switch models {
        case .one(let model): frozen = .bytes(model.snapshot()[...])
        case .keyed(let forests): frozen = .keyed(forests.snapshotPieces())
        case .taken: preconditionFailure("the models are in use")
        }
    }

    mutating func nextPiece(bytes: Int, to writer: inout StateWriter) -> Bool {
        switch frozen {
        case .nothing: return false
        case .bytes(let rest):
            if !rest.isEmpty { writer.write(rest.prefix(bytes)) }
            frozen = rest.count > bytes ? .bytes(rest.dropFirst(bytes)) : .nothing
            return !rest.isEmpty
        case .keyed(var pieces):
            frozen = .nothing
            guard let piece = pieces.next(bytes: bytes) else { return false }
            writer.write(piece)
            frozen = .keyed(pieces)
            return true
        }
    }

    mutating func restore(_ layers: [StateLayer]) throws(SnapshotError) {
        var bytes: [UInt8] = []
        for piece in layers.last?.pieces ?? [] {
            var piece = piece
            bytes += try piece.byteString()
            try piece.checkEnd()
        }
        try read(bytes)
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) { try read(try reader.byteString()) }

    private mutating func read(_ bytes: [UInt8]) throws(SnapshotError) {
        do throws(ForestError) {
            if call.partition.isEmpty {
                let model = try Results.Model(
                    restoring: bytes, memoryLimit: parameters.memoryBound(columns: call.inputs.count))
                guard model.parameters == parameters, model.dimensions == call.inputs.count else {
                    throw ForestError.damagedSnapshot(reason: "it is another forest's")
                }
                models = .one(model)
            } else {
                models = .keyed(
                    try KeyedForests(
                        restoring: bytes, parameters: parameters, dimensions: call.inputs.count, seed: seed, limits: limits))
            }
        } catch { throw .damaged("\(error)") }
    }
}

/// The points of a batch's rows.
private struct Points {
    private var values: [Double]
    private var isIncomplete: [Bool]
    private let dimensions: Int

    init(_ batch: ColumnBatch, _ inputs: [Int]) {
        dimensions = inputs.count
        values = [Double](repeating: 0, count: batch.count * dimensions)
        isIncomplete = [Bool](repeating: false, count: batch.count)
        for (dimension, source) in inputs.map({ batch.columns[$0] }).enumerated() {
            switch source.values {
            case .integers(let numbers):
                for row in numbers.indices { values[row * dimensions + dimension] = Double(numbers[row]) }
            case .doubles(let numbers):
                for row in numbers.indices { values[row * dimensions + dimension] = numbers[row] }
            default: preconditionFailure("a forest's column of \(source.type)")
            }
            if let nulls = source.nulls {
                for row in nulls.indices where nulls[row] { isIncomplete[row] = true }
            }
        }
    }

    /// nil where a column is NULL.
    subscript(row: Int) -> [Double]? {
        isIncomplete[row] ? nil : Array(values[(row * dimensions)..<((row + 1) * dimensions)])
    }
}
