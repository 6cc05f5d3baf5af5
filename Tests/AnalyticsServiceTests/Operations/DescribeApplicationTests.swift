/// DescribeApplication: what the two versions tell of the same application.

import AWSWire
import StreamEngine
import Testing

@Suite struct DescribeApplicationTests {
    let client = Client()

    @Test("version 1 describes all parts")
    func version1() async throws {
        let creation = Sample.creation("copy").with("ApplicationDescription", "copies")
        try await client.call("CreateApplication", creation)
        #expect(
            try await client.detail("copy") == [
                "ApplicationName": "copy", "ApplicationDescription": "copies",
                "ApplicationARN": "arn:aws:kinesisanalytics:us-east-1:000000000000:application/copy", "ApplicationStatus": "READY",
                "CreateTimestamp": .number("1479700000.250"), "LastUpdateTimestamp": .number("1479700000.250"),
                "ApplicationVersionId": 1,
                "InputDescriptions": [
                    [
                        "InputId": "1.1", "NamePrefix": "SOURCE_SQL_STREAM", "InAppStreamNames": ["SOURCE_SQL_STREAM_001"],
                        "KinesisStreamsInputDescription": Sample.resource(Sample.stream("orders")), "InputSchema": Sample.schema,
                        "InputParallelism": ["Count": 1], "InputStartingPositionConfiguration": [:],
                    ]
                ],
                "OutputDescriptions": [
                    [
                        "OutputId": "2.1", "Name": "OUT",
                        "KinesisStreamsOutputDescription": Sample.resource(Sample.stream("derived")),
                        "DestinationSchema": ["RecordFormatType": "JSON"],
                    ]
                ],
                "ApplicationCode": .string(Sample.code),
            ])
    }

    @Test("version 2 describes the same parts in its own form")
    func version2() async throws {
        try await client.call("CreateApplication", Sample.creation("copy", .v2), .v2)
        let two = try await client.detail("copy", .v2)
        let sql = two.at("ApplicationConfigurationDescription", "SqlApplicationConfigurationDescription")
        #expect(
            sql?.at("InputDescriptions", "0", "KinesisStreamsInputDescription") == Sample.resource(Sample.stream("orders"), .v2))
        let code = two.at("ApplicationConfigurationDescription", "ApplicationCodeConfigurationDescription")
        #expect(code == ["CodeContentType": "PLAINTEXT", "CodeContentDescription": ["TextContent": .string(Sample.code)]])
        // Version 1 has no role for all, so it shows it with each item.
        let one = try await client.detail("copy")
        #expect(one.at("InputDescriptions", "0", "KinesisStreamsInputDescription") == Sample.resource(Sample.stream("orders")))
        #expect(one.at("OutputDescriptions", "0", "KinesisStreamsOutputDescription") == Sample.resource(Sample.stream("derived")))
    }

    @Test(
        "an application that was stopped without being asked to says why, also to who reads only the model's fields",
        arguments: Client.Version.allCases)
    func stopReason(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("copy").with("ApplicationDescription", "copies"))
        try await client.call("CreateApplication", Sample.creation("well"))
        await client.applications.fail("copy", "no room")
        let detail = try await client.detail("copy", version)
        #expect(detail["ApplicationStatus"] == "READY")
        #expect(detail["ApplicationStatusReason"] == "no room")
        #expect(detail["ApplicationDescription"] == "copies (stopped: no room)")
        let summaries = try await client.call("ListApplications", [:], version)["ApplicationSummaries"]?.array ?? []
        #expect(summaries.map { $0["ApplicationStatusReason"] } == ["no room", nil])
    }

    @Test("an application is the same whichever version made it", arguments: Client.Version.allCases)
    func equivalence(version: Client.Version) async throws {
        try await client.call("CreateApplication", Sample.creation("one", version), version)
        let one = try await client.detail("one")
        let two = try await client.detail("one", .v2)
        for field in [
            "ApplicationName", "ApplicationARN", "ApplicationStatus", "CreateTimestamp", "LastUpdateTimestamp",
            "ApplicationVersionId",
        ] {
            #expect(one[field] != nil && one[field] == two[field], "\(field)")
        }
        let sql = two.at("ApplicationConfigurationDescription", "SqlApplicationConfigurationDescription")
        for field in ["InputId", "NamePrefix", "InAppStreamNames", "InputSchema", "InputParallelism"] {
            #expect(one.at("InputDescriptions", "0", field) == sql?.at("InputDescriptions", "0", field), "\(field)")
        }
        for field in ["OutputId", "Name", "DestinationSchema"] {
            #expect(one.at("OutputDescriptions", "0", field) == sql?.at("OutputDescriptions", "0", field), "\(field)")
        }
    }

    @Test("delivery streams are described as such")
    func deliveryStreams() async throws {
        let source = Sample.resource(Sample.deliveryStream("in"))
        let target = Sample.resource(Sample.deliveryStream("out"))
        let input = Sample.input().with("KinesisStreamsInput", nil).with("KinesisFirehoseInput", source)
        let output = Sample.output().with("KinesisStreamsOutput", nil).with("KinesisFirehoseOutput", target)
        try await client.call(
            "CreateApplication", Sample.creation("fire").with("Inputs", .array([input])).with("Outputs", .array([output])))
        let detail = try await client.detail("fire")
        #expect(detail.at("InputDescriptions", "0", "KinesisFirehoseInputDescription") == source)
        #expect(detail.at("OutputDescriptions", "0", "KinesisFirehoseOutputDescription") == target)
    }

    @Test("states are told as the manager knows them")
    func states() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        await client.applications.setStatus("copy", .updating)
        for version in Client.Version.allCases {
            #expect(try await client.detail("copy", version)["ApplicationStatus"] == "UPDATING")
        }
    }

    @Test("an unknown application is not found", arguments: Client.Version.allCases)
    func unknown(version: Client.Version) async throws {
        let refused = await client.refusal("DescribeApplication", ["ApplicationName": "none"], version)
        #expect(refused == Refused(status: 400, type: "ResourceNotFoundException", message: "Application none not found."))
    }

    @Test("an answer that memory does not suffice for is put off")
    func memory() async throws {
        try await client.call("CreateApplication", Sample.creation("copy"))
        // In small leases, for large ones leave something.
        let most = client.budget.limit >> 20
        let leases = (1...most).map { client.budget.lease($0 < most ? 1 << 20 : (1 << 20) - 4_096) }
        #expect(await client.refusal("DescribeApplication", ["ApplicationName": "copy"])?.type == "ServiceUnavailableException")
        #expect(leases.allSatisfy { $0 != nil })
    }
}
