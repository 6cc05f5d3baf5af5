/// ListApplications: pages in the order of names.

import AWSWire
import Testing

@Suite struct ListApplicationsTests {
    let client = Client()

    private func names(_ answer: JSONValue) -> [String] {
        (answer["ApplicationSummaries"]?.array ?? []).compactMap { $0["ApplicationName"]?.string }
    }

    @Test("version 1 pages by the last name seen")
    func version1() async throws {
        for name in ["c", "a", "b"] { try await client.call("CreateApplication", Sample.creation(name)) }
        let first = try await client.call("ListApplications", ["Limit": 2])
        #expect(names(first) == ["a", "b"] && first["HasMoreApplications"] == true)
        let second = try await client.call("ListApplications", ["Limit": 2, "ExclusiveStartApplicationName": "b"])
        #expect(names(second) == ["c"] && second["HasMoreApplications"] == false)
        let between = try await client.call("ListApplications", ["ExclusiveStartApplicationName": "aa"])
        #expect(names(between) == ["b", "c"])
        #expect(
            first.at("ApplicationSummaries", "0")?.object?.members.map(\.name) == [
                "ApplicationName", "ApplicationARN", "ApplicationStatus",
            ])
    }

    @Test("version 2 pages by token and tells version and runtime")
    func version2() async throws {
        for name in ["c", "a", "b"] { try await client.call("CreateApplication", Sample.creation(name)) }
        var seen: [String] = []
        var token: JSONValue?
        repeat {
            let page = try await client.call("ListApplications", (["Limit": 1] as JSONValue).with("NextToken", token), .v2)
            seen += names(page)
            token = page["NextToken"]
            #expect(page.at("ApplicationSummaries", "0", "RuntimeEnvironment") == "SQL-1_0")
            #expect(page.at("ApplicationSummaries", "0", "ApplicationVersionId") == 1)
        } while token != nil
        #expect(seen == ["a", "b", "c"])
    }

    @Test("a page holds fifty unless the request says less")
    func fullPage() async throws {
        for number in 100..<151 { try await client.call("CreateApplication", Sample.creation("n\(number)")) }
        let page = try await client.call("ListApplications", [:])
        #expect(names(page).count == 50 && page["HasMoreApplications"] == true)
    }

    @Test("no applications are an empty list", arguments: Client.Version.allCases)
    func none(version: Client.Version) async throws {
        let answer = try await client.call("ListApplications", [:], version)
        #expect(answer["ApplicationSummaries"] == [])
    }

    @Test("limits outside of 1 to 50 are refused", arguments: Client.Version.allCases, [0, 51])
    func limit(version: Client.Version, limit: Int64) async throws {
        let refused = await client.refusal("ListApplications", ["Limit": .number(String(limit))], version)
        #expect(refused?.type == "ValidationException" && refused?.message.contains("'\(limit)' at 'limit'") == true)
    }
}
