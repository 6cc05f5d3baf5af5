/// UpdateApplication and the operations that add and remove parts.

import AWSWire
import StreamEngine
import StreamSQL
import Testing

@Suite struct UpdateApplicationTests {
    let client = Client()

    private func update(_ update: JSONValue, at version: Int64 = 1) -> JSONValue {
        ["ApplicationName": "copy", "CurrentApplicationVersionId": .number(String(version)), "ApplicationUpdate": update]
    }

    private func change(_ name: String, _ value: JSONValue, at version: Int64 = 1) -> JSONValue {
        (["ApplicationName": "copy", "CurrentApplicationVersionId": .number(String(version))] as JSONValue).with(name, value)
    }

    @Test("new code is taken and the version rises", arguments: Client.Version.allCases)
    func code(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        let answer = try await client.call("UpdateApplication", Sample.codeUpdate("copy", "-- new", at: 1, version), version)
        let detail = try await client.detail("copy", version)
        switch version {
        case .v1: #expect(answer == [:])
        case .v2: #expect(answer["ApplicationDetail"] == detail)
        }
        #expect(detail["ApplicationVersionId"] == 2)
        #expect(detail["LastUpdateTimestamp"] == .number("1479700001.750"))
        #expect(detail["CreateTimestamp"] == .number("1479700000.250"))
        #expect(try await client.detail("copy")["ApplicationCode"] == "-- new")
    }

    @Test("a stale version is refused with the current one", arguments: Client.Version.allCases)
    func stale(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let refused = await client.refusal("UpdateApplication", Sample.codeUpdate("copy", "-- new", at: 7, version), version)
        #expect(refused?.type == "ConcurrentModificationException")
        #expect(refused?.message.contains("7") == true && refused?.message.contains("which is 1") == true)
    }

    @Test("an application between two states is not changed", arguments: Client.Version.allCases)
    func busy(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        await client.applications.refuse(.inUse("copy", .starting))
        let refused = await client.refusal("UpdateApplication", Sample.codeUpdate("copy", "-- new", at: 1, version), version)
        #expect(refused?.type == "ResourceInUseException" && refused?.message.contains("STARTING") == true)
    }

