/// `millrace sql replay`: a program played over rows from files.

import StreamSQL

/// A SQL program played over rows that carry their own time, without a server, a data directory or a clock (`sql-replay`, the reference).
///
/// The same files and flags give the same bytes. Input is read line by line, so its size does not matter.
public struct ReplayCommand: Sendable {
    /// What a process says when it ends.
    public enum Status: Int32, Sendable {
        case success = 0
        /// A file cannot be read or a line is not what it should be.
        case failed = 1
        /// The program was refused; nothing was written.
        case programRefused = 2
        /// Bad flags, or flags that do not fit the input.
        case usage = 64
    }

    public struct Outcome: Sendable {
        public var status: Status
        /// The lines for standard error.
        public var messages: [String]
    }

    public var program: ReplayFile
    public var schema: ReplayFile
    public var input: ReplayFile
    public var reference: ReplayFile?
    /// Where the clock moves after the last row, milliseconds since 1970-01-01 UTC.
    public var advanceTo: Int64?
    /// Whether the input ends after that: everything that is open closes and is printed, as for a range of a stream.
    public var endsInput: Bool
    /// Seeds the forests.
    public var seed: UInt64
    /// At most as many rows are played in one piece. The output does not depend on it.
    package var batchRows = 1024
    /// Whether the state is written and read back after every piece, which tests ask for.
    package var restartsAfterEachBatch = false

    public init(
        program: ReplayFile, schema: ReplayFile, input: ReplayFile, reference: ReplayFile? = nil, advanceTo: Int64? = nil,
        endsInput: Bool = false, seed: UInt64 = 0
    ) {
        self.program = program
        self.schema = schema
        self.input = input
        self.reference = reference
        self.advanceTo = advanceTo
        self.endsInput = endsInput
        self.seed = seed
    }

    /// Plays the program.
    /// - Parameter output: takes the bytes for standard output: whole lines, a piece at a time. What it throws ends the replay.
    public func run(output: ([UInt8]) throws -> Void) -> Outcome {
        do {
            let schema = try ReplaySchema(self.schema)
            guard let text = String(validating: try program.whole(), as: UTF8.self) else {
                throw ReplayFailure("\(program.name): is not UTF-8")
            }
            let plan: Program
            do {
                plan = try Planner.plan(text, inputs: schema.inputSchemas, tables: schema.tableSchemas)
            } catch {
                return Outcome(status: .programRefused, messages: error.errors.map(\.description))
            }
            try checkReference(schema)
            var player = try ReplayPlayer(plan, schema, seed: seed, batchRows: batchRows, restarts: restartsAfterEachBatch)
            try player.play(input, advanceTo: advanceTo, endsInput: endsInput, output: output)
            return Outcome(status: .success, messages: [])
        } catch let failure as ReplayFailure {
            return Outcome(status: failure.status, messages: failure.messages)
        } catch {
            return Outcome(status: .failed, messages: ["output: \(error)"])
        }
    }

    /// Reference rows are checked; no program that the planner accepts reads a table yet.
    private func checkReference(_ schema: ReplaySchema) throws(ReplayFailure) {
        guard let reference else { return }
        try reference.forEachLine { (_, bytes) throws(LineError) in
            let line = try ReplayLine(bytes, isReference: true)
            guard let table = line.table, let row = line.row else { throw LineError("\"table\" and \"row\" are needed") }
            guard let decoder = schema.tables[table] else { throw LineError("there is no table '\(table)' in the schema") }
            var builder = decoder.makeBuilder()
            do throws(RowFailure) {
                try decoder.append(row, record: SourceRecord(data: 0..<0, rowtime: 0), to: &builder)
            } catch { throw LineError(error.message) }
        }
    }
}
