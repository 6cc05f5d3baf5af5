/// Snapshots by name, versions, rollbacks and operations: what version 2 has beside version 1.

import AWSWire
import StreamEngine
import Testing

@Suite struct SnapshotTests {
    let client = Client()

    private func running() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        try await client.call("StartApplication", ["ApplicationName": "copy"], .v2)
    }

    private func snapshot(_ name: String) -> JSONValue { ["ApplicationName": "copy", "SnapshotName": .string(name)] }

    @Test("snapshots are taken of what runs, described, listed in pages and deleted")
    func life() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let stopped = await client.refusal("CreateApplicationSnapshot", snapshot("a"), .v2)
        #expect(stopped?.type == "InvalidRequestException" && stopped?.message.contains("READY") == true)
        try await client.call("StartApplication", ["ApplicationName": "copy"], .v2)
        for name in ["a", "b", "c"] { #expect(try await client.call("CreateApplicationSnapshot", snapshot(name), .v2) == [:]) }
        let twice = await client.refusal("CreateApplicationSnapshot", snapshot("b"), .v2)
        #expect(twice?.type == "ResourceInUseException" && twice?.message.contains("b already") == true)
        let details = try await client.call("DescribeApplicationSnapshot", snapshot("b"), .v2)["SnapshotDetails"]
        #expect(details?["SnapshotStatus"] == "READY" && details?["ApplicationVersionId"] == 1)
        #expect(details?["RuntimeEnvironment"] == "SQL-1_0" && details?["SnapshotCreationTimestamp"] != nil)
        let first = try await client.call("ListApplicationSnapshots", ["ApplicationName": "copy", "Limit": 2], .v2)
        #expect(first["SnapshotSummaries"]?.array?.compactMap { $0["SnapshotName"]?.string } == ["c", "b"])
        let token = try #require(first["NextToken"])
        let rest = try await client.call("ListApplicationSnapshots", ["ApplicationName": "copy", "NextToken": token], .v2)
        #expect(rest["SnapshotSummaries"]?.array?.compactMap { $0["SnapshotName"]?.string } == ["a"] && rest["NextToken"] == nil)
        let odd = await client.refusal("ListApplicationSnapshots", ["ApplicationName": "copy", "NextToken": "x"], .v2)
        #expect(odd?.type == "InvalidArgumentException")
        let created = try #require(details?["SnapshotCreationTimestamp"])
        try await client.call(
            "DeleteApplicationSnapshot", snapshot("b").with("SnapshotCreationTimestamp", created), .v2)
        #expect(await client.refusal("DescribeApplicationSnapshot", snapshot("b"), .v2)?.type == "ResourceNotFoundException")
    }

    @Test("a start says which state it begins with")
    func restore() async throws {
        try await running()
        try await client.call("CreateApplicationSnapshot", snapshot("a"), .v2)
        func restart(_ restore: JSONValue, _ inputs: JSONValue? = nil) async throws -> Refused? {
            _ = await client.refusal("StopApplication", ["ApplicationName": "copy"], .v2)
            let configuration: JSONValue = ["ApplicationRestoreConfiguration": restore]
            return await client.refusal(
                "StartApplication",
                ["ApplicationName": "copy", "RunConfiguration": configuration.with("SqlRunConfigurations", inputs)], .v2)
        }
        func shown() async throws -> JSONValue? {
            try await client.call("DescribeApplication", ["ApplicationName": "copy"], .v2).at(
                "ApplicationDetail", "ApplicationConfigurationDescription", "RunConfigurationDescription",
                "ApplicationRestoreConfigurationDescription")
        }
        #expect(try await restart(["ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "a"]) == nil)
        #expect(await client.applications.snapshot == "a")
        #expect(try await shown()?["SnapshotName"] == "a")
        #expect(try await restart(["ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"]) == nil)
        #expect(await client.applications.positions == ["1.1": .lastStoppedPoint])
        #expect(try await restart(["ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"]) == nil)
        #expect(await client.applications.positions == [:])
        #expect(await client.applications.snapshot == nil)
        let nameless = try await restart(["ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT"])
        #expect(nameless?.message.contains("SnapshotName must say") == true)
        let odd = try await restart(["ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT", "SnapshotName": "a"])
        #expect(odd?.type == "InvalidArgumentException")
        let contrary = try await restart(
            ["ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"],
            [["InputId": "1.1", "InputStartingPositionConfiguration": ["InputStartingPosition": "LAST_STOPPED_POINT"]]])
        #expect(contrary?.message.contains("1.1") == true)
        #expect(try await restart(["ApplicationRestoreType": "NEVER"])?.type == "ValidationException")
    }

    @Test("versions are listed, described and gone back to")
    func versions() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let other = Sample.code.replacing(#""v" INTEGER"#, with: #""v" BIGINT"#)
        try await client.call(
            "UpdateApplication",
            [
                "ApplicationName": "copy", "CurrentApplicationVersionId": 1,
                "ApplicationUpdate": ["ApplicationCodeUpdate": .string(other)],
            ])
        let listed = try await client.call("ListApplicationVersions", ["ApplicationName": "copy"], .v2)
        #expect(listed["ApplicationVersionSummaries"]?.array?.compactMap { $0["ApplicationVersionId"]?.integer } == [2, 1])
        func code(_ version: JSONValue) async throws -> String? {
            try await client.call(
                "DescribeApplicationVersion", ["ApplicationName": "copy", "ApplicationVersionId": version], .v2
            ).at(
                "ApplicationVersionDetail", "ApplicationConfigurationDescription", "ApplicationCodeConfigurationDescription",
                "CodeContentDescription", "TextContent")?.string
        }
        #expect(try await code(1) == Sample.code)
        #expect(try await code(2) == other)
        let unknown = await client.refusal(
            "DescribeApplicationVersion", ["ApplicationName": "copy", "ApplicationVersionId": 9], .v2)
        #expect(unknown?.type == "ResourceNotFoundException")
        let back = try await client.call(
            "RollbackApplication", ["ApplicationName": "copy", "CurrentApplicationVersionId": 2], .v2)
        #expect(back["OperationId"] == "rollback" && back.at("ApplicationDetail", "ApplicationVersionId") == 3)
        #expect(try await code(3) == Sample.code)
    }

    @Test("tags are added, changed and taken away, without a new version", arguments: Client.Version.allCases)
    func tags(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        let arn: JSONValue = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/copy"
        func tag(_ tags: JSONValue) async -> Refused? {
            await client.refusal("TagResource", ["ResourceARN": arn, "Tags": tags], version)
        }
        #expect(await tag([["Key": "a", "Value": "1"], ["Key": "b"]]) == nil)
        #expect(await tag([["Key": "a", "Value": "2"]]) == nil)
        let shown = try await client.call("ListTagsForResource", ["ResourceARN": arn], version)["Tags"]
        #expect(shown == [["Key": "a", "Value": "2"], ["Key": "b"]])
        let many = JSONValue.array((0..<49).map { ["Key": .string("k\($0)")] })
        #expect(await tag(many)?.type == "TooManyTagsException")
        try await client.call("UntagResource", ["ResourceARN": arn, "TagKeys": ["a", "none"]], version)
        #expect(try await client.call("ListTagsForResource", ["ResourceARN": arn], version)["Tags"] == [["Key": "b"]])
        #expect(try await client.detail("copy")["ApplicationVersionId"] == 1)
        let foreign: JSONValue = "arn:aws:kinesisanalytics:us-west-2:000000000000:application/copy"
        let refused = await client.refusal("UntagResource", ["ResourceARN": foreign, "TagKeys": ["a"]], version)
        #expect(refused?.type == "ResourceNotFoundException")
    }
}
