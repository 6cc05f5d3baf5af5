/// Tags of streams: added, removed, listed, and those that set something.

import AWSWire
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct TagTests {
    private let kinesis = Harness()

    private func list(_ more: [(String, JSONValue)] = []) async throws -> (tags: [[String]], hasMore: JSONValue?) {
        var request = JSONObject([.init(name: "StreamName", value: "s")])
        for (name, value) in more { request[name] = value }
        let answer = try await kinesis.call("ListTagsForStream", .object(request))
        let tags = answer["Tags"]?.array?.map { [$0["Key"]?.string ?? "?", $0["Value"]?.string ?? "?"] } ?? []
        return (tags, answer["HasMoreTags"])
    }

    @Test("tags are added, replaced, removed and listed by key, by name and by ARN")
    func life() async throws {
        try await kinesis.create()
        #expect(try await list().tags.isEmpty)
        #expect(
            try await kinesis.call("AddTagsToStream", ["StreamName": "s", "Tags": ["team": "a", "größe": "", "b": "@ :"]]) == .null)
        let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
        #expect(try await kinesis.call("AddTagsToStream", ["StreamARN": arn, "Tags": ["team": "z"]]) == .null)
        #expect(try await list().tags == [["b", "@ :"], ["größe", ""], ["team", "z"]])
        #expect(try await list().hasMore == false)
        #expect(try await kinesis.call("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["team", "absent"]]) == .null)
        #expect(try await list().tags == [["b", "@ :"], ["größe", ""]])
        #expect(try await kinesis.call("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["absent"]]) == .null)
        #expect(try await kinesis.description().tags == ["b": "@ :", "größe": ""])
    }

    @Test("tags are listed in pages, each from after a key")
    func pages() async throws {
        try await kinesis.create()
        for number in 10..<60 {
            _ = try await kinesis.call(
                "AddTagsToStream", ["StreamName": "s", "Tags": .object(JSONObject([.init(name: "t\(number)", value: "v")]))])
        }
        var seen: [String] = []
        while true {
            let page = try await list([("Limit", 20)] + (seen.last.map { [("ExclusiveStartTagKey", .string($0))] } ?? []))
            seen += page.tags.map { $0[0] }
            if page.hasMore == false { break }
            #expect(page.tags.count == 20)
        }
        #expect(seen == (10..<60).map { "t\($0)" })
        #expect(try await list().tags.count == 50)
        #expect(try await list([("ExclusiveStartTagKey", "t58x")]).tags == [["t59", "v"]])
        let error = try await kinesis.refused(
            "AddTagsToStream", ["StreamName": "s", "Tags": ["t10": "new", "t60": "one too many"]])
        #expect(
            error
                == (
                    "InvalidArgumentException",
                    "Failed to add tags to stream s under account 000000000000 because a given stream cannot have more than 50 tags associated with it."
                ))
        #expect(try await kinesis.description().tags["t10"] == "v")
        _ = try await kinesis.call("AddTagsToStream", ["StreamName": "s", "Tags": ["t10": "new"]])
        #expect(try await kinesis.description().tags["t10"] == "new")
    }

    @Test("what is wrong with tags is said in AWS's words")
    func refusals() async throws {
        try await kinesis.create()
        let long = String(repeating: "k", count: 129)
        for (operation, request, type) in [
            ("AddTagsToStream", ["StreamName": "x", "Tags": ["a;": "b"]], "ResourceNotFoundException"),
            ("AddTagsToStream", ["StreamName": "s"], "ValidationException"),
            ("AddTagsToStream", ["StreamName": "s", "Tags": [:]], "ValidationException"),
            ("AddTagsToStream", ["StreamName": "s", "Tags": ["": "b"]], "ValidationException"),
            ("AddTagsToStream", ["Tags": ["a": "b"]], "InvalidArgumentException"),
            ("AddTagsToStream", ["StreamName": "s", "Tags": ["a;": "b"]], "InvalidArgumentException"),
            ("AddTagsToStream", ["StreamName": "s", "Tags": ["a": "100 %"]], "InvalidArgumentException"),
            ("RemoveTagsFromStream", ["StreamName": "x", "TagKeys": ["a"]], "ResourceNotFoundException"),
            ("RemoveTagsFromStream", ["StreamName": "s"], "ValidationException"),
            ("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": []], "ValidationException"),
            ("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": [.string(long)]], "ValidationException"),
            ("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["a;"]], "InvalidArgumentException"),
            ("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["%"]], "InvalidArgumentException"),
            ("ListTagsForStream", ["StreamName": "x"], "ResourceNotFoundException"),
            ("ListTagsForStream", ["StreamName": "s", "Limit": 51], "ValidationException"),
            ("ListTagsForStream", ["StreamName": "s", "Limit": 0], "ValidationException"),
            ("ListTagsForStream", ["StreamName": "s", "ExclusiveStartTagKey": ""], "ValidationException"),
        ] as [(String, JSONValue, String)] {
            #expect(try await kinesis.refused(operation, request).type == type, "\(operation) \(request)")
        }
        let percent = try await kinesis.refused("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["%"]])
        #expect(
            percent.message.hasPrefix(
                "Failed to remove tags from stream s under account 000000000000 because some tags contained illegal characters."))
        #expect(try await kinesis.description().tags.isEmpty)
    }

    @Test("tags that set something are checked by name, value and rule; the others are only kept")
    func settings() async throws {
        let wrong: [(String, String, String)] = [
            ("millrace:compression", "gzip", "it must be none, zstd or lz4"),
            ("millrace:retention-bytes", "1 GB", "it must be a whole number of bytes from 1 to 9223372036854775807, in digits"),
            ("millrace:retention-bytes", "0", "it must be a whole number of bytes from 1 to 9223372036854775807, in digits"),
        ]
        func tags(_ entries: (String, String)...) -> JSONValue {
            .object(JSONObject(entries.map { .init(name: $0.0, value: .string($0.1)) }))
        }
        for (tag, value, rule) in wrong {
            let error = try await kinesis.refused(
                "CreateStream", ["StreamName": "s", "ShardCount": 1, "Tags": tags((tag, value), ("a", "b"))])
            #expect(error == ("InvalidArgumentException", "Tag \(tag) has the value '\(value)', but \(rule)."))
        }
        _ = try await kinesis.call(
            "CreateStream",
            [
                "StreamName": "s", "ShardCount": 1,
                "Tags": tags(("millrace:compression", "zstd"), ("millrace:retention-bytes", "1000000"), ("a", "b")),
            ])
        #expect(try await kinesis.description().settings == StreamSettings(compression: .zstd, retentionBytes: 1_000_000))
        for (tag, value, rule) in wrong {
            let error = try await kinesis.refused("AddTagsToStream", ["StreamName": "s", "Tags": tags((tag, value), ("c", "d"))])
            #expect(error == ("InvalidArgumentException", "Tag \(tag) has the value '\(value)', but \(rule)."))
        }
        #expect(try await kinesis.description().tags["c"] == nil)
        _ = try await kinesis.call("AddTagsToStream", ["StreamName": "s", "Tags": tags(("millrace:compression", "lz4"))])
        #expect(try await kinesis.description().settings == StreamSettings(compression: .lz4, retentionBytes: 1_000_000))
        _ = try await kinesis.call(
            "RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["millrace:compression", "millrace:retention-bytes"]])
        #expect(try await kinesis.description().settings == StreamSettings())
        #expect(try await kinesis.description().tags == ["a": "b"])
    }

    @Test("a stream that is being created takes no tags yet")
    func creating() async throws {
        let store = MemoryStore(lifecycleDelay: 1000)
        let kinesis = Harness(store: store)
        try await kinesis.create()
        let error = try await kinesis.refused("AddTagsToStream", ["StreamName": "s", "Tags": ["a": "b"]])
        #expect(error == ("ResourceInUseException", "Stream s under account 000000000000 not ACTIVE, instead in state CREATING"))
        #expect(
            try await kinesis.refused("RemoveTagsFromStream", ["StreamName": "s", "TagKeys": ["a"]]).type
                == "ResourceInUseException")
    }

    @Test("keys that AWS keeps for itself are refused wherever tags are given")
    func reserved() async throws {
        try await kinesis.create()
        let arn: JSONValue = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
        let tags: JSONValue = ["aws:cloudformation:stack-name": "x"]
        for (operation, request) in [
            ("AddTagsToStream", ["StreamName": "s", "Tags": tags]), ("TagResource", ["ResourceARN": arn, "Tags": tags]),
            ("CreateStream", ["StreamName": "t", "ShardCount": 1, "Tags": tags]),
            ("RegisterStreamConsumer", ["StreamARN": arn, "ConsumerName": "c", "Tags": tags]),
        ] as [(String, JSONValue)] {
            #expect(try await kinesis.refused(operation, request).type == "InvalidArgumentException", "\(operation)")
        }
        try await kinesis.call("AddTagsToStream", ["StreamName": "s", "Tags": ["awsome": "x", "my aws:": "y"]])
    }
}
