/// Requests as clients send them.

import AWSWire

enum Sample {
    static let role = "arn:aws:iam::000000000000:role/millrace"
    static let code = #"""
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
        """#
    static let schema: JSONValue = [
        "RecordFormat": ["RecordFormatType": "JSON", "MappingParameters": ["JSONMappingParameters": ["RecordRowPath": "$"]]],
        "RecordEncoding": "UTF-8",
        "RecordColumns": [
            ["Name": "k", "Mapping": "$.k", "SqlType": "VARCHAR(8)"], ["Name": "v", "Mapping": "$.v", "SqlType": "INTEGER"],
        ],
    ]
    static let csvSchema: JSONValue = [
        "RecordFormat": [
            "RecordFormatType": "CSV",
            "MappingParameters": ["CSVMappingParameters": ["RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","]],
        ],
        "RecordEncoding": "UTF-8",
        "RecordColumns": [["Name": "k", "SqlType": "VARCHAR(8)"], ["Name": "v", "SqlType": "INTEGER"]],
    ]

    static func stream(_ name: String) -> String { "arn:aws:kinesis:us-east-1:000000000000:stream/\(name)" }
    static func deliveryStream(_ name: String) -> String { "arn:aws:firehose:us-east-1:000000000000:deliverystream/\(name)" }

    static func resource(_ arn: String, _ version: Client.Version = .v1) -> JSONValue {
        let resource: JSONValue = ["ResourceARN": .string(arn)]
        return version == .v1 ? resource.with("RoleARN", .string(role)) : resource
    }

    static func input(_ version: Client.Version = .v1) -> JSONValue {
        ["NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": resource(stream("orders"), version), "InputSchema": schema]
    }

    static func output(_ name: String = "OUT", _ version: Client.Version = .v1) -> JSONValue {
        [
            "Name": .string(name), "KinesisStreamsOutput": resource(stream("derived"), version),
            "DestinationSchema": ["RecordFormatType": "JSON"],
        ]
    }

    static func creation(_ name: String, _ version: Client.Version = .v1) -> JSONValue {
        switch version {
        case .v1:
            return [
                "ApplicationName": .string(name), "ApplicationCode": .string(code), "Inputs": [input()], "Outputs": [output()],
            ]
        case .v2:
            return [
                "ApplicationName": .string(name), "RuntimeEnvironment": "SQL-1_0", "ServiceExecutionRole": .string(role),
                "ApplicationConfiguration": [
                    "ApplicationCodeConfiguration": [
                        "CodeContent": ["TextContent": .string(code)], "CodeContentType": "PLAINTEXT",
                    ],
                    "SqlApplicationConfiguration": ["Inputs": [input(.v2)], "Outputs": [output("OUT", .v2)]],
                ],
            ]
        }
    }

    /// A change of the code, in the words of each version.
    static func codeUpdate(_ name: String, _ code: String, at version: Int64, _ api: Client.Version) -> JSONValue {
        let request: JSONValue = ["ApplicationName": .string(name), "CurrentApplicationVersionId": .number(String(version))]
        switch api {
        case .v1: return request.with("ApplicationUpdate", ["ApplicationCodeUpdate": .string(code)])
        case .v2:
            return request.with(
                "ApplicationConfigurationUpdate",
                ["ApplicationCodeConfigurationUpdate": ["CodeContentUpdate": ["TextContentUpdate": .string(code)]]])
        }
    }
}
