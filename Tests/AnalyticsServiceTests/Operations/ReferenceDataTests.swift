/// Reference data sources: added, described, changed and removed in both versions of the API.

import AWSWire
import AnalyticsService
import Testing

@Suite("Reference data sources")
struct ReferenceDataTests {
    let client = Client()

    private static let schema: JSONValue = [
        "RecordFormat": [
            "RecordFormatType": "CSV",
            "MappingParameters": ["CSVMappingParameters": ["RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","]],
        ],
        "RecordEncoding": "UTF-8",
        "RecordColumns": [["Name": "Ticker", "SqlType": "VARCHAR(4)"], ["Name": "Company", "SqlType": "VARCHAR(16)"]],
    ]
    private static let role = "arn:aws:iam::000000000000:role/analytics"

    private func source(_ version: Client.Version) -> JSONValue {
        let object: JSONValue = ["BucketARN": "arn:aws:s3:::tables", "FileKey": "companies.csv"]
        return [
            "TableName": "CompanyName", "ReferenceSchema": Self.schema,
            "S3ReferenceDataSource": version == .v1 ? object.with("ReferenceRoleARN", .string(Self.role)) : object,
        ]
    }

    private func sources(_ version: Client.Version) async throws -> JSONValue? {
        let detail = try await client.detail("copy", version)
        guard version == .v2 else { return detail["ReferenceDataSourceDescriptions"] }
        return detail["ApplicationConfigurationDescription"]?["SqlApplicationConfigurationDescription"]?[
            "ReferenceDataSourceDescriptions"]
    }

    @Test("a source is added, described, changed and deleted", arguments: Client.Version.allCases)
    func life(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        #expect(try await sources(version) == nil)
        try await client.call(
            "AddApplicationReferenceDataSource",
            ["ApplicationName": "copy", "CurrentApplicationVersionId": 1, "ReferenceDataSource": source(version)], version)
        let added = try await sources(version)?.at("0")
        #expect(added?["ReferenceId"] == "3.1" && added?["TableName"] == "CompanyName" && added?["ReferenceSchema"] == Self.schema)
        #expect(added?["S3ReferenceDataSourceDescription"]?["BucketARN"] == "arn:aws:s3:::tables")
        #expect(added?["S3ReferenceDataSourceDescription"]?["FileKey"] == "companies.csv")
        #expect(added?["S3ReferenceDataSourceDescription"]?["ReferenceRoleARN"] == (version == .v1 ? .string(Self.role) : nil))
        let updates: JSONValue = [
            "ReferenceDataSourceUpdates": [
                ["ReferenceId": "3.1", "TableNameUpdate": "Names", "S3ReferenceDataSourceUpdate": ["FileKeyUpdate": "a/b.csv"]]
            ]
        ]
        let change: JSONValue =
            version == .v1
            ? ["ApplicationUpdate": updates] : ["ApplicationConfigurationUpdate": ["SqlApplicationConfigurationUpdate": updates]]
        try await client.call(
            "UpdateApplication", change.with("ApplicationName", "copy").with("CurrentApplicationVersionId", 2), version)
        let changed = try await sources(version)?.at("0")
        #expect(changed?["TableName"] == "Names" && changed?["S3ReferenceDataSourceDescription"]?["FileKey"] == "a/b.csv")
        let deletion: JSONValue = ["ApplicationName": "copy", "CurrentApplicationVersionId": 3]
        let unknown = await client.refusal("DeleteApplicationReferenceDataSource", deletion.with("ReferenceId", "9.1"), version)
        #expect(unknown?.type == "InvalidArgumentException" && unknown?.message.contains("there are: 3.1") == true)
        try await client.call("DeleteApplicationReferenceDataSource", deletion.with("ReferenceId", "3.1"), version)
        #expect(try await sources(version) == nil)
    }

    @Test("an ARN that is no bucket's is refused by its field")
    func wrongBucket() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let object: JSONValue = [
            "BucketARN": "arn:aws:kinesis:us-east-1:000000000000:stream/x", "FileKey": "k", "ReferenceRoleARN": .string(Self.role),
        ]
        let refused = await client.refusal(
            "AddApplicationReferenceDataSource",
            [
                "ApplicationName": "copy", "CurrentApplicationVersionId": 1,
                "ReferenceDataSource": source(.v1).with("S3ReferenceDataSource", object),
            ])
        #expect(refused?.type == "InvalidArgumentException")
        #expect(refused?.message.hasPrefix("ReferenceDataSource.S3ReferenceDataSource.BucketARN") == true)
    }
}