    @Test("wrong code is refused and the old one stays")
    func wrongCode() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        await client.applications.refuse(.code([SQLError("expected AS", at: SourcePosition(line: 1, column: 4))]))
        let refused = await client.refusal("UpdateApplication", Sample.codeUpdate("copy", "CREATE", at: 1, .v1))
        #expect(refused == Refused(status: 400, type: "CodeValidationException", message: "1:4: expected AS"))
        #expect(try await client.detail("copy")["ApplicationVersionId"] == 1)
    }

    @Test("every part of an input can be changed")
    func input() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let columns: JSONValue = [["Name": "w", "Mapping": "$.w", "SqlType": "DOUBLE"]]
        try await client.call(
            "UpdateApplication",
            update([
                "InputUpdates": [
                    [
                        "InputId": "1.1", "NamePrefixUpdate": "S",
                        "KinesisFirehoseInputUpdate": ["ResourceARNUpdate": .string(Sample.deliveryStream("d"))],
                        "InputSchemaUpdate": ["RecordColumnUpdates": columns], "InputParallelismUpdate": ["CountUpdate": 2],
                    ]
                ]
            ]))
        let input = try await client.detail("copy").at("InputDescriptions", "0")
        #expect(input?["InAppStreamNames"] == ["S_001", "S_002"])
        #expect(input?["KinesisFirehoseInputDescription"] == Sample.resource(Sample.deliveryStream("d")))
        #expect(input?["KinesisStreamsInputDescription"] == nil)
        #expect(input?["InputSchema"] == Sample.schema.with("RecordColumns", columns))
    }

    @Test("a role alone can be changed, if the resource is of that kind")
    func role() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let role: JSONValue = ["RoleARNUpdate": "arn:aws:iam::000000000000:role/other"]
        try await client.call(
            "UpdateApplication", update(["InputUpdates": [["InputId": "1.1", "KinesisStreamsInputUpdate": role]]]))
        let described = try await client.detail("copy").at("InputDescriptions", "0", "KinesisStreamsInputDescription")
        #expect(described?["RoleARN"] == "arn:aws:iam::000000000000:role/other")
        let refused = await client.refusal(
            "UpdateApplication", update(["InputUpdates": [["InputId": "1.1", "KinesisFirehoseInputUpdate": role]]], at: 2))
        #expect(refused?.type == "InvalidArgumentException")
        #expect(refused?.message.contains("ApplicationUpdate.InputUpdates[0].KinesisFirehoseInputUpdate") == true)
    }

    @Test("every part of an output can be changed", arguments: Client.Version.allCases)
    func output(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        let updates: JSONValue = [
            "OutputUpdates": [
                [
                    "OutputId": "2.1", "NameUpdate": "NEW",
                    "KinesisStreamsOutputUpdate": ["ResourceARNUpdate": .string(Sample.stream("other"))],
                    "DestinationSchemaUpdate": ["RecordFormatType": "CSV"],
                ]
            ]
        ]
        switch version {
        case .v1: try await client.call("UpdateApplication", update(updates))
        case .v2:
            try await client.call(
                "UpdateApplication", change("ApplicationConfigurationUpdate", ["SqlApplicationConfigurationUpdate": updates]), .v2)
        }
        let output = try await client.detail("copy").at("OutputDescriptions", "0")
        #expect(
            output == [
                "OutputId": "2.1", "Name": "NEW", "KinesisStreamsOutputDescription": Sample.resource(Sample.stream("other")),
                "DestinationSchema": ["RecordFormatType": "CSV"],
            ])
    }

    @Test("parts that are not there, or cannot run, are refused and nothing is changed")
    func refusedParts() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let wrong: [(JSONValue, String)] = [
            (["OutputUpdates": [["OutputId": "9.1"]]], "OutputUpdates[0].OutputId '9.1'"),
            (["InputUpdates": [["InputId": "9.1"]], "ApplicationCodeUpdate": "-- new"], "InputUpdates[0].InputId '9.1'"),
            (["OutputUpdates": [["OutputId": "2.1", "LambdaOutputUpdate": [:]]]], "Lambda"),
            (["ReferenceDataSourceUpdates": [["ReferenceId": "3.1"]]], "ReferenceDataSourceUpdates[0].ReferenceId '3.1'"),
            (["CloudWatchLoggingOptionUpdates": [["CloudWatchLoggingOptionId": "4.1"]]], "it has none"),
        ]
        for (parts, words) in wrong {
            let refused = await client.refusal("UpdateApplication", update(parts))
            #expect(refused?.type == "InvalidArgumentException")
            #expect(refused?.message.contains(words) == true, "\(refused?.message ?? "accepted")")
        }
        let detail = try await client.detail("copy")
        #expect(detail["ApplicationVersionId"] == 1 && detail["ApplicationCode"]?.string == Sample.code)
    }

    @Test("version 2 changes the role of all")
    func serviceRole() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let answer = try await client.call(
            "UpdateApplication", change("ServiceExecutionRoleUpdate", "arn:aws:iam::1:role/new"), .v2)
        #expect(answer.at("ApplicationDetail", "ServiceExecutionRole") == "arn:aws:iam::1:role/new")
    }

    @Test("version 2 takes a token for the version, and wants one of the two")
    func token() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let token = try await client.detail("copy", .v2)["ConditionalToken"]
        let request = Sample.codeUpdate("copy", "-- new", at: 1, .v2).with("CurrentApplicationVersionId", nil)
        let without = await client.refusal("UpdateApplication", request, .v2)
        #expect(without?.type == "InvalidArgumentException" && without?.message.contains("ConditionalToken") == true)
        try await client.call("UpdateApplication", request.with("ConditionalToken", token), .v2)
        let again = await client.refusal("UpdateApplication", request.with("ConditionalToken", token), .v2)
        #expect(again?.type == "ConcurrentModificationException")
        #expect(try await client.detail("copy", .v2)["ApplicationVersionId"] == 2)
    }

    @Test("version 2 refuses what is for other runtimes")
    func foreign() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let runtime = await client.refusal("UpdateApplication", change("RuntimeEnvironmentUpdate", "FLINK-1_20"), .v2)
        #expect(runtime?.type == "UnsupportedOperationException")
        let run = await client.refusal("UpdateApplication", change("RunConfigurationUpdate", [:]), .v2)
        #expect(run?.type == "InvalidArgumentException" && run?.message.contains("RunConfigurationUpdate") == true)
        let flink: JSONValue = ["FlinkApplicationConfigurationUpdate": [:]]
        let configuration = await client.refusal("UpdateApplication", change("ApplicationConfigurationUpdate", flink), .v2)
        #expect(configuration?.message.contains("FlinkApplicationConfigurationUpdate") == true)
    }

    @Test("inputs are added, each of another stream", arguments: Client.Version.allCases)
    func addInput(version: Client.Version) async throws {
        try await client.call("CreateApplication", ["ApplicationName": "copy"])
        let answer = try await client.call("AddApplicationInput", change("Input", Sample.input(version)), version)
        let input = try await client.detail("copy").at("InputDescriptions", "0")
        #expect(input?["InputId"] == "1.1" && input?["InputSchema"] == Sample.schema)
        switch version {
        case .v1: #expect(answer == [:])
        case .v2:
            #expect(answer["ApplicationVersionId"] == 2 && answer.at("InputDescriptions", "0", "InputId") == "1.1")
            #expect(answer["ApplicationARN"] == "arn:aws:kinesisanalytics:us-east-1:000000000000:application/copy")
        }
        let refused = await client.refusal("AddApplicationInput", change("Input", Sample.input(version), at: 2), version)
        #expect(refused?.type == "InvalidArgumentException" && refused?.message.contains("reads") == true)
        let other = Sample.input(version).with("NamePrefix", "OTHER")
            .with("KinesisStreamsInput", Sample.resource(Sample.stream("others"), version))
        try await client.call("AddApplicationInput", change("Input", other, at: 2), version)
        #expect(try await client.detail("copy").at("InputDescriptions", "1", "InputId") == "2.1")
    }

    @Test("the function that records go through is added, changed and deleted", arguments: Client.Version.allCases)
    func processing(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        func lambda(_ name: String) -> String { "arn:aws:lambda:us-east-1:000000000000:function:\(name)" }
        func shown() async throws -> String? {
            try await client.detail("copy").at(
                "InputDescriptions", "0", "InputProcessingConfigurationDescription", "InputLambdaProcessorDescription",
                "ResourceARN")?.string
        }
        let addition = change("InputProcessingConfiguration", ["InputLambdaProcessor": Sample.resource(lambda("a"), version)])
            .with("InputId", "1.1")
        let answer = try await client.call("AddApplicationInputProcessingConfiguration", addition, version)
        #expect(version == .v1 || answer["InputId"] == "1.1" && answer["ApplicationVersionId"] == 2)
        #expect(try await shown() == lambda("a"))
        let twice = await client.refusal(
            "AddApplicationInputProcessingConfiguration", addition.with("CurrentApplicationVersionId", 2), version)
        #expect(twice?.type == "InvalidArgumentException" && twice?.message.contains("already") == true)
        let update: JSONValue = [
            "InputUpdates": [
                [
                    "InputId": "1.1",
                    "InputProcessingConfigurationUpdate": [
                        "InputLambdaProcessorUpdate": ["ResourceARNUpdate": .string(lambda("b"))]
                    ],
                ]
            ]
        ]
        let whole =
            version == .v1
            ? change("ApplicationUpdate", update, at: 2)
            : change("ApplicationConfigurationUpdate", ["SqlApplicationConfigurationUpdate": update], at: 2)
        try await client.call("UpdateApplication", whole, version)
        #expect(try await shown() == lambda("b"))
        let deletion: JSONValue = ["ApplicationName": "copy", "CurrentApplicationVersionId": 3, "InputId": "1.1"]
        try await client.call("DeleteApplicationInputProcessingConfiguration", deletion, version)
        #expect(try await shown() == nil)
        let again = await client.refusal(
            "DeleteApplicationInputProcessingConfiguration", deletion.with("CurrentApplicationVersionId", 4), version)
        #expect(again?.message.contains("has no InputProcessingConfiguration") == true)
    }

    @Test("outputs are added and removed; their ids are not used again", arguments: Client.Version.allCases)
    func outputs(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy", version), version)
        let added = try await client.call("AddApplicationOutput", change("Output", Sample.output("B", version)), version)
        #expect(added.at("OutputDescriptions", "1", "OutputId")?.string == (version == .v1 ? nil : "3.1"))
        let removed = try await client.call("DeleteApplicationOutput", change("OutputId", "2.1", at: 2), version)
        #expect(removed["ApplicationVersionId"] == (version == .v1 ? nil : 3))
        try await client.call("AddApplicationOutput", change("Output", Sample.output("C", version), at: 3), version)
        let outputs = try await client.detail("copy")["OutputDescriptions"]?.array ?? []
        #expect(outputs.map { $0["OutputId"]?.string } == ["3.1", "4.1"] && outputs.map { $0["Name"]?.string } == ["B", "C"])
        let refused = await client.refusal("DeleteApplicationOutput", change("OutputId", "2.1", at: 4), version)
        #expect(refused?.type == "InvalidArgumentException" && refused?.message.contains("there are: 3.1, 4.1") == true)
    }

    @Test("an output beyond what the settings allow is refused")
    func fourthOutput() async throws {
        let client = Client(outputLimit: 3)
        try await client.call("CreateApplication", Sample.creation("copy"))
        for version: Int64 in 1...2 {
            try await client.call("AddApplicationOutput", change("Output", Sample.output(), at: version))
        }
        let refused = await client.refusal("AddApplicationOutput", change("Output", Sample.output(), at: 3))
        #expect(refused?.type == "InvalidArgumentException" && refused?.message.contains("at most 3") == true)
    }

    @Test("log options are kept, changed and removed", arguments: Client.Version.allCases)
    func loggingOptions(version: Client.Version) async throws {
        let stream = "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s"
        var option: JSONValue = ["LogStreamARN": .string(stream)]
        if version == .v1 { option = option.with("RoleARN", .string(Sample.role)) }
        let creation = Sample.creation("copy", version).with("CloudWatchLoggingOptions", .array([option]))
        try await client.call("CreateApplication", creation, version)
        try await client.call("AddApplicationCloudWatchLoggingOption", change("CloudWatchLoggingOption", option), version)
        let described = try await client.detail("copy", version)["CloudWatchLoggingOptionDescriptions"]
        #expect(described?.array?.map { $0["CloudWatchLoggingOptionId"]?.string } == ["3.1", "4.1"])
        #expect(described?.at("0", "LogStreamARN")?.string == stream)
        let updates: JSONValue = [["CloudWatchLoggingOptionId": "4.1", "LogStreamARNUpdate": "arn:aws:logs:::other"]]
        switch version {
        case .v1: try await client.call("UpdateApplication", update(["CloudWatchLoggingOptionUpdates": updates], at: 2))
        case .v2: try await client.call("UpdateApplication", change("CloudWatchLoggingOptionUpdates", updates, at: 2), .v2)
        }
        try await client.call(
            "DeleteApplicationCloudWatchLoggingOption", change("CloudWatchLoggingOptionId", "3.1", at: 3), version)
        let left = try await client.detail("copy")["CloudWatchLoggingOptionDescriptions"]
        #expect(
            left == [
                [
                    "CloudWatchLoggingOptionId": "4.1", "LogStreamARN": "arn:aws:logs:::other", "RoleARN": .string(Sample.role),
                ]
            ])
    }

    @Test("ten log options are enough")
    func loggingOptionLimit() async throws {
        let option: JSONValue = ["LogStreamARN": "arn:aws:logs:::s", "RoleARN": .string(Sample.role)]
        func creation(_ count: Int) -> JSONValue {
            Sample.creation("copy").with("CloudWatchLoggingOptions", .array(Array(repeating: option, count: count)))
        }
        #expect(await client.refusal("CreateApplication", creation(11))?.message.contains("CloudWatchLoggingOptions[10]") == true)
        try await client.call("CreateApplication", creation(10))
        let refused = await client.refusal("AddApplicationCloudWatchLoggingOption", change("CloudWatchLoggingOption", option))
        #expect(refused?.type == "InvalidArgumentException")
    }

    @Test(
        "no operation changes an application that is not there", arguments: Client.Version.allCases,
        [
            "UpdateApplication", "AddApplicationInput", "AddApplicationOutput", "DeleteApplicationOutput",
            "AddApplicationCloudWatchLoggingOption", "DeleteApplicationCloudWatchLoggingOption",
        ])
    func unknown(version: Client.Version, operation: String) async throws {
        let option: JSONValue = ["LogStreamARN": "arn:aws:logs:::s", "RoleARN": .string(Sample.role)]
        let request: JSONValue = [
            "ApplicationName": "none", "CurrentApplicationVersionId": 1, "ApplicationUpdate": [:], "Input": Sample.input(version),
            "Output": Sample.output("OUT", version), "OutputId": "1.1", "CloudWatchLoggingOption": option,
            "CloudWatchLoggingOptionId": "1.1",
        ]
        #expect(await client.refusal(operation, request, version)?.type == "ResourceNotFoundException")
    }

    @Test("versions are numbers from 1 on", arguments: Client.Version.allCases)
    func versionRule(version: Client.Version) async throws {
        let zero = await client.refusal("DeleteApplicationOutput", change("OutputId", "1.1", at: 0), version)
        #expect(zero?.message.contains("'0' at 'currentApplicationVersionId'") == true)
        let missing = await client.refusal("DeleteApplicationOutput", ["ApplicationName": "copy", "OutputId": "1.1"], version)
        #expect(
            missing?.message.contains("'currentApplicationVersionId' failed to satisfy constraint: Member must not be null") == true
        )
    }
}
