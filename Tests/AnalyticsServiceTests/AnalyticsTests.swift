/// The tables of operations, and bodies that no client of good will sends.

import AWSWire
import AnalyticsService
import Foundation
import Testing

@Suite struct AnalyticsTests {
    let client = Client()

    @Test("both versions answer to their operations", arguments: Client.Version.allCases)
    func operations(version: Client.Version) async throws {
        for operation in [
            "CreateApplication", "DescribeApplication", "StartApplication", "StopApplication", "DeleteApplication",
            "UpdateApplication", "AddApplicationInput", "AddApplicationOutput", "DeleteApplicationOutput",
            "AddApplicationReferenceDataSource", "DeleteApplicationReferenceDataSource",
        ] {
            // An empty object lacks at least the name.
            #expect(await client.refusal(operation, [:], version)?.type == "ValidationException", "\(operation)")
        }
        #expect((await client.refusal("CreateApplicationSnapshot", [:], .v1))?.type == "UnknownOperationException")
    }

    /// The operations of botocore's models: 20 of version 1, 33 of version 2.
    private static let both = [
        "AddApplicationCloudWatchLoggingOption", "AddApplicationInput", "AddApplicationInputProcessingConfiguration",
        "AddApplicationOutput", "AddApplicationReferenceDataSource", "CreateApplication", "DeleteApplication",
        "DeleteApplicationCloudWatchLoggingOption", "DeleteApplicationInputProcessingConfiguration", "DeleteApplicationOutput",
        "DeleteApplicationReferenceDataSource", "DescribeApplication", "DiscoverInputSchema", "ListApplications",
        "ListTagsForResource", "StartApplication", "StopApplication", "TagResource", "UntagResource", "UpdateApplication",
    ]
    private static let second = [
        "AddApplicationVpcConfiguration", "CreateApplicationPresignedUrl", "CreateApplicationSnapshot",
        "DeleteApplicationSnapshot", "DeleteApplicationVpcConfiguration", "DescribeApplicationOperation",
        "DescribeApplicationSnapshot", "DescribeApplicationVersion", "ListApplicationOperations", "ListApplicationSnapshots",
        "ListApplicationVersions", "RollbackApplication", "UpdateApplicationMaintenanceConfiguration",
    ]
    private static let withoutObject = [
        "AddApplicationVpcConfiguration", "CreateApplicationPresignedUrl", "DeleteApplicationVpcConfiguration",
        "UpdateApplicationMaintenanceConfiguration",
    ]

    @Test("all operations of both models are known: 20 and 33, of which 4 have nothing to work on and say so")
    func known() async throws {
        #expect(Self.both.count == 20 && Self.both.count + Self.second.count == 33)
        for operation in Self.both {
            for version in Client.Version.allCases {
                let refused = await client.refusal(operation, [:], version)
                #expect(
                    refused == nil || refused?.type == "ValidationException" || refused?.type == "InvalidArgumentException",
                    "\(operation)")
            }
        }
        for operation in Self.second {
            let refused = await client.refusal(operation, [:], .v2)
            let expected = Self.withoutObject.contains(operation) ? "UnsupportedOperationException" : "ValidationException"
            #expect(refused?.type == expected, "\(operation)")
            #expect(await client.refusal(operation, [:], .v1)?.type == "UnknownOperationException", "\(operation)")
        }
    }

    @Test("operations that have nothing to work on say why")
    func refused() async throws {
        for operation in Self.withoutObject {
            let refused = await client.refusal(operation, ["ApplicationName": "copy"], .v2)
            #expect(refused?.type == "UnsupportedOperationException")
            #expect(refused?.message.hasPrefix("\(operation) is not supported: ") == true)
        }
    }

    @Test(
        "a body with a value changed for any other kind of value is refused or taken, never fatal",
        arguments: Client.Version.allCases)
    func mutations(version: Client.Version) async throws {
        let others: [JSONValue] = [.null, true, 7, .number("-1e300"), "text", [], [[]], [:], ["Name": 1]]
        var answered = 0
        func mutate(_ value: JSONValue, _ rebuild: (JSONValue) -> JSONValue) async {
            for other in others {
                let refused = await client.refusal("CreateApplication", rebuild(other), version)
                if let refused {
                    #expect(
                        [
                            "SerializationException", "ValidationException", "InvalidArgumentException", "ResourceInUseException",
                            "UnsupportedOperationException",
                        ].contains(refused.type), "\(refused)")
                }
                answered += 1
            }
            for (index, element) in (value.array ?? []).enumerated() {
                await mutate(element) { changed in
                    var elements = value.array ?? []
                    elements[index] = changed
                    return rebuild(.array(elements))
                }
            }
            for member in value.object?.members ?? [] {
                await mutate(member.value) { rebuild(value.with(member.name, $0)) }
            }
        }
        await mutate(Sample.creation("copy", version)) { $0 }
        #expect(answered > 200)
    }

    @Test("the definitions of the example applications are accepted as they are")
    func examples() async throws {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let files = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: "Streams").path)
        var names: [String] = []
        for file in files.filter({ $0.hasSuffix(".json") }) {
            let definition = try JSONValue(parsing: Array(Data(contentsOf: root.appending(path: "Streams/\(file)"))))
            guard definition["Inputs"] != nil, let name = definition["ApplicationName"]?.string else { continue }
            try await client.call("CreateApplication", definition.with("ApplicationCode", "-- code"))
            let described = try await client.detail(name).at("InputDescriptions", "0", "InputSchema")
            #expect(described == definition.at("Inputs", "0", "InputSchema"))
            names.append(name)
        }
        #expect(names.contains("weather"))
    }

    @Test("bodies longer than an operation takes are refused")
    func tooLong() async throws {
        let request = (["ApplicationName": "copy"] as JSONValue).with("Padding", .string(String(repeating: "x", count: 20_000)))
        #expect(await client.refusal("StopApplication", request)?.status == 413)
    }
}
