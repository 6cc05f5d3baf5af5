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
    /// Whether it is a query over all the rows instead of a program.
    public var isQuery = false
    public var schema: ReplayFile
    public var input: ReplayFile
    public var reference: ReplayFile?
    /// Files of one table each, by its name: lines of rows where the schema gives columns, records where it gives an input schema.
    public var tables: [(name: String, file: ReplayFile)] = []
    /// Where the clock moves after the last row, milliseconds since 1970-01-01 UTC.
    public var advanceTo: Int64?
    /// Whether the input ends after that: everything that is open closes and is printed, as for a range of a stream.
    public var endsInput: Bool
    /// Seeds the forests.
    public var seed: UInt64
    /// At most as many rows are played in one piece. The output does not depend on it.
    package var batchRows = 1024
    /// Whether a query's streams are played one after the other, as from the store.
    package var playsByStream = true
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
            if isQuery { return try runQuery(text, schema, output) }
            let plan: Program
            do {
                plan = try Planner.plan(text, inputs: schema.inputSchemas, tables: schema.tableSchemas)
            } catch {
                return Outcome(status: .programRefused, messages: error.errors.map(\.description))
            }
            var player = try ReplayPlayer(
                plan, schema, tables: try ReplayTables(schema, reference, tables).batches, seed: seed, batchRows: batchRows,
                restarts: restartsAfterEachBatch)
            try player.play(input, advanceTo: advanceTo, endsInput: endsInput, output: output)
            return Outcome(status: .success, messages: [])
        } catch let failure as ReplayFailure {
            return Outcome(status: failure.status, messages: failure.messages)
        } catch {
            return Outcome(status: .failed, messages: ["output: \(error)"])
        }
    }

    private func runQuery(_ text: String, _ schema: ReplaySchema, _ output: ([UInt8]) throws -> Void) throws -> Outcome {
        let rows = try ReplayTables(schema, reference, tables).batches
        var query: QueryReplay
        do throws(QueryProgram.Refusal) {
            query = try QueryReplay(text, schema, tables: rows, batchRows: batchRows)
        } catch {
            switch error {
            case .program(let errors): return Outcome(status: .programRefused, messages: errors.map(\.description))
            case .unusable(let reason): throw ReplayFailure(reason)
            }
        }
        try query.play(input, byStream: playsByStream, output)
        return Outcome(status: .success, messages: [])
    }
}
