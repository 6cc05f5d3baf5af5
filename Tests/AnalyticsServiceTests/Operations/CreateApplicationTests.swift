/// CreateApplication: what is accepted, what is stored, what is refused.

import AWSWire
import StreamEngine
import StreamSQL
import StreamStore
import Testing

@Suite struct CreateApplicationTests {
    let client = Client()

    @Test("version 1 answers with a summary of a READY application")
    func summary() async throws {
        let answer = try await client.call("CreateApplication", Sample.creation("copy"))
        #expect(
            answer == [
                "ApplicationSummary": [
                    "ApplicationName": "copy", "ApplicationARN": "arn:aws:kinesisanalytics:us-east-1:000000000000:application/copy",
                    "ApplicationStatus": "READY",
                ]
            ])
    }

    @Test("version 2 answers with the whole detail")
    func detail() async throws {
        let answer = try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        #expect(answer["ApplicationDetail"] == (try await client.detail("copy", .v2)))
        #expect(answer.at("ApplicationDetail", "RuntimeEnvironment") == "SQL-1_0")
        #expect(answer.at("ApplicationDetail", "ServiceExecutionRole")?.string == Sample.role)
    }

    @Test("the engine is given inputs, outputs and ids")
    func definition() async throws {
        let outputs: JSONValue = [
            Sample.output(),
            [
                "Name": "error_stream", "KinesisFirehoseOutput": Sample.resource(Sample.deliveryStream("errors")),
                "DestinationSchema": ["RecordFormatType": "CSV"],
            ],
        ]
        let input = Sample.input().with("InputParallelism", ["Count": 3])
        try await client.call("CreateApplication", Sample.creation("copy").with("Inputs", .array([input])).with("Outputs", outputs))
        let (definition, _) = try await client.applications.definition("copy")
        #expect(definition.version == 1 && definition.createdMilliseconds == Client.now && definition.code == Sample.code)
        #expect(definition.inputs.map(\.id) == ["1.1"])
        #expect(definition.inputs.first?.source == .stream(arn: Sample.stream("orders")))
        #expect(
            definition.inputs.first?.streamNames == ["SOURCE_SQL_STREAM_001", "SOURCE_SQL_STREAM_002", "SOURCE_SQL_STREAM_003"])
        #expect(definition.inputs.first?.schema.recordColumns.map(\.mapping) == ["$.k", "$.v"])
        #expect(definition.outputs.map(\.id) == ["2.1", "3.1"])
        #expect(definition.outputs.map(\.format) == [.json, .csv])
        #expect(definition.outputs.map(\.destination.key) == [StreamKey("derived"), StreamKey("errors", in: .delivery)])
    }

    @Test("CSV inputs have delimiters and no mappings")
    func csv() async throws {
        let input = Sample.input().with("InputSchema", Sample.csvSchema)
        try await client.call("CreateApplication", Sample.creation("copy").with("Inputs", .array([input])))
        let described = try await client.detail("copy").at("InputDescriptions", "0", "InputSchema")
        #expect(described == Sample.csvSchema)
    }

    @Test("an application may be created with its name alone")
    func nameAlone() async throws {
        try await client.call("CreateApplication", ["ApplicationName": "empty"])
        try await client.call(
            "CreateApplication",
            ["ApplicationName": "empty2", "RuntimeEnvironment": "SQL-1_0", "ServiceExecutionRole": .string(Sample.role)], .v2)
        for name in ["empty", "empty2"] { #expect(try await client.detail(name)["ApplicationCode"] == "") }
    }

    @Test("a second application of a name is refused", arguments: Client.Version.allCases)
    func exists(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        let refused = await client.refusal("CreateApplication", Sample.creation("copy", version), version)
        #expect(refused == Refused(status: 400, type: "ResourceInUseException", message: "Application copy already exists."))
    }

    @Test("wrong code is answered with every error on a line of its own", arguments: Client.Version.allCases)
    func wrongCode(version: Client.Version) async throws {
        await client.applications.refuse(
            .code([
                SQLError("no column \"kk\"", at: SourcePosition(line: 3, column: 15)),
                SQLError("expected )", at: SourcePosition(line: 7, column: 2)),
            ]))
        let refused = await client.refusal("CreateApplication", Sample.creation("copy", version), version)
        #expect(
            refused
                == Refused(status: 400, type: "CodeValidationException", message: "3:15: no column \"kk\"\n7:2: expected )"))
    }

    @Test("what the engine finds wrong in the configuration is an invalid argument")
    func configuration() async throws {
        await client.applications.refuse(.configuration("Output name 'X' is not an in-application stream"))
        let refused = await client.refusal("CreateApplication", Sample.creation("copy"))
        #expect(refused?.type == "InvalidArgumentException" && refused?.message.contains("'X'") == true)
    }

    @Test("a store that takes no changes makes the service unavailable, which clients try again")
    func store() async throws {
        await client.applications.refuse(.store(.readOnly(reason: "the disk is full")))
        let refused = await client.refusal("CreateApplication", Sample.creation("copy"))
        #expect(refused?.status == 503 && refused?.type == "ServiceUnavailableException")
        #expect(refused?.message.contains("the disk is full") == true)
        await client.applications.refuse(.store(.failed("a bug")))
        #expect(await client.refusal("CreateApplication", Sample.creation("copy"))?.status == 500)
    }

    @Test(
        "a stream may be read by one input, and there may be as many outputs as the settings say, at most 64",
        arguments: Client.Version.allCases)
    func limits(version: Client.Version) async throws {
        let client = Client(outputLimit: 3)
        func creation(inputs: Int, outputs: Int) -> JSONValue {
            let inputs = JSONValue.array(Array(repeating: Sample.input(version), count: inputs))
            let outputs = JSONValue.array(Array(repeating: Sample.output("OUT", version), count: outputs))
            let creation = Sample.creation("copy", version)
            guard version == .v2 else { return creation.with("Inputs", inputs).with("Outputs", outputs) }
            return creation.with(
                "ApplicationConfiguration",
                creation["ApplicationConfiguration"]?.with("SqlApplicationConfiguration", ["Inputs": inputs, "Outputs": outputs]))
        }
        let inputs = await client.refusal("CreateApplication", creation(inputs: 2, outputs: 1), version)
        #expect(inputs?.type == "InvalidArgumentException" && inputs?.message.contains("Inputs[1]") == true)
        let outputs = await client.refusal("CreateApplication", creation(inputs: 1, outputs: 4), version)
        #expect(outputs?.type == "InvalidArgumentException" && outputs?.message.contains("at most 3") == true)
        try await client.call("CreateApplication", creation(inputs: 1, outputs: 3), version)
        let unlimited = Client()
        try await unlimited.call("CreateApplication", creation(inputs: 1, outputs: 64), version)
        let tooMany = await unlimited.refusal("CreateApplication", creation(inputs: 1, outputs: 65), version)
        #expect(tooMany?.type == "InvalidArgumentException" && tooMany?.message.contains("at most 64") == true)
    }

    @Test("the number of applications is limited where the settings say so")
    func applicationLimit() async throws {
        let client = Client(applicationLimit: 1)
        try await client.call("CreateApplication", Sample.creation("one"))
        let refused = await client.refusal("CreateApplication", Sample.creation("two"))
        #expect(refused?.type == "LimitExceededException" && refused?.message.contains("the limit is 1") == true)
    }

    @Test("resources must be ARNs of the kind that the field says")
    func resources() async throws {
        let wrong: [(String, JSONValue, String)] = [
            ("Inputs", Sample.input().with("KinesisStreamsInput", nil), "names no resource"),
            (
                "Inputs", Sample.input().with("KinesisFirehoseInput", Sample.resource(Sample.deliveryStream("d"))),
                "names two resources"
            ),
            (
                "Inputs", Sample.input().with("KinesisStreamsInput", Sample.resource(Sample.deliveryStream("d"))),
                "Inputs[0].KinesisStreamsInput.ResourceARN"
            ),
            (
                "Outputs", Sample.output().with("KinesisStreamsOutput", Sample.resource("arn:aws:kinesis:us-east-1:0:stream/a b")),
                "Outputs[0].KinesisStreamsOutput.ResourceARN"
            ),
        ]
        for (field, item, words) in wrong {
            let refused = await client.refusal("CreateApplication", Sample.creation("copy").with(field, .array([item])))
            #expect(refused?.type == "InvalidArgumentException")
            #expect(refused?.message.contains(words) == true, "\(refused?.message ?? "accepted")")
        }
    }

    @Test("a Lambda function may be what records go through, not where rows go; so is a reference table without its parts")
    func unsupported() async throws {
        let lambda = Sample.resource("arn:aws:lambda:us-east-1:000000000000:function:f")
        let processed = Sample.input().with("InputProcessingConfiguration", ["InputLambdaProcessor": lambda])
        let toLambda = Sample.output().with("KinesisStreamsOutput", nil).with("LambdaOutput", lambda)
        let first = await client.refusal("CreateApplication", Sample.creation("copy").with("Inputs", .array([processed])))
        #expect(first == nil)
        let processor = try await client.detail("copy").at(
            "InputDescriptions", "0", "InputProcessingConfigurationDescription", "InputLambdaProcessorDescription")
        #expect(processor == lambda)
        let second = await client.refusal("CreateApplication", Sample.creation("other").with("Outputs", .array([toLambda])))
        #expect(second?.message.hasPrefix("Outputs[0].LambdaOutput is not supported") == true)
        let configuration = Sample.creation("copy", .v2)["ApplicationConfiguration"]
        let sql = configuration?["SqlApplicationConfiguration"]?.with("ReferenceDataSources", [["TableName": "T"]])
        let third = await client.refusal(
            "CreateApplication",
            Sample.creation("copy", .v2).with("ApplicationConfiguration", configuration?.with("SqlApplicationConfiguration", sql)),
            .v2)
        #expect(third?.type == "ValidationException" && third?.message.contains("referenceSchema") == true)
    }

    @Test("other runtimes than SQL are refused with what is supported")
    func runtimes() async throws {
        let flink = await client.refusal(
            "CreateApplication", Sample.creation("f", .v2).with("RuntimeEnvironment", "FLINK-1_18"), .v2)
        #expect(flink?.type == "UnsupportedOperationException")
        #expect(flink?.message.contains("'FLINK-1_18'") == true && flink?.message.contains("SQL-1_0") == true)
        let unknown = await client.refusal("CreateApplication", Sample.creation("f", .v2).with("RuntimeEnvironment", "COBOL"), .v2)
        #expect(unknown?.type == "ValidationException" && unknown?.message.contains("enum value set: [SQL-1_0, FLINK-1_6") == true)
        let configuration = Sample.creation("f", .v2)["ApplicationConfiguration"]
        for (field, value) in [("FlinkApplicationConfiguration", [:] as JSONValue), ("VpcConfigurations", [])] {
            let refused = await client.refusal(
                "CreateApplication", Sample.creation("f", .v2).with("ApplicationConfiguration", configuration?.with(field, value)),
                .v2)
            #expect(refused?.type == "InvalidArgumentException" && refused?.message.contains(field) == true)
        }
        let archive: JSONValue = ["CodeContent": ["ZipFileContent": "AAAA"], "CodeContentType": "ZIPFILE"]
        let zipped = await client.refusal(
            "CreateApplication",
            Sample.creation("f", .v2).with(
                "ApplicationConfiguration", configuration?.with("ApplicationCodeConfiguration", archive)), .v2)
        #expect(zipped?.type == "InvalidArgumentException" && zipped?.message.contains("PLAINTEXT") == true)
    }

    @Test("violated rules are reported together, in AWS's words")
    func rules() async throws {
        var input = Sample.input().with("NamePrefix", .string(String(repeating: "p", count: 33)))
        input = input.with("InputParallelism", ["Count": 65]).with("InputSchema", nil)
        let output = Sample.output().with("DestinationSchema", ["RecordFormatType": "XML"])
        let refused = await client.refusal(
            "CreateApplication",
            Sample.creation("a b").with("Inputs", .array([input])).with("Outputs", .array([output])))
        #expect(refused?.type == "ValidationException")
        let prefix = String(repeating: "p", count: 33)
        let parts = [
            "Value 'a b' at 'applicationName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            "Value '\(prefix)' at 'inputs.1.member.namePrefix' failed to satisfy constraint: Member must have length less than or equal to 32",
            "Value '65' at 'inputs.1.member.inputParallelism.count' failed to satisfy constraint: Member must have value less than or equal to 64",
            "Value null at 'inputs.1.member.inputSchema' failed to satisfy constraint: Member must not be null",
            "Value 'XML' at 'outputs.1.member.destinationSchema.recordFormatType' failed to satisfy constraint: "
                + "Member must satisfy enum value set: [JSON, CSV]",
        ]
        #expect(refused?.message == "5 validation errors detected: " + parts.joined(separator: "; "))
    }

    @Test("code may be 102400 characters long and no longer")
    func codeLength() async throws {
        let longest = String(repeating: " ", count: 102_400)
        try await client.call("CreateApplication", ["ApplicationName": "long", "ApplicationCode": .string(longest)])
        let refused = await client.refusal(
            "CreateApplication", ["ApplicationName": "l", "ApplicationCode": .string(longest + " ")])
        #expect(refused?.type == "ValidationException" && refused?.message.contains("less than or equal to 102400") == true)
    }

    @Test("version 1 wants a role with each resource, version 2 one for all")
    func roles() async throws {
        let input = Sample.input().with("KinesisStreamsInput", Sample.resource(Sample.stream("orders"), .v2))
        let refused = await client.refusal("CreateApplication", Sample.creation("copy").with("Inputs", .array([input])))
        #expect(refused?.message.contains("'inputs.1.member.kinesisStreamsInput.roleARN'") == true)
        let without = await client.refusal("CreateApplication", Sample.creation("copy", .v2).with("ServiceExecutionRole", nil), .v2)
        #expect(without?.message.contains("'serviceExecutionRole' failed to satisfy constraint: Member must not be null") == true)
        for role in [
            "arn:aws:iam::00000000000:role/r", "arn:aws:iam::000000000000:user/r", "arn:aws:iam::000000000000:role", "role",
        ] {
            let input = Sample.input().with(
                "KinesisStreamsInput", Sample.resource(Sample.stream("orders")).with("RoleARN", .string(role)))
            let refused = await client.refusal("CreateApplication", Sample.creation("copy").with("Inputs", .array([input])))
            #expect(refused?.type == "ValidationException", "\(role)")
        }
    }

    @Test("tags are kept, each key once and at most 50")
    func tags() async throws {
        let tags: JSONValue = [["Key": "team", "Value": "data"], ["Key": "bare"]]
        try await client.call("CreateApplication", Sample.creation("copy").with("Tags", tags))
        let arn: JSONValue = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/copy"
        for version in Client.Version.allCases {
            #expect(try await client.call("ListTagsForResource", ["ResourceARN": arn], version) == ["Tags": tags])
        }
        let twice: JSONValue = [["Key": "a"], ["Key": "a"]]
        #expect(
            await client.refusal("CreateApplication", Sample.creation("c").with("Tags", twice))?.type == "InvalidArgumentException")
        let many = JSONValue.array((0..<51).map { ["Key": .string("k\($0)")] })
        #expect(await client.refusal("CreateApplication", Sample.creation("c").with("Tags", many))?.type == "TooManyTagsException")
        let other: JSONValue = "arn:aws:kinesisanalytics:eu-west-1:000000000000:application/copy"
        #expect(await client.refusal("ListTagsForResource", ["ResourceARN": other])?.type == "ResourceNotFoundException")
    }
}
