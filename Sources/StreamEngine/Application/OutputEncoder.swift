/// Turns rows that entered in-application streams into records for the outputs of these streams.

import StreamSQL

/// The outputs of a run: which in-application stream goes where, how its rows are written, and under which partition key.
struct OutputEncoder: Sendable {
    private struct Output: Sendable {
        let id: String
        let encoder: RowEncoder
        let keys: PartitionKeys
    }

    /// The outputs of each in-application stream.
    private var outputsOfStream: [String: [Output]] = [:]

    init(_ outputs: [ApplicationOutput], _ compiled: CompiledApplication) {
        for output in outputs {
            guard let schema = compiled.outputSchemas.first(where: { $0.name == output.name }) else { continue }
            outputsOfStream[output.name, default: []].append(
                Output(
                    id: output.id, encoder: RowEncoder(columns: schema.columns, format: output.format == .json ? .json : .csv),
                    keys: PartitionKeys(rule: compiled.partitionKeyRule(of: output.name), otherwise: Array(output.name.utf8))))
        }
        guard outputsOfStream.values.joined().contains(where: { $0.keys.rule == .record }) else { return }
        for input in compiled.inputs {
            recordKeyColumns[input.name] = input.columns.firstIndex { $0.name == MetadataColumn.partitionKey.rawValue }
        }
    }

    /// The in-application streams whose rows are wanted.
    var streamNames: Set<String> { Set(outputsOfStream.keys) }

    /// Which column of each of the inputs' streams holds the partition keys of records; none where no output's rows leave under them.
    private(set) var recordKeyColumns: [String: Int] = [:]

    /// Writes rows, one record a row, for every output of their stream.
    /// - Parameter recordKeys: the partition keys of the input's rows, where some output wants them.
    func encode(_ batch: OutputBatch, recordKeys: Column?, into rows: inout [String: OutgoingRows]) {
        guard let outputs = outputsOfStream[batch.stream] else { return }
        for output in outputs {
            // Taken out, so that it grows in place.
            var outgoing = rows.removeValue(forKey: output.id) ?? OutgoingRows()
            for pieces in Self.pieces(of: batch.rows, for: output, recordKeys) { pieces.forEach { outgoing.append($0) } }
            rows[output.id] = outgoing
        }
    }

    /// Rows to be written by one core at least.
    private static let rowsOfCore = 8192

    /// The rows as records, part by part: a window's many groups are written by several cores.
    private static func pieces(of rows: KeyedBatch, for output: Output, _ recordKeys: Column?) -> [[OutgoingRows.Piece]] {
        let parts = max(1, min(4 * Cores.count, rows.count / rowsOfCore))
        if parts == 1 || Cores.count == 1 { return [pieces(of: rows, output, recordKeys)] }
        return Cores.map(parts) { part in
            let range = (rows.count * part / parts)..<(rows.count * (part + 1) / parts)
            return pieces(of: rows.slice(range), output, recordKeys)
        }
    }

    private static func pieces(of rows: KeyedBatch, _ output: Output, _ recordKeys: Column?) -> [OutgoingRows.Piece] {
        var pieces: [OutgoingRows.Piece] = []
        var (first, ready) = (0, 0)
        output.encoder.encode(rows.batch, pieceBytes: OutgoingRows.pieceBytes) { bytes, ends in
            let part = first..<(first + ends.count)
            first = part.upperBound
            // The rows of a window that closes may be hundreds of megabytes, most of them in memory that the process did not have before.
            if ready <= 0, rows.count >= rowsOfCore {
                ready = min(LargePages.mostAhead, bytes.count * (rows.count - part.lowerBound) / max(1, part.count))
                LargePages.prepare(ready)
            }
            ready -= bytes.count
            pieces.append(
                OutgoingRows.Piece(
                    keys: output.keys.keys(part, of: rows, recordKeys: recordKeys), values: ByteColumn(bytes: bytes, ends: ends)))
        }
        return pieces
    }
}
