/// A query played over rows from a file, without a server.

import StreamSQL

/// Lines in, rows out. Each stream's lines are in the order of their times.
struct QueryReplay {
    private let schema: ReplaySchema
    private let batchRows: Int
    private var program: QueryProgram
    private let encoder: RowEncoder

    /// What was collected of one stream.
    private struct Collected {
        var rows: ColumnBatchBuilder?
        var records: [SourceRecord] = []
        var bytes: [UInt8] = []
        var count: Int { rows?.count ?? records.count }
    }

    /// - Throws: `QueryProgram.Refusal`.
    init(_ text: String, _ schema: ReplaySchema, tables: [String: ColumnBatch], batchRows: Int) throws(QueryProgram.Refusal) {
        self.schema = schema
        self.batchRows = batchRows
        program = try QueryProgram(
            text, inputs: schema.inputSchemas.map { QueryProgram.Input(name: $0.name, columns: $0.columns) },
            tables: schema.tableSchemas.map {
                QueryProgram.Table(name: $0.name, columns: $0.columns, rows: tables[$0.name] ?? .empty($0.columns))
            }, queryStart: 0)
        encoder = RowEncoder(columns: program.columns, format: .json)
    }

    /// - Parameter byStream: feeds the streams one after the other, in the order that the program asks for, instead of as their lines come.
    mutating func play(_ input: ReplayFile, byStream: Bool, _ output: ([UInt8]) throws -> Void) throws {
        if byStream {
            for name in program.inputs {
                try feed(input, output) { $0 == name }
                do throws(DataflowError) { try program.finish(name) } catch { throw ReplayFailure("\(error)") }
                try write(output)
            }
        } else {
            try feed(input, output) { _ in true }
        }
        do throws(DataflowError) { try program.finish() } catch { throw ReplayFailure("\(error)") }
        try write(output)
        if program.failures > 0 {
            throw ReplayFailure("\(program.failures) records or rows failed; the first: \(program.firstFailure ?? "")")
        }
    }

    private mutating func feed(
        _ input: ReplayFile, _ output: ([UInt8]) throws -> Void, _ isWanted: (String) -> Bool
    ) throws {
        var (collected, stream) = (Collected(), "")
        var failure: (any Error)?
        try input.forEachLine { (number, bytes) throws(LineError) in
            if failure != nil { return }
            let line = try ReplayLine(bytes)
            guard let name = line.stream else { throw LineError("\"stream\" is missing") }
            guard isWanted(name) else { return }
            if name != stream || collected.count >= batchRows {
                do { try flush(&collected, stream, output) } catch { failure = error }
                stream = name
            }
            try add(line, number, to: &collected)
        }
        if let failure { throw failure }
        try flush(&collected, stream, output)
    }

    private func add(_ line: ReplayLine, _ number: Int, to collected: inout Collected) throws(LineError) {
        guard let rowtime = line.rowtime else { throw LineError("\"rowtime_ms\" is missing") }
        guard let name = line.stream, let input = schema.inputs[name] else {
            throw LineError("there is no such stream in the schema")
        }
        switch input.form {
        case .row(let decoder):
            guard let row = line.row else { throw LineError("\"row\" is missing") }
            var builder = collected.rows.take() ?? decoder.makeBuilder()
            do throws(RowFailure) {
                try decoder.append(row, record: line.source(0..<0, rowtime: rowtime, number: number), to: &builder)
            } catch { throw LineError(error.message) }
            collected.rows = builder
        case .record:
            guard let record = line.record else { throw LineError("\"record\" is missing") }
            let start = collected.bytes.count
            collected.bytes += record
            collected.records.append(line.source(start..<collected.bytes.count, rowtime: rowtime, number: number))
        }
    }

    private mutating func flush(_ collected: inout Collected, _ stream: String, _ output: ([UInt8]) throws -> Void) throws {
        let taken = collected
        collected = Collected()
        guard taken.count > 0, let input = schema.inputs[stream] else { return }
        var batch = taken.rows?.finish()
        var errors: [RecordError] = []
        if case .record(let decoder) = input.form { (batch, errors) = decoder.decode(taken.records, in: taken.bytes) }
        guard let batch else { return }
        do throws(DataflowError) { try program.insert(batch, into: stream, errors: errors) } catch {
            throw ReplayFailure("\(error)")
        }
        try write(output)
    }

    private mutating func write(_ output: ([UInt8]) throws -> Void) throws {
        for batch in program.takeRows() {
            var bytes: [UInt8] = []
            for row in 0..<batch.count {
                encoder.encodeRow(row, of: batch, into: &bytes)
                bytes.append(UInt8(ascii: "\n"))
            }
            if !bytes.isEmpty { try output(bytes) }
        }
    }
}
