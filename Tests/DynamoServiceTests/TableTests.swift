/// Tables through the wire's own path: writes, pages, indexes, restarts, expiry.

import AWSWire
import DynamoService
import NodeMetrics
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct TableTests {
    private func put(_ harness: Harness, _ table: String, _ item: String, expecting status: Int = 200) async throws {
        try await harness.call("PutItem", #"{"TableName": "\#(table)", "Item": \#(item)}"#, expecting: status)
    }

    @Test func everythingIsThereAfterARestart() async throws {
        let store = MemoryStore()
        let first = Harness(store: store)
        try await first.table("users", sort: "N")
        for number in 0..<20 { try await put(first, "users", #"{"pk": {"S": "a"}, "sk": {"N": "\#(number)"}}"#) }
        try await first.call("DeleteItem", #"{"TableName": "users", "Key": {"pk": {"S": "a"}, "sk": {"N": "3"}}}"#)
        await first.dynamo.close()
        try await put(first, "users", #"{"pk": {"S": "late"}, "sk": {"N": "1"}}"#, expecting: 503)
        let second = Harness(store: store)
        let page = try await second.call("Scan", #"{"TableName": "users"}"#)
        #expect(page["Count"]?.integer == 19)
        try await second.table("others")
        #expect(try await second.call("ListTables", "{}")["TableNames"] == ["others", "users"])
        await second.dynamo.close()
    }

    @Test func aDeletedTableLeavesNothingAndItsNameBeginsAnew() async throws {
        let harness = Harness()
        try await harness.table("again")
        for number in 0..<600 { try await put(harness, "again", #"{"pk": {"S": "k\#(number)"}}"#) }
        try await harness.call("DeleteTable", #"{"TableName": "again"}"#)
        try await put(harness, "again", #"{"pk": {"S": "x"}}"#, expecting: 400)
        try await harness.table("again")
        try await put(harness, "again", #"{"pk": {"S": "x"}}"#)
        #expect(try await harness.call("Scan", #"{"TableName": "again"}"#)["Count"]?.integer == 1)
        try await until { try await metric(harness, "millrace_table_keys") == 2 }
        await harness.dynamo.close()
    }

    @Test func anItemExpiresOnlyIfItStillSaysSo() async throws {
        let harness = Harness()
        try await harness.table("sessions")
        try await harness.call(
            "UpdateTimeToLive",
            #"{"TableName": "sessions", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "end"}}"#)
        let now = harness.store.now / 1000
        try await put(harness, "sessions", #"{"pk": {"S": "kept"}, "end": {"N": "\#(now + 10)"}}"#)
        try await put(harness, "sessions", #"{"pk": {"S": "gone"}, "end": {"N": "\#(now + 10)"}}"#)
        try await harness.call(
            "UpdateItem",
            ##"{"TableName": "sessions", "Key": {"pk": {"S": "kept"}}, "UpdateExpression": "SET #e = :e", "##
                + ##""ExpressionAttributeNames": {"#e": "end"}, "ExpressionAttributeValues": {":e": {"N": "\##(now + 1000)"}}}"##)
        harness.store.advance(milliseconds: 20_000)
        try await until { try await harness.call("Scan", #"{"TableName": "sessions"}"#)["Count"]?.integer == 1 }
        #expect(try await harness.call("GetItem", #"{"TableName": "sessions", "Key": {"pk": {"S": "kept"}}}"#)["Item"] != nil)
        await harness.dynamo.close()
    }

    /// What was written before an index may hold in its attributes what no key can be: it stays out of the index, and can be changed.
    @Test func itemsThatCannotBeInANewIndexStayOutOfIt() async throws {
        let harness = Harness()
        try await harness.table("late")
        for (key, owner) in [("good", #"{"S": "o"}"#), ("number", #"{"N": "1"}"#), ("empty", #"{"S": ""}"#)] {
            try await put(harness, "late", #"{"pk": {"S": "\#(key)"}, "owner": \#(owner)}"#)
        }
        let long = String(repeating: "x", count: 100_000)
        try await put(harness, "late", #"{"pk": {"S": "long"}, "owner": {"S": "\#(long)"}}"#)
        try await harness.call(
            "UpdateTable",
            """
            {"TableName": "late", "AttributeDefinitions": [{"AttributeName": "owner", "AttributeType": "S"}, {"AttributeName": "pk", "AttributeType": "S"}],
             "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "owners", "Projection": {"ProjectionType": "ALL"},
               "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}]}}]}
            """)
        try await until {
            try await harness.call("DescribeTable", #"{"TableName": "late"}"#)["Table"]?["TableStatus"] == "ACTIVE"
        }
        #expect(try await harness.call("Scan", #"{"TableName": "late", "IndexName": "owners"}"#)["Count"]?.integer == 1)
        try await harness.call(
            "UpdateItem",
            #"{"TableName": "late", "Key": {"pk": {"S": "long"}}, "UpdateExpression": "ADD n :n", "#
                + #""ExpressionAttributeValues": {":n": {"N": "1"}}}"#)
        try await put(harness, "late", #"{"pk": {"S": "long"}, "owner": {"S": "\#(long)"}}"#, expecting: 400)
        await harness.dynamo.close()
    }

    @Test func writersOfOneItemTakeTurns() async throws {
        let harness = Harness()
        try await harness.table("counters")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    for _ in 0..<25 {
                        try await harness.call(
                            "UpdateItem",
                            #"{"TableName": "counters", "Key": {"pk": {"S": "c"}}, "UpdateExpression": "ADD n :one", "#
                                + #""ExpressionAttributeValues": {":one": {"N": "1"}}}"#)
                    }
                }
            }
            try await group.waitForAll()
        }
        let item = try await harness.call("GetItem", #"{"TableName": "counters", "Key": {"pk": {"S": "c"}}}"#)["Item"]
        #expect(item?["n"]?["N"] == "400")
        await harness.dynamo.close()
    }

    @Test func aNodeWithoutTablesMakesNothing() async throws {
        let harness = Harness()
        try await harness.dynamo.open()
        #expect(try await harness.store.streams(in: .table).isEmpty)
    }

    @Test func deepItemsAreReadToTheServicesLimitAndNotBeyond() async throws {
        let harness = Harness()
        try await harness.table("deep")
        func nested(_ levels: Int) -> String {
            String(repeating: #"{"L": ["#, count: levels) + #"{"S": "x"}"# + String(repeating: "]}", count: levels)
        }
        try await put(harness, "deep", #"{"pk": {"S": "a"}, "v": \#(nested(32))}"#)
        try await put(harness, "deep", #"{"pk": {"S": "a"}, "v": \#(nested(33))}"#, expecting: 400)
        try await put(harness, "deep", #"{"pk": {"S": "a"}, "v": \#(nested(10_000))}"#, expecting: 400)
        await harness.dynamo.close()
    }

    private func metric(_ harness: Harness, _ name: String) async throws -> Double? {
        let text = await harness.metrics.exposition()
        return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Waits until something holds; a minute at most.
    private func until(_ holds: () async throws -> Bool) async throws {
        for _ in 0..<6_000 {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("it did not come to hold")
    }
}
