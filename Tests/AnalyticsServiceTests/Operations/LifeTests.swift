/// StartApplication, StopApplication, DeleteApplication: the life of an application.

import AWSWire
import StreamEngine
import Testing

@Suite struct LifeTests {
    let client = Client()

    private func start(
        _ name: String, _ version: Client.Version, at position: JSONValue = "NOW", id: JSONValue = "1.1"
    ) -> JSONValue {
        let position: JSONValue = ["InputStartingPosition": position]
        return version == .v1
            ? [
                "ApplicationName": .string(name),
                "InputConfigurations": [["Id": id, "InputStartingPositionConfiguration": position]],
            ]
            : [
                "ApplicationName": .string(name),
                "RunConfiguration": ["SqlRunConfigurations": [["InputId": id, "InputStartingPositionConfiguration": position]]],
            ]
    }

    @Test(
        "an application starts where it is told to", arguments: Client.Version.allCases,
        ["NOW", "TRIM_HORIZON", "LAST_STOPPED_POINT"])
    func starts(version: Client.Version, position: String) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        let answer = try await client.call("StartApplication", start("copy", version, at: .string(position)), version)
        #expect(answer == (version == .v1 ? [:] : ["OperationId": "start"]))
        #expect(await client.applications.positions == ["1.1": StartingPosition(rawValue: position)])
        let detail = try await client.detail("copy")
        #expect(detail["ApplicationStatus"] == "RUNNING")
        #expect(
            detail.at("InputDescriptions", "0", "InputStartingPositionConfiguration", "InputStartingPosition")?.string == position)
    }

    @Test("without a position an application starts now")
    func now() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        try await client.call(
            "StartApplication",
            ["ApplicationName": "copy", "InputConfigurations": [["Id": "1.1", "InputStartingPositionConfiguration": [:]]]])
        #expect(await client.applications.positions == ["1.1": .now])
        try await client.call("StopApplication", ["ApplicationName": "copy"])
        try await client.call("StartApplication", ["ApplicationName": "copy"], .v2)
        #expect(try await client.detail("copy", .v2)["ApplicationStatus"] == "RUNNING")
    }

    @Test("a running application cannot be started, a stopped one not stopped", arguments: Client.Version.allCases)
    func states(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let stopped = await client.refusal("StopApplication", ["ApplicationName": "copy"], version)
        #expect(stopped?.type == "ResourceInUseException" && stopped?.message.contains("READY") == true)
        try await client.call("StartApplication", start("copy", version), version)
        let started = await client.refusal("StartApplication", start("copy", version), version)
        #expect(started?.type == "ResourceInUseException" && started?.message.contains("RUNNING") == true)
        let answer = try await client.call("StopApplication", ["ApplicationName": "copy"], version)
        #expect(answer == (version == .v1 ? [:] : ["OperationId": "stop"]))
        #expect(try await client.detail("copy", version)["ApplicationStatus"] == "READY")
    }

    @Test("an id that names no input is refused with those there are", arguments: Client.Version.allCases)
    func unknownInput(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let refused = await client.refusal("StartApplication", start("copy", version, id: "9.9"), version)
        #expect(refused?.type == "InvalidArgumentException")
        #expect(refused?.message.contains("'9.9'") == true && refused?.message.contains("there are: 1.1") == true)
    }

    @Test("an application that cannot run is refused at its start")
    func configuration() async throws {
        let type = "InvalidApplicationConfigurationException"
        try await client.call("CreateApplication", ["ApplicationName": "bare", "ApplicationCode": "SELECT"])
        #expect(await client.refusal("StartApplication", start("bare", .v1))?.type == type)
        try await client.call("CreateApplication", ["ApplicationName": "codeless", "Inputs": [Sample.input()]])
        let codeless = await client.refusal("StartApplication", start("codeless", .v1))
        #expect(codeless?.type == type && codeless?.message.contains("no code") == true)
        try await client.call("CreateApplication", Sample.creation("copy"))
        await client.applications.refuse(.configuration("There is no stream named orders."))
        #expect(
            await client.refusal("StartApplication", start("copy", .v1))
                == Refused(status: 400, type: type, message: "There is no stream named orders."))
    }

    @Test("wrong starts are named in AWS's words")
    func rules() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let position = await client.refusal("StartApplication", start("copy", .v1, at: "YESTERDAY"))
        #expect(
            position?.message
                == "1 validation error detected: Value 'YESTERDAY' at "
                + "'inputConfigurations.1.member.inputStartingPositionConfiguration.inputStartingPosition' failed to satisfy constraint: "
                + "Member must satisfy enum value set: [NOW, TRIM_HORIZON, LAST_STOPPED_POINT]")
        let missing = await client.refusal("StartApplication", ["ApplicationName": "copy"])
        #expect(missing?.message.contains("'inputConfigurations' failed to satisfy constraint: Member must not be null") == true)
        let flink: JSONValue = [
            "ApplicationName": "copy", "RunConfiguration": ["FlinkRunConfiguration": ["AllowNonRestoredState": true]],
        ]
        #expect(
            await client.refusal("StartApplication", flink, .v2)?.message.contains("RunConfiguration.FlinkRunConfiguration") == true
        )
        let forced = await client.refusal("StopApplication", ["ApplicationName": "copy", "Force": true], .v2)
        #expect(forced?.type == "InvalidArgumentException" && forced?.message.contains("Force") == true)
    }

    @Test(
        "an application is deleted with the time of its creation, in milliseconds or whole seconds",
        arguments: Client.Version.allCases, ["1479700000.250", "1479700000"])
    func delete(version: Client.Version, time: String) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        #expect(
            try await client.call("DeleteApplication", ["ApplicationName": "copy", "CreateTimestamp": .number(time)], version)
                == [:])
        #expect(await client.refusal("DescribeApplication", ["ApplicationName": "copy"])?.type == "ResourceNotFoundException")
    }

    @Test("an application of another creation is not deleted", arguments: Client.Version.allCases)
    func deleteOther(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let refused = await client.refusal(
            "DeleteApplication", ["ApplicationName": "copy", "CreateTimestamp": 1_479_700_001], version)
        #expect(refused?.type == "ConcurrentModificationException" && refused?.message.contains("1479700000") == true)
        let without = await client.refusal("DeleteApplication", ["ApplicationName": "copy"], version)
        #expect(without?.type == "ValidationException")
        #expect(try await client.detail("copy")["ApplicationStatus"] == "READY")
        await client.applications.refuse(.inUse("copy", .updating))
        let busy = await client.refusal(
            "DeleteApplication", ["ApplicationName": "copy", "CreateTimestamp": 1_479_700_000], version)
        #expect(busy?.type == "ResourceInUseException" && busy?.message.contains("UPDATING") == true)
    }

    @Test(
        "no operation finds an application that is not there", arguments: Client.Version.allCases,
        ["StartApplication", "StopApplication", "DeleteApplication"])
    func unknown(version: Client.Version, operation: String) async throws {
        let request = start("none", version).with("CreateTimestamp", 1)
        #expect(await client.refusal(operation, request, version)?.type == "ResourceNotFoundException")
    }
}
