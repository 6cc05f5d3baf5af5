/// A query over rows that have an end: planned, fed stream by stream, and its rows.

public import StreamSQL

/// One SELECT over bounded inputs, through the same operators as programs. It does no I/O.
///
/// Inputs may be fed in any order, each in its own order of time; `inputs` is the order in which least must be held.
public struct QueryProgram: Sendable {
    /// A stream that FROM can name.
    public struct Input: Sendable {
        public var name: String
        /// Of its rows, hidden columns included.
        public var columns: [ColumnDefinition]
        public init(name: String, columns: [ColumnDefinition]) {
            self.name = name
            self.columns = columns
        }
    }

    /// A reference table with its rows.
    public struct Table: Sendable {
        public var name: String
        public var columns: [ColumnDefinition]
        public var rows: ColumnBatch
        public init(name: String, columns: [ColumnDefinition], rows: ColumnBatch) {
            self.name = name
            self.columns = columns
            self.rows = rows
        }
    }

    /// Why there is no query.
    public enum Refusal: Error, Sendable {
        /// All errors of the text, in its order.
        case program([SQLError])
        case unusable(String)
    }

    /// A stream's name cannot be this.
    private static let result = "/result"

    private var dataflow: Dataflow
    /// The columns of the result's rows.
    public let columns: [ColumnDefinition]
    /// The inputs that are read, in the order in which they should be fed.
    public let inputs: [String]
    /// For each input, the columns of it that are read.
    public let columnsRead: [String: Set<Int>]
    /// The plan, for EXPLAIN.
    public let relation: Relation
    /// Rows and records that failed, and what the first of them failed of.
    public private(set) var failures = 0
    public private(set) var firstFailure: String?

    /// - Parameter start: what CURRENT_TIMESTAMP gives, milliseconds since 1970-01-01 UTC.
    public init(
        _ text: String, inputs all: [Input], tables: [Table] = [], queryStart start: Int64, stateBytes: Int = 1 << 30
    ) throws(Refusal) {
        let streams = all.map { StreamSchema(name: $0.name, columns: $0.columns) }
        let tableSchemas = tables.map { StreamSchema(name: $0.name, columns: $0.columns) }
        let plan: QueryPlan
        do throws(ProgramErrors) {
            plan = try Planner.query(text, streams: streams, tables: tableSchemas)
        } catch {
            throw .program(error.errors)
        }
        // The rows have no time of their own, so that the order that they are given in is none of time.
        let shown = plan.columns.enumerated().map { index, column in
            ProjectedColumn(column.name, TypedExpression.column(index, column.type).shown)
        }
        let query = Relation.project(plan.relation, columns: shown, rowtime: .literal(.integer(0), .timestamp))
        let program = Program(
            streams: [StreamSchema(name: Self.result, columns: query.columns)],
            pumps: [Pump(name: "QUERY", target: Self.result, query: query, isStopped: false)], tables: tableSchemas)
        do throws(DataflowError) {
            dataflow = try Dataflow(
                program, inputs: streams, seed: 0, queryStartMilliseconds: start, limits: Dataflow.Limits(stateBytes: stateBytes),
                isBounded: true)
            for table in tables { try dataflow.setTable(table.name, to: table.rows, version: "query") }
        } catch {
            throw .unusable("\(error)")
        }
        columns = query.columns
        relation = plan.relation
        inputs = query.streamsInOrder
        var read: [String: Set<Int>] = [:]
        for stream in streams { read[stream.name] = ColumnUse.columnsRead(by: program, of: [stream]) }
        columnsRead = read
    }

    /// Plays rows of an input.
    package mutating func insert(_ rows: InterleavedRows) throws(DataflowError) { try dataflow.insert(rows) }

    /// Plays rows of an input: its columns, in its order of time.
    public mutating func insert(_ rows: ColumnBatch, into input: String, errors: [RecordError] = []) throws(DataflowError) {
        try dataflow.insert(rows, into: input, errors: errors)
    }

    /// An input has no more rows: what waits for its end goes on.
    public mutating func finish(_ input: String) throws(DataflowError) { try dataflow.finish(stream: input) }

    /// No input has more rows: everything leaves.
    public mutating func finish() throws(DataflowError) { try dataflow.finish() }

    /// Whether further rows of inputs can change nothing: LIMIT has had its rows.
    public var isSatisfied: Bool { dataflow.isSatisfied }

    /// About how much memory is held.
    public var stateBytes: Int { dataflow.stateBytes }

    /// The rows of the result since the last call, in its order.
    public mutating func takeRows() -> [ColumnBatch] {
        var rows: [ColumnBatch] = []
        for (stream, batch) in dataflow.takeOutput() {
            if stream == Self.result {
                rows.append(batch)
            } else {
                if failures == 0, case .text(let name) = batch.columns[2].value(at: 0),
                    case .text(let message) = batch.columns[3].value(at: 0)
                {
                    firstFailure = "\(name): \(message)"
                }
                failures += batch.count
            }
        }
        return rows
    }
}

extension TypedExpression {
    /// The expression as a column that can be shown: NULLs and intervals are no types of columns.
    fileprivate var shown: TypedExpression {
        if type == .null { return .literal(.null, .varchar(1)) }
        return type.isInterval ? .cast(self, .varchar(40), .explicit) : self
    }
}

extension Relation {
    /// The streams below, those first whose end others wait for.
    fileprivate var streamsInOrder: [String] {
        var names: [String] = []
        note(&names)
        return names
    }

    private func note(_ names: inout [String]) {
        if case .stream(let schema) = self, !names.contains(schema.name) { names.append(schema.name) }
        if case .lookup(let left, let right, _) = self {
            right.note(&names)
            left.note(&names)
        } else {
            for input in inputs { input.note(&names) }
        }
    }
}
