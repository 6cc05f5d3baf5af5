/// The rows of a replay's reference tables, read before the first row is played.

import StreamSQL

struct ReplayTables {
    /// By the names of the tables.
    private(set) var batches: [String: ColumnBatch] = [:]

    /// - Parameters:
    ///   - lines: rows of all tables, each with its table's name.
    ///   - files: rows of one table each.
    init(_ schema: ReplaySchema, _ lines: ReplayFile?, _ files: [(name: String, file: ReplayFile)]) throws(ReplayFailure) {
        var builders = schema.tables.mapValues { $0.rows.makeBuilder() }
        try lines?.forEachLine { (_, bytes) throws(LineError) in
            let line = try ReplayLine(bytes, isReference: true)
            guard let table = line.table, let row = line.row else { throw LineError("\"table\" and \"row\" are needed") }
            try Self.append(row, to: &builders, of: table, schema)
        }
        for (name, file) in files {
            switch schema.tables[name] {
            case .row:
                try file.forEachLine { (_, bytes) throws(LineError) in
                    try Self.append(Array(bytes), to: &builders, of: name, schema)
                }
            case .records(let inputSchema, _):
                do throws(ReferenceRows.Refusal) {
                    batches[name] = try ReferenceRows.decode(try Self.whole(file), schema: inputSchema)
                } catch {
                    throw ReplayFailure("\(file.name): \(error.message)")
                }
            case nil:
                throw ReplayFailure("--reference \(name)=\(file.name): there is no table '\(name)' in the schema", status: .usage)
            }
        }
        for (name, builder) in builders where batches[name] == nil { batches[name] = builder.finish() }
    }

    private static func whole(_ file: ReplayFile) throws(ReferenceRows.Refusal) -> [UInt8] {
        do throws(ReplayFailure) { return try file.whole(atMost: ReferenceRows.largestFile) } catch {
            throw ReferenceRows.Refusal(message: error.messages.joined(separator: "; "))
        }
    }

    private static func append(
        _ row: [UInt8], to builders: inout [String: ColumnBatchBuilder], of table: String, _ schema: ReplaySchema
    ) throws(LineError) {
        guard let form = schema.tables[table], var builder = builders.removeValue(forKey: table) else {
            throw LineError("there is no table '\(table)' in the schema")
        }
        // Taken out, so that it grows in place.
        var failure: RowFailure?
        do throws(RowFailure) {
            try form.rows.append(row, record: SourceRecord(data: 0..<0, rowtime: 0), to: &builder)
        } catch { failure = error }
        builders[table] = builder
        if let failure { throw LineError(failure.message) }
    }
}
