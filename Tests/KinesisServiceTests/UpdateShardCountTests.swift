/// Uniform scaling: which shards there are afterwards, and that no record and no hash key is lost on the way.

import AWSWire
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct UpdateShardCountTests {
    private func scale(_ kinesis: Harness, to target: Int) async throws -> JSONValue {
        let answer = try await kinesis.call(
            "UpdateShardCount",
            ["StreamName": "s", "TargetShardCount": .number("\(target)"), "ScalingType": "UNIFORM_SCALING"])
        // Where there are many steps they go on behind the answer; a client asks until they are taken.
        for _ in 0..<1000 {
            let described = try await kinesis.call("DescribeStreamSummary", ["StreamName": "s"])
            if described["StreamDescriptionSummary"]?["StreamStatus"] == "ACTIVE" { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        return answer
    }

    @Test("from any count to any that is allowed the shards share the hash space evenly", arguments: [1, 2, 3, 5, 8, 13])
    func even(count: Int) async throws {
        for target in (count + 1) / 2...2 * count {
            let kinesis = Harness()
            try await kinesis.create(shards: Int64(count))
            let answer = try await scale(kinesis, to: target)
            #expect(answer["CurrentShardCount"]?.integer == Int64(count) && answer["TargetShardCount"]?.integer == Int64(target))
            let open = try await kinesis.description().openShards.map(\.hashKeyRange).sorted { $0.start < $1.start }
            #expect(open.count == target)
            #expect(open.first?.start == 0 && open.last?.end == .max)
            for (lower, upper) in zip(open, open.dropFirst()) { #expect(lower.end + 1 == upper.start) }
            for (range, even) in zip(open, HashKeyRange.even(target)) {
                let distance = max(range.start, even.start) - min(range.start, even.start)
                #expect(distance <= UInt128(target), "\(count) to \(target)")
            }
        }
    }

    @Test("doubling splits each shard once, halving merges each pair once")
    func fewSteps() async throws {
        let kinesis = Harness()
        try await kinesis.create(shards: 6)
        _ = try await scale(kinesis, to: 12)
        #expect(try await kinesis.description().shards.count == 18)
        _ = try await scale(kinesis, to: 6)
        #expect(try await kinesis.description().shards.count == 24)
        _ = try await scale(kinesis, to: 6)
        #expect(try await kinesis.description().shards.count == 24)
    }

    @Test("records from before and after are all there, each behind its parents'")
    func records() async throws {
        let kinesis = Harness()
        try await kinesis.create(shards: 2)
        var put: [String] = []
        for (round, target) in [2, 3, 5, 4].enumerated() {
            _ = try await scale(kinesis, to: target)
            for number in 0..<20 {
                let text = "\(round)-\(number)"
                try await kinesis.put(text, key: "key \(number)")
                put.append(text)
            }
        }
        var found: [String] = []
        for shard in try await kinesis.description().shards {
            found += try await kinesis.get(kinesis.iterator(shard: shard.id.description)).texts
        }
        #expect(found.sorted() == put.sorted())
    }

    @Test("uneven shards that their owner cut become even")
    func uneven() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        for (shard, key) in [(0, UInt128(1) << 100), (2, UInt128(1) << 110), (4, UInt128(1) << 127)] {
            try await kinesis.call(
                "SplitShard",
                [
                    "StreamName": "s", "ShardToSplit": .string(ShardID(UInt32(shard)).description),
                    "NewStartingHashKey": .string("\(key)"),
                ])
        }
        _ = try await scale(kinesis, to: 3)
        let open = try await kinesis.description().openShards.map(\.hashKeyRange).sorted { $0.start < $1.start }
        #expect(open == HashKeyRange.even(3))
    }
}
