/// On-demand streams scale by their load, and what goes wrong in the background is told.

import AWSWire
import KinesisService
import NodeMetrics
import StreamStore
import StreamStoreTesting
import Synchronization
import Testing

@Suite struct OnDemandScalingTests {
    /// What was reported.
    private final class Reports: Sendable {
        let lines = Mutex<[(isError: Bool, text: String)]>([])
        func add(_ level: Kinesis.ReportLevel, _ message: String, _ particulars: [String: String]) {
            lines.withLock { $0.append((level == .error, message + particulars.values.sorted().joined(separator: " "))) }
        }
        var errors: Int { lines.withLock { $0.count { $0.isError } } }
    }

    private func onDemand(_ store: MemoryStore = MemoryStore(), _ reports: Reports = Reports()) async throws -> Harness {
        let kinesis = Harness(store: store) { settings in
            settings.onDemand.shardRecords = 1
            settings.onDemand.mostShards = 20
            settings.report = { reports.add($0, $1, $2) }
        }
        try await kinesis.call("CreateStream", ["StreamName": "s", "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
        return kinesis
    }

    private func put(_ kinesis: Harness, records: Int, bytes: Int = 1) async throws {
        let data = JSONValue.string(Base64.encode([UInt8](repeating: 7, count: bytes)))
        for first in stride(from: 0, to: records, by: 500) {
            let part = (first..<min(records, first + 500)).map { ["PartitionKey": .string("\($0)"), "Data": data] as JSONValue }
            try await kinesis.call("PutRecords", ["StreamName": "s", "Records": .array(part)])
        }
    }

    private func look(_ kinesis: Harness, since began: UInt64) async throws -> Int {
        await kinesis.kinesis.scaleOnDemandStreams(since: began)
        return try await kinesis.description().openShardCount
    }

    @Test("a stream becomes ready for twice its busiest minute, doubling at most, and shrinks after a quiet day")
    func load() async throws {
        let kinesis = try await onDemand()
        let began = StoreClock(store: kinesis.store).monotonicNanoseconds()
        #expect(try await look(kinesis, since: began) == 4)
        // Ten records a second, of one a shard: twice that is 20 shards.
        try await put(kinesis, records: 600)
        #expect(try await look(kinesis, since: began) == 8)
        kinesis.store.advance(milliseconds: 60_000)
        #expect(try await look(kinesis, since: began) == 16)
        #expect(try await look(kinesis, since: began) == 20)
        // There it stays: at its bound, and while the busy minute is less than a day old.
        try await put(kinesis, records: 1200)
        #expect(try await look(kinesis, since: began) == 20)
        kinesis.store.advance(milliseconds: 86_400_000 - 120_000)
        #expect(try await look(kinesis, since: began) == 20)
        kinesis.store.advance(milliseconds: 240_000)
        #expect(try await look(kinesis, since: began) == 10)
        #expect(try await look(kinesis, since: began) == 5)
        #expect(try await look(kinesis, since: began) == 4)
        #expect(try await look(kinesis, since: began) == 4)
        let ranges = try await kinesis.description().openShards.map(\.hashKeyRange).sorted { $0.start < $1.start }
        #expect(ranges == HashKeyRange.even(4))
    }

    @Test("bytes count as records do, and so does what a stream was told to be ready for")
    func bytes() async throws {
        let kinesis = try await onDemand()
        // 5 MiB in a minute are much less than a MiB a second; 3 records a minute are nothing.
        try await put(kinesis, records: 3, bytes: 1 << 20 - 10)
        #expect(try await look(kinesis, since: 0) == 4)
        try await kinesis.call("UpdateStreamWarmThroughput", ["StreamName": "s", "WarmThroughputMiBps": 7])
        #expect(try await look(kinesis, since: 0) == 7)
    }

    @Test("streams with shards of their owner's choice are left alone, and all are where the bound is 0")
    func provisioned() async throws {
        let kinesis = Harness { $0.onDemand.shardRecords = 1 }
        try await kinesis.create(shards: 2)
        try await put(kinesis, records: 600)
        #expect(try await look(kinesis, since: 0) == 2)
        let never = Harness { settings in
            settings.onDemand.shardRecords = 1
            settings.onDemand.mostShards = 0
        }
        try await never.call("CreateStream", ["StreamName": "s", "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
        try await put(never, records: 600)
        #expect(try await look(never, since: 0) == 4)
    }

    @Test("a scaling that comes to nothing in the background is told and counted")
    func reported() async throws {
        let reports = Reports()
        let kinesis = try await onDemand(MemoryStore(shardLimit: 6), reports)
        try await put(kinesis, records: 600)
        _ = try await look(kinesis, since: 0)
        #expect(reports.errors > 0)
        let text = await kinesis.metrics.exposition()
        #expect(text.contains("millrace_scaling_failures_total \(reports.errors)"))
        // What stood in the way is gone with its mark: the stream can be changed.
        let status = try await kinesis.call("DescribeStreamSummary", ["StreamName": "s"])["StreamDescriptionSummary"]?[
            "StreamStatus"]
        #expect(status == "ACTIVE")
    }

    @Test("UpdateShardCount that fails after its answer is told and counted")
    func behindTheAnswer() async throws {
        let reports = Reports()
        let kinesis = Harness(store: MemoryStore(shardLimit: 50)) { $0.report = { reports.add($0, $1, $2) } }
        try await kinesis.create(shards: 40)
        try await kinesis.call("UpdateShardCount", ["StreamName": "s", "TargetShardCount": 80, "ScalingType": "UNIFORM_SCALING"])
        for _ in 0..<1000 where reports.errors == 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(reports.errors == 1)
        #expect(await kinesis.metrics.exposition().contains("millrace_scaling_failures_total 1"))
    }
}
