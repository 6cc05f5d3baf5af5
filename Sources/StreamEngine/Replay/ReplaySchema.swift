/// schema.json of a replay: the streams and tables that exist before the program starts.

import StreamSQL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The inputs of a replay with their decoders.
struct ReplaySchema: Sendable {
    struct Input: Sendable {
        /// How a line's data becomes rows.
        enum Form: Sendable {
            case row(RowDecoder)
            case record(RecordDecoder)
        }
        var schema: StreamSchema
        var form: Form
    }

    let inputs: [String: Input]
    /// How the rows of each table are read.
    let tables: [String: TableForm]
    let tableSchemas: [StreamSchema]

    var inputSchemas: [StreamSchema] { inputs.values.map(\.schema).sorted { $0.name < $1.name } }

    enum TableForm: Sendable {
        case row(RowDecoder)
        case records(InputSchema, RowDecoder)

        /// Reads rows of columns by their names.
        var rows: RowDecoder {
            switch self {
            case .row(let decoder), .records(_, let decoder): decoder
            }
        }
    }

    private struct File: Decodable {
        struct Column: Decodable {
            var name: String
            var type: String
        }
        struct Stream: Decodable {
            var columns: [Column]?
            var inputSchema: InputSchema?
            private enum CodingKeys: String, CodingKey {
                case columns
                case inputSchema = "input_schema"
            }
        }
        var streams: [String: Stream]?
        var tables: [String: Stream]?
    }

    init(_ file: ReplayFile) throws(ReplayFailure) {
        let contents = Data(try file.whole())
        let decoded: File
        do {
            decoded = try JSONDecoder().decode(File.self, from: contents)
        } catch let error as DecodingError {
            throw ReplayFailure("\(file.name): \(Self.describe(error))")
        } catch {
            throw ReplayFailure("\(file.name): is not JSON")
        }
        var inputs: [String: Input] = [:]
        for (name, stream) in decoded.streams ?? [:] {
            inputs[name] = try Self.input(name, stream, file)
        }
        var tables: [String: TableForm] = [:]
        var tableSchemas: [StreamSchema] = []
        for (name, table) in decoded.tables ?? [:] {
            guard inputs[name] == nil else { throw ReplayFailure("\(file.name): '\(name)' is a stream and a table") }
            let columns: [ColumnDefinition]
            switch (table.columns, table.inputSchema) {
            case (let declared?, nil):
                columns = try Self.columns(declared, of: name, file)
                tables[name] = .row(RowDecoder(columns))
            case (nil, let schema?):
                do throws(ReferenceRows.Refusal) { columns = try ReferenceRows.columns(of: schema) } catch {
                    throw ReplayFailure("\(file.name): table '\(name)': \(error.message)")
                }
                tables[name] = .records(schema, RowDecoder(columns))
            default: throw ReplayFailure("\(file.name): table '\(name)' needs either \"columns\" or \"input_schema\"")
            }
            tableSchemas.append(StreamSchema(name: name, columns: columns))
        }
        self.inputs = inputs
        self.tables = tables
        self.tableSchemas = tableSchemas.sorted { $0.name < $1.name }
    }

    private static func input(_ name: String, _ stream: File.Stream, _ file: ReplayFile) throws(ReplayFailure) -> Input {
        switch (stream.columns, stream.inputSchema) {
        case (let columns?, nil):
            let declared = try Self.columns(columns, of: name, file)
            // Record metadata can be named by the program, also where the rows are given column by column.
            let decoder = RowDecoder(declared, metadata: MetadataColumn.allCases)
            let all = decoder.columns.enumerated().map { $0.offset < declared.count ? $0.element : hidden($0.element) }
            return Input(schema: StreamSchema(name: name, columns: all), form: .row(decoder))
        case (nil, let inputSchema?):
            do throws(SchemaError) {
                let decoder = try RecordDecoder(inputSchema)
                let mapped = inputSchema.recordColumns.count
                let columns = decoder.columns.enumerated().map { $0.offset < mapped ? $0.element : hidden($0.element) }
                return Input(schema: StreamSchema(name: name, columns: columns), form: .record(decoder))
            } catch {
                throw ReplayFailure("\(file.name): stream '\(name)': input_schema: \(error)")
            }
        default: throw ReplayFailure("\(file.name): stream '\(name)' needs either \"columns\" or \"input_schema\"")
        }
    }

    private static func hidden(_ column: ColumnDefinition) -> ColumnDefinition {
        var column = column
        column.isHidden = true
        return column
    }

    private static func columns(_ columns: [File.Column], of name: String, _ file: ReplayFile) throws(ReplayFailure)
        -> [ColumnDefinition]
    {
        var definitions: [ColumnDefinition] = []
        for column in columns {
            guard !definitions.contains(where: { $0.name == column.name }) else {
                throw ReplayFailure("\(file.name): '\(name)' has two columns '\(column.name)'")
            }
            do throws(SQLType.ParseError) {
                definitions.append(ColumnDefinition(column.name, try SQLType(parsing: column.type)))
            } catch {
                throw ReplayFailure("\(file.name): '\(name)', column '\(column.name)': \(error.message)")
            }
        }
        guard !definitions.isEmpty else { throw ReplayFailure("\(file.name): '\(name)' has no columns") }
        return definitions
    }

    private static func describe(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty ? "" : " at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        }
        switch error {
        case .keyNotFound(let key, let context): return "\"\(key.stringValue)\" is missing\(place(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): return "a value of the wrong type\(place(context))"
        case .dataCorrupted(let context): return "is not JSON\(place(context))"
        @unknown default: return "cannot be understood"
        }
    }
}
