/// A definition checked and planned: what a run is made of.

import Foundation
import StableHash
import StreamSQL
import StreamStore

/// The function that an input's records go through.
struct InputFunction: Sendable {
    /// ARNs of the function and of the input's source.
    var function: String
    var source: String
}

/// An input as a run reads it: how its records become rows of its in-application streams.
struct CompiledInput: Sendable {
    var decoder: RecordDecoder
    /// The in-application streams, which are filled alike, metadata columns included.
    var streams: [StreamSchema]
    /// Which function the records go through before they are decoded; nil for none.
    var processor: InputFunction?

    fileprivate var hidden: [MetadataColumn] {
        (streams.first?.columns ?? []).filter(\.isHidden).compactMap { MetadataColumn(rawValue: $0.name) }
    }
}

/// The program of an application with the streams around it.
struct CompiledApplication: Sendable {
    let program: Program
    /// In the definition's order.
    private(set) var sources: [CompiledInput]
    /// Changes with the code and the inputs' schemas, and with nothing else.
    let digest: UInt64
    /// The same as state records of version 1 have it: the metadata columns that the program names count.
    let firstDigest: UInt64

    /// Of all that makes rows of records: runs whose digests are equal decode their sources alike.
    private(set) var decodeForm: String

    /// The in-application streams of all inputs.
    var inputs: [StreamSchema] { sources.flatMap(\.streams) }
    /// Of the first input.
    var decoder: RecordDecoder? { sources.first?.decoder }

    /// - Throws: `ApplicationError.code` with every error of the program, `.configuration` for what does not fit it.
    init(_ definition: ApplicationDefinition) throws(ApplicationError) {
        // A metadata column costs a text per row; a program can only use one by its name.
        let code = definition.code.uppercased()
        let named = MetadataColumn.allCases.filter { code.contains($0.rawValue) }
        var sources: [CompiledInput] = []
        for input in definition.inputs { sources.append(try Self.input(input, metadata: named)) }
        let tables = try Self.tables(definition)
        try Self.checkNames(sources, tables)
        for (index, input) in definition.inputs.enumerated()
        where definition.inputs[..<index].contains(where: { $0.source == input.source }) {
            throw .configuration("Two inputs read \(input.source.arn); one is enough for all that reads its rows.")
        }
        var program = Program(streams: [], pumps: [])
        if definition.inputs.isEmpty {
            // The input may be added later (AddApplicationInput); until then only the grammar can be checked.
            let errors = Parser.parse(definition.code).errors
            guard errors.isEmpty else { throw .code(errors) }
        } else {
            program = try Self.plan(definition.code, sources.flatMap(\.streams), tables)
            try Self.checkOutputs(definition, program)
        }
        let before = sources.flatMap(\.streams)
        if Self.needsRecordKeys(definition, program, before) {
            // Rows that are their records' own leave under their records' keys.
            for (index, input) in definition.inputs.enumerated() where !sources[index].hidden.contains(.partitionKey) {
                sources[index] = try Self.input(input, metadata: sources[index].hidden + [.partitionKey])
            }
            program = try Self.plan(definition.code, sources.flatMap(\.streams), tables)
        }
        self.program = program
        self.sources = sources
        let inputs = sources.flatMap(\.streams)
        digest = Self.digest(definition, code: definition.code, inputs, withHidden: false)
        firstDigest = Self.digest(definition, code: definition.code, before, withHidden: true)
        decodeForm = Self.decodeForm(definition, inputs)
    }

    /// Whether some output's rows leave under the partition keys of records, and these are not read yet.
    private static func needsRecordKeys(
        _ definition: ApplicationDefinition, _ program: Program, _ inputs: [StreamSchema]
    ) -> Bool {
        guard inputs.contains(where: { input in !input.columns.contains { $0.name == MetadataColumn.partitionKey.rawValue } })
        else { return false }
        return definition.outputs.contains { PartitionKeyRule.rule(of: $0.name, in: program, inputs: inputs) == .record }
    }

