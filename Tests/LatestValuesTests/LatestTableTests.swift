/// The table as its callers see it: values, conditions, ranges, reopening, compaction.

import Host
import HostSimulation
import LatestValues
import RecordBatch
import StreamStore
import StreamStoreTesting
import Testing

@Suite struct LatestTableTests {
    private func table(_ store: any StreamStore = MemoryStore(), _ options: LatestOptions = LatestOptions()) async throws
        -> LatestTable
    {
        try await LatestTable.open("t", store: store, time: FixedTime(), options: options)
    }

    @Test("a value is what was written last, and a removed key has none")
    func latest() async throws {
        let table = try await table()
        #expect(try await table.value(of: "a") == nil)
        let first = try await table.update([LatestChange("a", to: bytes("1")), LatestChange("b", to: bytes("2"))])
        #expect(first == [1, 2])
        try await table.update([LatestChange("a", to: bytes("3"))])
        #expect(try await table.value(of: "a") == LatestValue(bytes: bytes("3"), revision: 3))
        try await table.update([LatestChange("b", to: nil)])
        #expect(try await table.value(of: "b") == nil)
        #expect(table.count == 1)
        try await table.update([LatestChange("e", to: [])])
        #expect(try await table.value(of: "e")?.bytes == [])
    }

    @Test("conditions are decided in order, all or none")
    func conditions() async throws {
        let table = try await table()
        #expect(try await table.update([LatestChange("a", to: bytes("1"), if: .absent)]) == [1])
        await #expect(throws: LatestError.conditionFailed(index: 0, revision: 1)) {
            try await table.update([LatestChange("a", to: bytes("2"), if: .absent)])
        }
        await #expect(throws: LatestError.conditionFailed(index: 1, revision: nil)) {
            try await table.update([LatestChange("b", to: bytes("1")), LatestChange("c", to: bytes("1"), if: .present)])
        }
        #expect(try await table.value(of: "b") == nil)
        let second = try await table.update([LatestChange("a", to: bytes("2"), if: .revision(1))])
        await #expect(throws: LatestError.conditionFailed(index: 0, revision: second[0])) {
            try await table.update([LatestChange("a", to: bytes("3"), if: .revision(1))])
        }
        // A later change of the same call finds what an earlier one made.
        try await table.update([LatestChange("d", to: bytes("1")), LatestChange("d", to: nil, if: .present)])
        #expect(try await table.value(of: "d") == nil)
    }

    @Test("of a hundred that compare and set at once, each success follows the one before")
    func race() async throws {
        let table = try await table()
        try await table.update([LatestChange("n", to: bytes("0"))])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<100 {
                group.addTask {
                    while true {
                        guard let now = try? await table.value(of: "n"),
                            let number = Int(String(decoding: now.bytes, as: UTF8.self))
                        else { return }
                        let change = LatestChange("n", to: bytes("\(number + 1)"), if: .revision(now.revision))
                        if (try? await table.update([change])) != nil { return }
                    }
                }
            }
        }
        #expect(try await table.value(of: "n")?.bytes == bytes("100"))
    }

    @Test("ranges come in the order of the keys' bytes, in pages")
    func ranges() async throws {
        let table = try await table()
        let keys = (0..<2_000).map { "k\($0 * 7_919 % 2_000)" }
        for start in stride(from: 0, to: keys.count, by: 100) {
            try await table.update(keys[start..<start + 100].map { LatestChange($0, to: bytes("v" + $0)) })
        }
        var found: [String] = []
        var range = KeyRange.prefix(bytes("k1"))
        while true {
            let page = try await table.entries(in: range, limit: 37)
            for entry in page {
                let key = String(decoding: entry.key, as: UTF8.self)
                #expect(entry.value.bytes == bytes("v" + key))
                found.append(key)
            }
            guard let last = page.last else { break }
            range = range.after(last.key)
        }
        #expect(found == keys.filter { $0.hasPrefix("k1") }.sorted())
        #expect(KeyRange.prefix([1, 0xFF]).end == [2])
        #expect(KeyRange.prefix([0xFF]).end == nil)
        #expect(
            table.keys(in: KeyRange(from: bytes("k5"), to: bytes("k500")), limit: .max).map { $0.key } == [
                bytes("k5"), bytes("k50"),
            ])
    }

    @Test("it is the same after it was opened again, after compactions too, and a revision never returns")
    func reopening() async throws {
        let store = MemoryStore()
        var model: [String: String] = [:]
        var table = try await table(store, smallTable)
        var generator = SeededGenerator(seed: 11)
        var highest: Int64 = 0
        for round in 0..<6 {
            for step in 0..<200 {
                let name = "key/\(generator.next() % 40)"
                let value = generator.next() % 5 == 0 ? nil : "\(round)-\(step)"
                model[name] = value
                let revision = try await table.update([LatestChange(name, to: value.map(bytes))])
                #expect(revision[0] > highest)
                highest = revision[0]
            }
            if round % 2 == 0 { try await table.compact() }
            #expect(try await table.contents() == model)
            let before = try await table.entries(in: KeyRange(), limit: .max)
            await table.close()
            table = try await self.table(store, smallTable)
            #expect(try await table.entries(in: KeyRange(), limit: .max) == before)
            #expect(try await table.contents() == model)
        }
        #expect(table.statistics.keys == model.count)
    }

    @Test("a table whose keys are all removed and compacted goes on with higher revisions")
    func emptied() async throws {
        let store = MemoryStore()
        var table = try await table(store)
        let put = try await table.update([LatestChange("a", to: bytes("1"))])
        try await table.update([LatestChange("a", to: nil)])
        try await table.compact()
        await table.close()
        table = try await self.table(store)
        #expect(table.count == 0)
        let again = try await table.update([LatestChange("a", to: bytes("2"))])
        #expect(again[0] > put[0])
        await #expect(throws: LatestError.self) { try await table.update([LatestChange("a", to: nil, if: .revision(put[0]))]) }
    }

    @Test("compaction bounds the log while updates and reads go on")
    func compactionUnderLoad() async throws {
        let table = try await table(MemoryStore(), smallTable)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for step in 0..<1_000 {
                        _ = try? await table.update([LatestChange(key(writer * 10 + step % 10), to: bytes("\(step)"))])
                    }
                }
            }
            group.addTask {
                for step in 0..<2_000 {
                    let number = step % 40
                    // A key that has a value is never seen without.
                    if table.revision(of: key(number)) != nil {
                        let value = try? await table.value(of: key(number))
                        #expect(value != nil)
                    }
                }
            }
        }
        for writer in 0..<4 {
            for place in 0..<10 { #expect(try await table.text(writer * 10 + place) == "\(990 + place)") }
        }
        try await table.compact()
        let statistics = table.statistics
        #expect(statistics.moved > 0)
        #expect(statistics.logBytes <= 2 * statistics.liveBytes + 4_096)
        #expect(table.compactionProblem == nil)
    }

    @Test("changes and batches of other streams are one append")
    func together() async throws {
        let store = MemoryStore()
        let other = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        let table = try await table(store)
        let shard = ShardReference(other.id, ShardID(0))
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: nil, value: bytes("row"), timestamp: 0)
        let batch = try builder.finish()
        try await table.update([LatestChange("position", to: bytes("1"))], with: [ShardAppend(shard, batch)])
        #expect(try await store.bounds(shard).highWatermark == 1)
        await #expect(throws: LatestError.conditionFailed(index: 0, revision: 1)) {
            try await table.update([LatestChange("position", to: bytes("2"), if: .absent)], with: [ShardAppend(shard, batch)])
        }
        #expect(try await store.bounds(shard).highWatermark == 1)
        let fence = try await store.claim(owner: "pump")
        _ = try await store.claim(owner: "pump")
        await #expect(throws: LatestError.store(.fenced(fence, current: 2))) {
            try await table.update([LatestChange("position", to: bytes("2"))], with: [ShardAppend(shard, batch)], fence: fence)
        }
        #expect(try await table.value(of: "position")?.bytes == bytes("1"))
    }

    @Test("an append that fails changes nothing, and the next one succeeds")
    func failing() async throws {
        let store = MemoryStore()
        let table = try await table(store)
        try await table.update([LatestChange("a", to: bytes("1"))])
        store.failAppends(1, with: .overloaded)
        await #expect(throws: LatestError.store(.overloaded)) { try await table.update([LatestChange("a", to: bytes("2"))]) }
        #expect(try await table.value(of: "a")?.bytes == bytes("1"))
        #expect(try await table.update([LatestChange("a", to: bytes("3"), if: .revision(1))]) == [2])
    }

    @Test("who opens a table ends the one before")
    func fencing() async throws {
        let store = MemoryStore()
        let first = try await table(store)
        try await first.update([LatestChange("a", to: bytes("1"))])
        let second = try await table(store)
        await #expect(throws: LatestError.self) { try await first.update([LatestChange("a", to: bytes("2"))]) }
        #expect(try await second.value(of: "a")?.bytes == bytes("1"))
    }

    @Test("what somebody else appends to the table's stream makes the next change fail before anything of it is appended")
    func appendedByOthers() async throws {
        let store = MemoryStore()
        let table = try await table(store)
        try await table.update([LatestChange("a", to: bytes("1"))])
        let shard = ShardReference(try await store.stream(StreamKey("t", in: .table)).id, ShardID(0))
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: bytes("b"), value: [1, 1, 9], timestamp: 0)
        _ = try await store.append([ShardAppend(shard, try builder.finish())], fence: nil)
        await #expect(throws: LatestError.store(.conditionFailed(.nextOffset(shard, actual: 2)))) {
            try await table.update([LatestChange("a", to: bytes("2"), if: .revision(1))])
        }
        #expect(try await store.bounds(shard).highWatermark == 2)
        #expect(try await self.table(store).contents() == ["a": "1", "b": "\u{9}"])
    }

    @Test("on a store that appends one batch at a time and expects no offsets, all works but what needs two shards")
    func fewCapabilities() async throws {
        let store = MemoryStore(missing: [.multiShardAppends, .expectedOffsets])
        let other = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
        let table = try await table(store, smallTable)
        for round in 0..<3 {
            try await table.update((0..<100).map { LatestChange(key($0), to: bytes("\(round)")) })
        }
        try await table.compact()
        #expect(try await table.text(77) == "2")
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: nil, value: bytes("row"), timestamp: 0)
        let append = ShardAppend(ShardReference(other.id, ShardID(0)), try builder.finish())
        await #expect(throws: LatestError.invalid("the store appends to one shard at a time")) {
            try await table.update([LatestChange("a", to: bytes("1"))], with: [append])
        }
        #expect(try await table.value(of: "a") == nil)
    }

    @Test("keys and values that break their rules are refused")
    func invalid() async throws {
        let table = try await table()
        await #expect(throws: LatestError.self) { try await table.update([LatestChange([UInt8](), to: [])]) }
        let long = [UInt8](repeating: 1, count: LatestTable.maxKeyBytes)
        await #expect(throws: LatestError.self) { try await table.update([LatestChange(long + [1], to: [])]) }
        try await table.update([LatestChange(long, to: [UInt8](repeating: 7, count: 100_000))])
        #expect(try await table.value(of: long)?.bytes.count == 100_000)
    }

    @Test("a table of another version, or with damage, does not open and is left as it is")
    func unknown() async throws {
        let store = MemoryStore()
        let table = try await table(store)
        try await table.update([LatestChange("a", to: bytes("1"))])
        await table.close()
        let stream = try await store.stream(StreamKey("t", in: .table))
        let shard = ShardReference(stream.id, ShardID(0))
        var builder = RecordBatchBuilder(baseTimestamp: 0)
        try builder.append(key: bytes("a"), value: [2, 1, 9], timestamp: 0)
        _ = try await store.append([ShardAppend(shard, try builder.finish())], fence: nil)
        await #expect(throws: LatestError.unknownFormat(table: "t", found: 2, known: 1)) { _ = try await self.table(store) }
        #expect(try await store.bounds(shard).highWatermark == 2)
        store.damage(shard, from: 0, through: 0)
        await #expect(throws: LatestError.damaged(table: "t", from: 0, through: 0)) { _ = try await self.table(store) }
    }
}
