/// InputSchema and its update: how records become rows.

import AWSWire
import StreamSQL

/// SourceSchema.
struct SchemaRequest: WireReadable {
    var format: RecordFormatRequest?
    var encoding: String?
    var columns: [ColumnRequest]?

    init(_ fields: WireFields) throws(AWSError) {
        format = try fields.structure("RecordFormat")
        encoding = try fields.string("RecordEncoding")
        columns = try fields.list("RecordColumns")
    }

    static func rules(_ version: APIVersion) -> [Rule<SchemaRequest>] {
        [
            .present("recordFormat", \.format), .structure("recordFormat", \.format, RecordFormatRequest.rules(version)),
            .member("recordEncoding", \.encoding, .pattern(.utf8)),
            .present("recordColumns", \.columns), .count("recordColumns", \.columns, 1...1_000),
            .each("recordColumns", \.columns, ColumnRequest.rules(version)),
        ]
    }

    /// The schema; the rules have seen to it that the parts are there.
    var schema: InputSchema {
        InputSchema(
            recordFormat: format?.format ?? InputSchema.RecordFormat(recordFormatType: "JSON"), recordEncoding: encoding,
            recordColumns: (columns ?? []).map(\.column))
    }
}

/// InputSchemaUpdate.
struct SchemaUpdate: WireReadable {
    var format: RecordFormatRequest?
    var encoding: String?
    var columns: [ColumnRequest]?

    init(_ fields: WireFields) throws(AWSError) {
        format = try fields.structure("RecordFormatUpdate")
        encoding = try fields.string("RecordEncodingUpdate")
        columns = try fields.list("RecordColumnUpdates")
    }

    static func rules(_ version: APIVersion) -> [Rule<SchemaUpdate>] {
        [
            .structure("recordFormatUpdate", \.format, RecordFormatRequest.rules(version)),
            .member("recordEncodingUpdate", \.encoding, .pattern(.utf8)),
            .count("recordColumnUpdates", \.columns, 1...1_000),
            .each("recordColumnUpdates", \.columns, ColumnRequest.rules(version)),
        ]
    }

    /// Columns are replaced as a whole.
    func apply(to schema: inout InputSchema) {
        if let format { schema.recordFormat = format.format }
        if let encoding { schema.recordEncoding = encoding }
        if let columns { schema.recordColumns = columns.map(\.column) }
    }
}

/// RecordFormat.
struct RecordFormatRequest: WireReadable {
    var type: String?
    var parameters: MappingParametersRequest?

    init(_ fields: WireFields) throws(AWSError) {
        type = try fields.string("RecordFormatType")
        parameters = try fields.structure("MappingParameters")
    }

    static func rules(_ version: APIVersion) -> [Rule<RecordFormatRequest>] {
        [
            .member("recordFormatType", \.type, .notNull, .oneOf(["JSON", "CSV"])),
            .structure(
                "mappingParameters", \.parameters,
                [
                    .structure(
                        "jSONMappingParameters", \.json,
                        [
                            Rule { json, violations in
                                violations.check(
                                    "recordRowPath", json.rowPath,
                                    [.notNull, .minLength(1)] + (version == .v2 ? [.maxLength(65_535), .pattern(.rowPath)] : []))
                            }
                        ]),
                    .structure(
                        "cSVMappingParameters", \.csv,
                        [
                            .member("recordRowDelimiter", \.rowDelimiter, .notNull, .minLength(1), .maxLength(1_024)),
                            .member("recordColumnDelimiter", \.columnDelimiter, .notNull, .minLength(1), .maxLength(1_024)),
                        ]),
                ]),
        ]
    }

    /// The format; the rules have seen to it that the parts are there.
    var format: InputSchema.RecordFormat {
        InputSchema.RecordFormat(recordFormatType: type ?? "JSON", mappingParameters: parameters?.parameters)
    }
}

/// MappingParameters.
struct MappingParametersRequest: WireReadable {
    struct JSON: WireReadable {
        var rowPath: String?
        init(_ fields: WireFields) throws(AWSError) { rowPath = try fields.string("RecordRowPath") }
    }

    struct CSV: WireReadable {
        var rowDelimiter: String?
        var columnDelimiter: String?
        init(_ fields: WireFields) throws(AWSError) {
            rowDelimiter = try fields.string("RecordRowDelimiter")
            columnDelimiter = try fields.string("RecordColumnDelimiter")
        }
    }

    var json: JSON?
    var csv: CSV?

    init(_ fields: WireFields) throws(AWSError) {
        json = try fields.structure("JSONMappingParameters")
        csv = try fields.structure("CSVMappingParameters")
    }

    var parameters: InputSchema.MappingParameters {
        InputSchema.MappingParameters(
            json: json.map { InputSchema.JSONMappingParameters(recordRowPath: $0.rowPath ?? "$") },
            csv: csv.map {
                InputSchema.CSVMappingParameters(
                    recordRowDelimiter: $0.rowDelimiter ?? "\n", recordColumnDelimiter: $0.columnDelimiter ?? ",")
            })
    }
}

/// RecordColumn.
struct ColumnRequest: WireReadable {
    var name: String?
    var mapping: String?
    var sqlType: String?

    init(_ fields: WireFields) throws(AWSError) {
        name = try fields.string("Name")
        mapping = try fields.string("Mapping")
        sqlType = try fields.string("SqlType")
    }

    static func rules(_ version: APIVersion) -> [Rule<ColumnRequest>] {
        [
            Rule { column, violations in
                violations.check(
                    "name", column.name,
                    [.notNull] + (version == .v2 ? [.pattern(.inApplicationName), .minLength(1), .maxLength(256)] : []))
            },
            .member("mapping", \.mapping, .maxLength(65_535)),
            .member("sqlType", \.sqlType, .notNull, .minLength(1), .maxLength(100)),
        ]
    }

    var column: InputSchema.RecordColumn {
        InputSchema.RecordColumn(name: name ?? "", mapping: mapping, sqlType: sqlType ?? "")
    }
}