    private static func checkOutputs(_ definition: ApplicationDefinition, _ program: Program) throws(ApplicationError) {
        let names = Set(program.streams.map(\.name) + [Dataflow.errorStream.name])
        for output in definition.outputs where !names.contains(output.name) {
            throw .configuration(
                "Output name '\(output.name)' is not an in-application stream of the program; there are: "
                    + names.sorted().joined(separator: ", "))
        }
    }

    /// In-application streams and reference tables have one space of names.
    private static func checkNames(_ sources: [CompiledInput], _ tables: [StreamSchema]) throws(ApplicationError) {
        var names: Set<String> = []
        for stream in sources.flatMap(\.streams) where !names.insert(stream.name).inserted {
            throw .configuration(
                "Two inputs fill the in-application stream '\(stream.name)': give them different NamePrefixes.")
        }
        for table in tables where names.contains(table.name) {
            throw .configuration("The reference table '\(table.name)' has the name of an in-application stream.")
        }
    }

    /// What makes rows of an input's records, without a program: for a query.
    /// - Parameters:
    ///   - name: of the stream of its rows.
    ///   - text: metadata columns that it does not name are left out.
    init(reading input: ApplicationInput, as name: String, for text: String) throws(ApplicationError) {
        let named = text.uppercased()
        var source = try Self.input(input, metadata: MetadataColumn.allCases.filter { named.contains($0.rawValue) })
        source.streams = source.streams.prefix(1).map { StreamSchema(name: name, columns: $0.columns) }
        program = Program(streams: [], pumps: [])
        sources = [source]
        (digest, firstDigest) = (0, 0)
        decodeForm = ""
    }

    /// Leaves the values of all but some columns of its one input out.
    mutating func read(only columns: Set<Int>) {
        for index in sources.indices { sources[index].decoder = sources[index].decoder.reading(only: columns) }
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
        for input in definition.inputs { digest.add(text(input.schema)) }
        for input in definition.inputs {
            if let processor = input.processing?.functionARN { digest.add("processed by \(processor)") }
        }
        for reference in definition.references { digest.add("table \(reference.tableName) \(text(reference.schema))") }
        return digest.value
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
        return "\(definition.inputs.map { text($0.schema) }.joined(separator: "\n"))\n\(streams)"
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
    private static func input(_ input: ApplicationInput, metadata: [MetadataColumn]) throws(ApplicationError) -> CompiledInput {
        do throws(SchemaError) {
            let decoder = try RecordDecoder(input.schema, metadata: metadata)
            let hidden = Set(metadata.map(\.rawValue)).subtracting(input.schema.recordColumns.map(\.name))
            let columns = decoder.columns.map { column in
                var column = column
                column.isHidden = hidden.contains(column.name)
                return column
            }
            return CompiledInput(
                decoder: decoder, streams: input.streamNames.map { StreamSchema(name: $0, columns: columns) },
                processor: input.processing.map { InputFunction(function: $0.functionARN, source: input.source.arn) })
        } catch {
            throw .configuration("InputSchema: \(error)")
        }
    }

    /// Leaves the values of columns that the program does not read out of the rows of its inputs.
    ///
    /// Not where rows that failed are an output: they show all their columns.
    mutating func leaveOutUnreadColumns(_ outputs: [ApplicationOutput]) {
        guard !outputs.contains(where: { $0.name == Dataflow.errorStream.name }) else { return }
        for index in sources.indices {
            let read = ColumnUse.columnsRead(by: program, of: sources[index].streams)
            sources[index].decoder = sources[index].decoder.reading(only: read)
            decodeForm += "\n\(read.sorted())"
        }
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
        let run = StateRecord.Run(startNumber: 0, programDigest: digest, seed: 0, startMilliseconds: 0, sources: [])
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
