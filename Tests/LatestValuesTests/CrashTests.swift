/// Power cuts in the middle of updates and compactions: what was acknowledged is there, and nothing older comes back.

import EmbeddedStore
import Host
import HostSimulation
import LatestValues
import RecordBatch
import StreamStore
import Testing

/// What a table must say, and what it may say because nobody was told how it ended.
private struct Model {
    var acknowledged: [Int: String] = [:]
    /// The change under way when the power went; nil value is a removal.
    var inFlight: (key: Int, value: String?)?

    /// What of a table's contents breaks its promise, in words.
    func violations(_ table: LatestTable, keys: Int) async throws -> [String] {
        var found: [String] = []
        for number in 0..<keys {
            let value = try await table.text(number)
            let may = inFlight.map { $0.key == number && $0.value == value } ?? false
            if value != acknowledged[number], !may {
                found.append("key \(number) is \(value ?? "gone"), not \(acknowledged[number] ?? "gone")")
            }
        }
        return found
    }
}

@Suite struct CrashTests {
    private static let keys = 30

    /// Updates until the power goes, with compactions all the while; then what the next start finds is judged.
    private func violations(seed: UInt64) async throws -> [String] {
        var node = try SimulatedNode()
        defer { node.remove() }
        var generator = SeededGenerator(seed: seed)
        var model = Model()
        var found: [String] = []
        for life in 0..<4 {
            let store = try await node.open()
            let table = try await LatestTable.open("t", store: store, time: FixedTime(), options: smallTable)
            found += try await model.violations(table, keys: Self.keys).map { "life \(life): \($0)" }
            // What is there now was read, so it counts.
            if let open = model.inFlight {
                model.acknowledged[open.key] = try await table.text(open.key)
                model.inFlight = nil
            }
            node.disk.cutPower(in: Int(generator.next() % 400) + 20)
            for step in 0..<400 {
                let number = Int(generator.next() % UInt64(Self.keys))
                let value = generator.next() % 6 == 0 ? nil : "\(life).\(step)"
                model.inFlight = (number, value)
                do {
                    try await table.update([LatestChange(key(number), to: value.map(bytes))])
                } catch {
                    break
                }
                model.acknowledged[number] = value
                model.inFlight = nil
                if step % 50 == 49 { try? await table.compact() }
            }
            await table.close()
            await store.close()
            node.crash(seed: generator.next())
        }
        return found
    }

    @Test("after a power cut every key has its last acknowledged value")
    func powerCuts() async throws {
        for seed in 1...12 as ClosedRange<UInt64> {
            let found = try await violations(seed: seed)
            #expect(found.isEmpty, "swift test --filter CrashTests, seed \(seed): \(found)")
        }
    }

    @Test("a compaction that drops the newest is found")
    func canary() async throws {
        let node = try SimulatedNode()
        defer { node.remove() }
        let store = try await node.open()
        var model = Model()
        var table = try await LatestTable.open("t", store: store, time: FixedTime(), options: LatestOptions())
        for number in 0..<Self.keys {
            try await table.update([LatestChange(key(number), to: bytes("old"))])
            model.acknowledged[number] = "old"
        }
        // What a careless compaction does: it reads, others write, and its copies come behind as if they were news.
        let stream = try await store.stream(StreamKey("t", in: .table))
        let shard = ShardReference(stream.id, ShardID(0))
        let end = try await store.bounds(shard).highWatermark
        var copies = RecordBatchBuilder(baseTimestamp: 0)
        var next: Int64 = 0
        while next < end {
            for batch in try await store.read(shard, from: next, maxBytes: 1 << 20).batches {
                for record in try batch.batch.records() { try copies.append(key: record.key, value: record.value, timestamp: 0) }
                next = batch.endOffset
            }
        }
        try await table.update([LatestChange(key(3), to: bytes("new"))])
        model.acknowledged[3] = "new"
        await table.close()
        _ = try await store.append([ShardAppend(shard, try copies.finish())], fence: nil)
        try await store.trim(shard, before: end)
        table = try await LatestTable.open("t", store: store, time: FixedTime(), options: LatestOptions())
        #expect(try await model.violations(table, keys: Self.keys) == ["key 3 is old, not new"])
        await table.close()
        await store.close()
    }
}
