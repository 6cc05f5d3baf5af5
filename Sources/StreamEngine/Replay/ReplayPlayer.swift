/// Plays the lines of an input file and writes the rows that come out.

import StreamSQL

/// Lines in, lines out; holds at most one batch of rows.
struct ReplayPlayer {
    private let schema: ReplaySchema
    private let plan: Program
    private let seed: UInt64
    private let batchRows: Int
    private let restarts: Bool
    private var dataflow: Dataflow
    private let lines: RowLines

    /// The stream whose rows are collected, with what was collected.
    private var stream: String?
    private var rows: ColumnBatchBuilder?
    private var records: [SourceRecord] = []
    private var recordBytes: [UInt8] = []
    private var lastRowtime: Int64?

    init(
        _ plan: Program, _ schema: ReplaySchema, tables: [String: ColumnBatch], seed: UInt64, batchRows: Int, restarts: Bool
    ) throws(ReplayFailure) {
        self.plan = plan
        self.schema = schema
        self.seed = seed
        self.batchRows = batchRows
        self.restarts = restarts
        dataflow = try Self.makeDataflow(plan, schema, seed)
        for (name, rows) in tables {
            do throws(DataflowError) { try dataflow.setTable(name, to: rows, version: "replay") } catch {
                throw ReplayFailure("\(error)")
            }
        }
        lines = RowLines(of: dataflow.outputSchemas + plan.views.map(\.schema))
    }

    private static func makeDataflow(_ plan: Program, _ schema: ReplaySchema, _ seed: UInt64) throws(ReplayFailure) -> Dataflow {
        do throws(DataflowError) {
            return try Dataflow(plan, inputs: schema.inputSchemas, seed: seed, queryStartMilliseconds: nil)
        } catch { throw ReplayFailure("\(error)") }
    }

    mutating func play(
        _ input: ReplayFile, advanceTo: Int64?, endsInput: Bool, output: ([UInt8]) throws -> Void
    ) throws {
        if let advanceTo, !ReplayLine.times.contains(advanceTo) {
            throw ReplayFailure("--advance-to \(advanceTo) is outside the years 0001 to 9999", status: .usage)
        }
        // What ends the replay below the lines is no fault of a line.
        var failure: (any Error)?
        try input.forEachLine { (number, bytes) throws(LineError) in
            if failure != nil { return }
            let isFull = try add(ReplayLine(bytes), number: number) { previous in
                do { try previous.flush(output) } catch { failure = error }
            }
            guard isFull, failure == nil else { return }
            do { try flush(output) } catch { failure = error }
        }
        if let failure { throw failure }
        try flush(output)
        if let advanceTo {
            if let lastRowtime, advanceTo < lastRowtime {
                throw ReplayFailure("--advance-to \(advanceTo) is before the last row's time, \(lastRowtime)", status: .usage)
            }
            do throws(DataflowError) { try dataflow.advance(to: advanceTo) } catch { throw ReplayFailure("\(error)") }
            try write(output)
        }
        if endsInput {
            do throws(DataflowError) { try dataflow.finish() } catch { throw ReplayFailure("\(error)") }
            try write(output)
        }
        try writeViews(output)
    }

    /// The rows of the materialized views as they are at the end.
    private mutating func writeViews(_ output: ([UInt8]) throws -> Void) throws {
        for (index, view) in plan.views.enumerated() {
            let rows = dataflow.takeChanges(of: index, all: true).present
            var bytes: [UInt8] = []
            for row in 0..<rows.count { lines.append(row, of: rows, in: view.name, to: &bytes) }
            if !bytes.isEmpty { try output(bytes) }
        }
    }

    /// Collects a line.
    /// - Parameter flush: called before the line is collected when what was collected before belongs to another stream.
    /// - Returns: whether a whole batch is collected.
    private mutating func add(_ line: ReplayLine, number: Int, flush: (inout Self) -> Void) throws(LineError) -> Bool {
        guard let name = line.stream else { throw LineError("\"stream\" is missing") }
        guard let rowtime = line.rowtime else { throw LineError("\"rowtime_ms\" is missing") }
        guard let input = schema.inputs[name] else { throw LineError("there is no stream '\(name)' in the schema") }
        if let lastRowtime, rowtime < lastRowtime {
            throw LineError("\"rowtime_ms\" is \(rowtime), less than the \(lastRowtime) of the line before")
        }
        lastRowtime = rowtime
        if stream != name { flush(&self) }
        stream = name
        switch input.form {
        case .row(let decoder):
            guard let row = line.row else { throw LineError("\"row\" is missing: stream '\(name)' has \"columns\"") }
            var builder = rows ?? decoder.makeBuilder()
            rows = nil
            do throws(RowFailure) {
                try decoder.append(row, record: line.source(0..<0, rowtime: rowtime, number: number), to: &builder)
            } catch { throw LineError(error.message) }
            rows = builder
            return builder.count >= batchRows
        case .record:
            guard let record = line.record else {
                throw LineError("\"record\" is missing: stream '\(name)' has an \"input_schema\"")
            }
            let start = recordBytes.count
            recordBytes.append(contentsOf: record)
            records.append(line.source(start..<recordBytes.count, rowtime: rowtime, number: number))
            return records.count >= batchRows || recordBytes.count >= 4 << 20
        }
    }

    /// Plays what was collected.
    private mutating func flush(_ output: ([UInt8]) throws -> Void) throws {
        guard let name = stream, let input = schema.inputs[name] else { return }
        var batch: ColumnBatch?
        var errors: [RecordError] = []
        switch input.form {
        case .row: batch = rows?.finish()
        case .record(let decoder): if !records.isEmpty { (batch, errors) = decoder.decode(records, in: recordBytes) }
        }
        rows = nil
        stream = nil
        records.removeAll(keepingCapacity: true)
        recordBytes.removeAll(keepingCapacity: true)
        guard let batch else { return }
        do throws(DataflowError) {
            try dataflow.insert(batch, into: name, errors: errors)
        } catch { throw ReplayFailure("\(error)") }
        try write(output)
        if restarts {
            let state = dataflow.snapshot()
            dataflow = try Self.makeDataflow(plan, schema, seed)
            do throws(SnapshotError) { try dataflow.restore(from: state) } catch { throw ReplayFailure("\(error)") }
        }
    }

    private mutating func write(_ output: ([UInt8]) throws -> Void) throws {
        var bytes: [UInt8] = []
        for (stream, batch) in dataflow.takeOutput() {
            for row in 0..<batch.count {
                lines.append(row, of: batch, in: stream, to: &bytes)
                if bytes.count >= 1 << 20 {
                    try output(bytes)
                    bytes.removeAll(keepingCapacity: true)
                }
            }
        }
        if !bytes.isEmpty { try output(bytes) }
    }
}
