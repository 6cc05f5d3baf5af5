/// A definition checked and planned: what a run is made of.

import Foundation
import StreamSQL

/// The program of an application with the streams around it.
struct CompiledApplication: Sendable {
    let program: Program
    /// The in-application streams of the input, metadata columns included.
    let inputs: [StreamSchema]
    let decoder: RecordDecoder?
    /// Changes with the code and the input's schema, and with nothing else.
    let digest: UInt64

    /// - Throws: `ApplicationError.code` with every error of the program, `.configuration` for what does not fit it.
    init(_ definition: ApplicationDefinition) throws(ApplicationError) {
        var inputs: [StreamSchema] = []
        var decoder: RecordDecoder?
        if let input = definition.inputs.first {
            // A metadata column costs a text per row; a program can only use one by its name.
            let code = definition.code.uppercased()
            let used = MetadataColumn.allCases.filter { code.contains($0.rawValue) }
            do throws(SchemaError) {
                let made = try RecordDecoder(input.schema, metadata: used)
                let hidden = Set(used.map(\.rawValue)).subtracting(input.schema.recordColumns.map(\.name))
                let columns = made.columns.map { column in
                    var column = column
                    column.isHidden = hidden.contains(column.name)
                    return column
                }
                inputs = input.streamNames.map { StreamSchema(name: $0, columns: columns) }
                decoder = made
            } catch {
                throw .configuration("InputSchema: \(error)")
            }
        }
        if definition.inputs.isEmpty {
            // The input may be added later (AddApplicationInput); until then only the grammar can be checked.
            let errors = Parser.parse(definition.code).errors
            guard errors.isEmpty else { throw .code(errors) }
            program = Program(streams: [], pumps: [])
        } else {
            do throws(ProgramErrors) {
                program = try Planner.plan(definition.code, inputs: inputs)
            } catch {
                throw .code(error.errors)
            }
        }
        let names = Set(program.streams.map(\.name) + [Dataflow.errorStream.name])
        if !definition.inputs.isEmpty {
            for output in definition.outputs where !names.contains(output.name) {
                throw .configuration(
                    "Output name '\(output.name)' is not an in-application stream of the program; there are: "
                        + names.sorted().joined(separator: ", "))
            }
        }
        self.inputs = inputs
        self.decoder = decoder
        var digest = FNV1a()
        digest.add(definition.code)
        for input in inputs {
            digest.add(input.name)
            for column in input.columns { digest.add("\(column.name) \(column.type)") }
        }
        // The mapping too: the same records must give the same rows when they are computed again.
        if let schema = definition.inputs.first?.schema {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            digest.add((try? encoder.encode(schema)).map { String(decoding: $0, as: UTF8.self) } ?? "")
        }
        self.digest = digest.value
    }

    /// The program at its start.
    func makeDataflow(_ run: StateRecord.Run, limits: Dataflow.Limits) throws(DataflowError) -> Dataflow {
        try Dataflow(program, inputs: inputs, seed: run.seed, queryStartMilliseconds: run.startMilliseconds, limits: limits)
    }

    /// The streams whose rows may leave.
    var outputSchemas: [StreamSchema] { program.streams + [Dataflow.errorStream] }
}

/// FNV-1a, 64 bits: the same on every machine and in every process, which Swift's own hashing is not.
private struct FNV1a {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 + [0] { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
