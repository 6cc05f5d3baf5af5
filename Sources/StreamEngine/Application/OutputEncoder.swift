/// Turns rows that entered in-application streams into records for the outputs of these streams.

import StreamSQL

/// The outputs of a run: which in-application stream goes where, how its rows are written, and under which partition key.
struct OutputEncoder: Sendable {
    /// Longest partition key, in characters (Kinesis API, PutRecord).
    private static let longestKey = 256

    private struct Output: Sendable {
        let id: String
        let encoder: RowEncoder
        let rule: PartitionKeyRule
        /// The key of rows that have none.
        let otherwise: [UInt8]
    }

    /// The outputs of each in-application stream.
    private var outputsOfStream: [String: [Output]] = [:]

    init(_ outputs: [ApplicationOutput], _ compiled: CompiledApplication) {
        for output in outputs {
            guard let schema = compiled.outputSchemas.first(where: { $0.name == output.name }) else { continue }
            outputsOfStream[output.name, default: []].append(
                Output(
                    id: output.id, encoder: RowEncoder(columns: schema.columns, format: output.format == .json ? .json : .csv),
                    rule: compiled.partitionKeyRule(of: output.name), otherwise: Array(output.name.utf8)))
        }
        guard outputsOfStream.values.joined().contains(where: { $0.rule == .record }) else { return }
        recordKeyColumn = compiled.inputs.first?.columns.firstIndex { $0.name == MetadataColumn.partitionKey.rawValue }
    }

    /// The in-application streams whose rows are wanted.
    var streamNames: Set<String> { Set(outputsOfStream.keys) }

    /// The input's column that holds the partition keys of records, where some output's rows leave under them.
    private(set) var recordKeyColumn: Int?

    /// Writes rows, one record a row, for every output of their stream.
    /// - Parameter recordKeys: the partition keys of the input's rows, where some output wants them.
    func encode(_ batch: OutputBatch, recordKeys: Column?, into rows: inout [String: OutgoingRows]) {
        guard let outputs = outputsOfStream[batch.stream] else { return }
        for output in outputs {
            // Taken out, so that it grows in place.
            var outgoing = rows.removeValue(forKey: output.id) ?? OutgoingRows()
            output.encoder.encode(batch.rows.batch, into: &outgoing.values.bytes, ends: &outgoing.values.ends)
            Self.appendKeys(batch.rows, output, recordKeys, to: &outgoing.keys)
            rows[output.id] = outgoing
        }
    }

    private static func appendKeys(_ rows: KeyedBatch, _ output: Output, _ recordKeys: Column?, to keys: inout ByteColumn) {
        for index in 0..<rows.count {
            let start = keys.bytes.count
            appendKey(of: index, rows, output, recordKeys, to: &keys.bytes)
            if keys.bytes.count == start {
                keys.bytes.append(contentsOf: output.otherwise)
            } else if keys.bytes.count - start > longestKey {
                cutKey(from: start, in: &keys.bytes)
            }
            keys.ends.append(keys.bytes.count)
        }
    }

    private static func appendKey(
        of index: Int, _ rows: KeyedBatch, _ output: Output, _ recordKeys: Column?, to key: inout [UInt8]
    ) {
        switch output.rule {
        case .whole: break
        case .record:
            guard let recordKeys, let source = rows.keys[index].inputRow, source < recordKeys.count else { return }
            appendText(source, of: recordKeys, to: &key)
        case .columns(let columns):
            for (place, column) in columns.enumerated() {
                if place > 0 { key.append(UInt8(ascii: "|")) }
                appendText(index, of: rows.batch.columns[column], to: &key)
            }
        }
    }

    /// Leaves the characters of a key that fit.
    private static func cutKey(from start: Int, in bytes: inout [UInt8]) {
        let characters = String(decoding: bytes[start...], as: UTF8.self).unicodeScalars.prefix(longestKey)
        let key = String(String.UnicodeScalarView(characters))
        bytes.removeSubrange(start...)
        bytes.append(contentsOf: key.utf8)
    }

    /// A value as the text of a key; NULL is none.
    private static func appendText(_ row: Int, of column: Column, to key: inout [UInt8]) {
        if column.isNull(row) { return }
        switch column.values {
        case .bytes(let values): key.append(contentsOf: values.bytes[values.range(row)])
        case .integers(let values): key.append(contentsOf: String(values[row]).utf8)
        case .doubles(let values): key.append(contentsOf: "\(values[row])".utf8)
        case .booleans(let values): key.append(contentsOf: (values[row] ? "true" : "false").utf8)
        }
    }
}
