/// DiscoverInputSchema in both versions.

import AWSWire
import StreamEngine
import Testing

@Suite struct DiscoverInputSchemaTests {
    let client = Client()
    private let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/ticks"

    private func request(_ version: Client.Version, _ position: String? = nil) -> JSONValue {
        let role: JSONValue = "arn:aws:iam::000000000000:role/r"
        let request: JSONValue = ["ResourceARN": .string(arn)]
        return request.with(version == .v1 ? "RoleARN" : "ServiceExecutionRole", role)
            .with("InputStartingPositionConfiguration", position.map { ["InputStartingPosition": .string($0)] })
    }

    @Test("the schema, the rows and the records", arguments: Client.Version.allCases)
    func schema(version: Client.Version) async throws {
        await client.applications.hold([Array(#"{"k":"a","v":1}"#.utf8), Array(#"{"k":"b"}"#.utf8)])
        let answer = try await client.call("DiscoverInputSchema", request(version, "TRIM_HORIZON"), version)
        #expect(
            answer["InputSchema"] == [
                "RecordFormat": [
                    "RecordFormatType": "JSON", "MappingParameters": ["JSONMappingParameters": ["RecordRowPath": "$"]],
                ],
                "RecordEncoding": "UTF-8",
                "RecordColumns": [
                    ["Name": "k", "Mapping": "$.k", "SqlType": "VARCHAR(4)"],
                    ["Name": "v", "Mapping": "$.v", "SqlType": "INTEGER"],
                ],
            ])
        #expect(answer["ParsedInputRecords"] == [["a", "1"], ["b", .null]])
        #expect(answer["RawInputRecords"] == [#"{"k":"a","v":1}"#, #"{"k":"b"}"#])
        let sampled = await client.applications.sampled
        #expect(sampled?.source == .stream(arn: arn) && sampled?.position == .trimHorizon)
        try await client.call("DiscoverInputSchema", request(version), version)
        #expect(await client.applications.sampled?.position == .now)
    }

    @Test("no records, and records without a form, are told apart", arguments: Client.Version.allCases)
    func undetected(version: Client.Version) async throws {
        let none = await client.refusal("DiscoverInputSchema", request(version), version)
        #expect(none?.type == "UnableToDetectSchemaException" && none?.message.contains("No records came") == true)
        await client.applications.hold([Array("prose".utf8)])
        let prose = await client.refusal("DiscoverInputSchema", request(version), version)
        #expect(prose?.type == "UnableToDetectSchemaException" && prose?.message.hasSuffix("One of them: prose") == true)
    }

    @Test("what cannot be looked at is refused with its field")
    func refusals() async {
        let bucket: JSONValue = ["BucketARN": "arn:aws:s3:::b", "FileKey": "k", "RoleARN": "arn:aws:iam::000000000000:role/r"]
        let stored = await client.refusal("DiscoverInputSchema", request(.v1).with("S3Configuration", bucket))
        #expect(stored?.type == "InvalidArgumentException" && stored?.message.hasPrefix("S3Configuration") == true)
        let nothing = await client.refusal("DiscoverInputSchema", request(.v1).with("ResourceARN", nil))
        #expect(nothing?.type == "InvalidArgumentException" && nothing?.message == "ResourceARN must not be null.")
        let topic = await client.refusal(
            "DiscoverInputSchema", request(.v1).with("ResourceARN", "arn:aws:sns:us-east-1:000000000000:topic/t"))
        #expect(topic?.type == "InvalidArgumentException" && topic?.message.hasPrefix("ResourceARN") == true)
        let role = await client.refusal("DiscoverInputSchema", request(.v2).with("ServiceExecutionRole", nil), .v2)
        #expect(role?.type == "ValidationException" && role?.message.contains("serviceExecutionRole") == true)
        let position = await client.refusal("DiscoverInputSchema", request(.v1, "MIDDLE"))
        #expect(position?.type == "ValidationException" && position?.message.contains("inputStartingPosition") == true)
    }
}
