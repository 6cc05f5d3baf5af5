/// A definition checked and planned: what a run is made of.

import Foundation
import StableHash
import StreamSQL
import StreamStore

/// The program of an application with the streams around it.
struct CompiledApplication: Sendable {
    let program: Program
    /// The in-application streams of the input, metadata columns included.
    let inputs: [StreamSchema]
    private(set) var decoder: RecordDecoder?
    /// Changes with the code and the input's schema, and with nothing else.
    let digest: UInt64
    /// The same as state records of version 1 have it: the metadata columns that the program names count.
    let firstDigest: UInt64

    /// Of all that makes rows of records: runs whose digests are equal decode a source alike.
    private(set) var decodeForm: String

    /// - Throws: `ApplicationError.code` with every error of the program, `.configuration` for what does not fit it.
    init(_ definition: ApplicationDefinition) throws(ApplicationError) {
        var inputs: [StreamSchema] = []
        var decoder: RecordDecoder?
        if let input = definition.inputs.first {
            // A metadata column costs a text per row; a program can only use one by its name.
            let code = definition.code.uppercased()
            (decoder, inputs) = try Self.input(input, metadata: MetadataColumn.allCases.filter { code.contains($0.rawValue) })
        }
        var program = Program(streams: [], pumps: [])
        let tables = try Self.tables(definition)
        if definition.inputs.isEmpty {
            // The input may be added later (AddApplicationInput); until then only the grammar can be checked.
            let errors = Parser.parse(definition.code).errors
            guard errors.isEmpty else { throw .code(errors) }
        } else {
            program = try Self.plan(definition.code, inputs, tables)
        }
        let named = inputs
        for table in tables where inputs.contains(where: { $0.name == table.name }) {
            throw .configuration("The reference table '\(table.name)' has the name of an in-application stream.")
        }
        let names = Set(program.streams.map(\.name) + [Dataflow.errorStream.name])
        if !definition.inputs.isEmpty {
            for output in definition.outputs where !names.contains(output.name) {
                throw .configuration(
                    "Output name '\(output.name)' is not an in-application stream of the program; there are: "
                        + names.sorted().joined(separator: ", "))
            }
        }
        if let input = definition.inputs.first, let columns = inputs.first?.columns,
            !columns.contains(where: { $0.name == MetadataColumn.partitionKey.rawValue }),
            definition.outputs.contains(where: { PartitionKeyRule.rule(of: $0.name, in: program, inputs: inputs) == .record })
        {
            // Rows that are their records' own leave under their records' keys.
            let used = columns.filter(\.isHidden).compactMap { MetadataColumn(rawValue: $0.name) }
            (decoder, inputs) = try Self.input(input, metadata: used + [.partitionKey])
            program = try Self.plan(definition.code, inputs, tables)
        }
        self.program = program
        self.inputs = inputs
        self.decoder = decoder
        digest = Self.digest(definition, code: definition.code, inputs, withHidden: false)
        firstDigest = Self.digest(definition, code: definition.code, named, withHidden: true)
        decodeForm = Self.decodeForm(definition, inputs)
    }

    /// What makes rows of an input's records, without a program: for a query.
    /// - Parameters:
    ///   - name: of the stream of its rows.
    ///   - text: metadata columns that it does not name are left out.
    init(reading input: ApplicationInput, as name: String, for text: String) throws(ApplicationError) {
        let named = text.uppercased()
        let (decoder, inputs) = try Self.input(input, metadata: MetadataColumn.allCases.filter { named.contains($0.rawValue) })
        program = Program(streams: [], pumps: [])
        self.inputs = inputs.prefix(1).map { StreamSchema(name: name, columns: $0.columns) }
        self.decoder = decoder
        (digest, firstDigest) = (0, 0)
        decodeForm = ""
    }

    /// Leaves the values of all but some columns out.
    mutating func read(only columns: Set<Int>) {
        decoder = decoder?.reading(only: columns)
        decodeForm += "\n\(columns.sorted())"
    }

    /// - Parameter withHidden: whether metadata columns count.
    private static func digest(
        _ definition: ApplicationDefinition, code: String, _ inputs: [StreamSchema], withHidden: Bool
    ) -> UInt64 {
        var digest = FNV1a()
        digest.add(code)
        for input in inputs {
            digest.add(input.name)
            for column in input.columns where withHidden || !column.isHidden { digest.add("\(column.name) \(column.type)") }
        }
        // The mapping too: the same records must give the same rows when they are computed again.
        if let schema = schemaText(definition) { digest.add(schema) }
        for reference in definition.references { digest.add("table \(reference.tableName) \(text(reference.schema))") }
        return digest.value
    }

