/// Short ways to decode records in tests.

import StreamSQL
import Testing

/// A schema of JSON records: name, type and path of each column.
func jsonSchema(_ columns: [(String, String, String)], rowPath: String = "$") -> InputSchema {
    InputSchema(
        recordFormat: .init(recordFormatType: "JSON", mappingParameters: .init(json: .init(recordRowPath: rowPath))),
        recordColumns: columns.map { .init(name: $0.0, mapping: $0.2, sqlType: $0.1) })
}

func csvSchema(_ columns: [(String, String)], row: String = "\n", column: String = ",") -> InputSchema {
    InputSchema(
        recordFormat: .init(
            recordFormatType: "CSV",
            mappingParameters: .init(csv: .init(recordRowDelimiter: row, recordColumnDelimiter: column))),
        recordColumns: columns.map { .init(name: $0.0, sqlType: $0.1) })
}

/// The rows and errors of records given as bytes, each with ROWTIME 1000, 2000 and so on.
func decode(
    _ records: [[UInt8]], _ schema: InputSchema, metadata: [MetadataColumn] = []
) throws -> (batch: ColumnBatch, errors: [RecordError]) {
    var bytes: [UInt8] = []
    var sources: [SourceRecord] = []
    for (index, record) in records.enumerated() {
        let start = bytes.count
        bytes += record
        sources.append(
            SourceRecord(
                data: start..<bytes.count, rowtime: Int64(index + 1) * 1000, arrivalMilliseconds: 7, partitionKey: "pk\(index)",
                sequenceNumber: "\(index)", shardID: "shardId-000000000001"))
    }
    return try RecordDecoder(schema, metadata: metadata).decode(sources, in: bytes)
}

func decode(_ records: String..., as schema: InputSchema) throws -> (batch: ColumnBatch, errors: [RecordError]) {
    try decode(records.map { Array($0.utf8) }, schema)
}

/// The rows as JSON text.
func printed(_ batch: ColumnBatch, names: [String]? = nil) -> [String] {
    let names = names ?? batch.columns.indices.map { "C\($0)" }
    let definitions = zip(names, batch.columns).map { ColumnDefinition($0, $1.type) }
    var bytes: [UInt8] = []
    var ends: [Int] = []
    RowEncoder(columns: definitions, format: .json).encode(batch, into: &bytes, ends: &ends)
    return zip([0] + ends, ends).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
}

/// One column `$.v` of a type: what a record's value becomes, or `error`.
func coerced(_ value: String, _ type: String) throws -> String {
    let (batch, errors) = try decode("{\"v\":\(value)}", as: jsonSchema([("V", type, "$.v")]))
    return errors.isEmpty ? String(printed(batch)[0].dropFirst(6).dropLast()) : "error"
}