    private static func schemaText(_ definition: ApplicationDefinition) -> String? {
        definition.inputs.first.map { text($0.schema) }
    }

    private static func text(_ schema: InputSchema) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(schema)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// All that decides which rows a record becomes: two applications of which these are equal share what they decode.
    private static func decodeForm(_ definition: ApplicationDefinition, _ inputs: [StreamSchema]) -> String {
        let streams = inputs.map { input in
            "\(input.name.debugDescription) \(input.columns.map { "\($0.name.debugDescription) \($0.type) \($0.isHidden)" })"
        }
        return "\(schemaText(definition) ?? "")\n\(streams)"
    }

    private static func tables(_ definition: ApplicationDefinition) throws(ApplicationError) -> [StreamSchema] {
        var tables: [StreamSchema] = []
        for reference in definition.references {
            if tables.contains(where: { $0.name == reference.tableName }) {
                throw .configuration("There are two reference tables '\(reference.tableName)'.")
            }
            do throws(ReferenceRows.Refusal) {
                tables.append(StreamSchema(name: reference.tableName, columns: try ReferenceRows.columns(of: reference.schema)))
            } catch {
                throw .configuration("Reference table '\(reference.tableName)': \(error.message)")
            }
        }
        return tables
    }

    private static func plan(_ code: String, _ inputs: [StreamSchema], _ tables: [StreamSchema]) throws(ApplicationError) -> Program
    {
        do throws(ProgramErrors) {
            return try Planner.plan(code, inputs: inputs, tables: tables)
        } catch {
            throw .code(error.errors)
        }
    }

    /// How records become rows of the in-application streams of an input.
    private static func input(_ input: ApplicationInput, metadata: [MetadataColumn]) throws(ApplicationError) -> (
        RecordDecoder, [StreamSchema]
    ) {
        do throws(SchemaError) {
            let decoder = try RecordDecoder(input.schema, metadata: metadata)
            let hidden = Set(metadata.map(\.rawValue)).subtracting(input.schema.recordColumns.map(\.name))
            let columns = decoder.columns.map { column in
                var column = column
                column.isHidden = hidden.contains(column.name)
                return column
            }
            return (decoder, input.streamNames.map { StreamSchema(name: $0, columns: columns) })
        } catch {
            throw .configuration("InputSchema: \(error)")
        }
    }

    /// Leaves the values of columns that the program does not read out of the rows of its input.
    ///
    /// Not where rows that failed are an output: they show all their columns.
    mutating func leaveOutUnreadColumns(_ outputs: [ApplicationOutput]) {
        guard !outputs.contains(where: { $0.name == Dataflow.errorStream.name }) else { return }
        let read = ColumnUse.columnsRead(by: program, of: inputs)
        decoder = decoder?.reading(only: read)
        decodeForm += "\n\(read.sorted())"
    }

    /// Under which key the rows of an in-application stream leave.
    func partitionKeyRule(of stream: String) -> PartitionKeyRule { PartitionKeyRule.rule(of: stream, in: program, inputs: inputs) }

    /// The program at its start.
    func makeDataflow(_ run: StateRecord.Run, limits: Dataflow.Limits) throws(DataflowError) -> Dataflow {
        try Dataflow(program, inputs: inputs, seed: run.seed, queryStartMilliseconds: run.startMilliseconds, limits: limits)
    }

    /// What its operators keep, by their ids.
    ///
    /// The state of a program that is not complete yet is none.
    var states: [String: String] {
        let run = StateRecord.Run(startNumber: 0, programDigest: digest, seed: 0, startMilliseconds: 0, source: StreamID(0))
        return (try? makeDataflow(run, limits: Dataflow.Limits()).states) ?? [:]
    }

    /// The streams whose rows may leave.
    var outputSchemas: [StreamSchema] { program.streams + [Dataflow.errorStream] }
}

extension FNV1a {
    /// A text and its end.
    fileprivate mutating func add(_ text: String) {
        add(text.utf8)
        add(0)
    }
}
