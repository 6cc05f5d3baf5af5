/// The records of an application's hidden stream, and the order in which shards are merged.

import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Testing

@Suite("State records and the merge of shards")
struct StateRecordTests {
    private static let run = StateRecord.Run(
        startNumber: 3, programDigest: .max, seed: 7, startMilliseconds: 1_700_000_000_000, source: StreamID(12))
    private static let progress = InputProgress(
        positions: [ShardID(0): 5, ShardID(7): 0], clockMilliseconds: .min)
    private static let several = StateRecord.Run(
        startNumber: 4, programDigest: 1, seed: 8, startMilliseconds: 0, sources: [StreamID(12), StreamID(3)])
    private static let ofSeveral = InputProgress(
        at: [InputShard(0, ShardID(1)): 7, InputShard(1, ShardID(0)): 9, InputShard(1, ShardID(1)): 0], clockMilliseconds: 5)
    private static let rows = OutgoingRows(
        keys: ByteColumn(bytes: Array("ab".utf8), ends: [1, 2]), values: ByteColumn(bytes: Array("onetwo".utf8), ends: [3, 6]))

    @Test(
        "a state record reads back as it was written",
        arguments: [
            StateRecord.begin(run, progress), .commit(progress), .snapshot(run, progress, part: 1, parts: 3, bytes: [1, 2, 3]),
            .outgoing(part: 2, output: "2.1", rows), .sent(["2.1": 7, "3.1": 0]),
            .snapshotHead(run, progress, isWhole: false, bytes: [4, 5]), .snapshotPiece([6]), .snapshotEnd(pieces: 9),
            .begin(several, ofSeveral), .commit(ofSeveral), .snapshotHead(several, ofSeveral, isWhole: true, bytes: [7]),
        ])
    func roundTrip(record: StateRecord) throws {
        #expect(try StateRecord(decoding: record.encoded()) == record)
    }

    @Test("records of version 1 are read: their commits tell how many rows had left; kinds that came later are not among them")
    func firstVersion() throws {
        func number(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        let name = number(3) + Array("OUT".utf8)
        let progress = number(1_700_000_000_123) + number(1) + name + number(42) + number(1) + number(7) + number(99)
        let commit = try StateRecord(decoding: [1, 1] + progress)
        var expected = InputProgress(positions: [ShardID(7): 99], clockMilliseconds: 1_700_000_000_123)
        expected.appendedRows = ["OUT": 42]
        #expect(commit == .commit(expected))
        #expect(throws: StateRecord.Malformed.self) { try StateRecord(decoding: [1, 4] + number(0)) }
        #expect(throws: StateRecord.Malformed.self) { try StateRecord(decoding: [5, 1] + progress) }
        #expect(throws: StateRecord.Malformed.self) { try StateRecord(decoding: [2, 7] + number(0)) }
        #expect(StateRecord.unknownFormat([5, 1])?.found == "5" && StateRecord.unknownFormat([1, 1]) == nil)
    }

    @Test("what is of one input is written as version 3, which earlier builds read; of several inputs as 4")
    func versions() {
        #expect(StateRecord.commit(Self.progress).encoded()[0] == 3 && StateRecord.begin(Self.run, Self.progress).encoded()[0] == 3)
        #expect(StateRecord.commit(Self.ofSeveral).encoded()[0] == 4)
        #expect(StateRecord.begin(Self.several, Self.ofSeveral).encoded()[0] == 4)
        #expect(StateRecord.snapshotPiece([1]).encoded()[0] == 3)
    }

    @Test("a state record cut off anywhere is refused, not trapped")
    func truncated() {
        for record in [
            StateRecord.snapshot(Self.run, Self.progress, part: 0, parts: 1, bytes: [9]),
            .snapshotHead(Self.run, Self.progress, isWhole: true, bytes: [9]), .snapshotPiece([9]), .snapshotEnd(pieces: 1),
            .begin(Self.several, Self.ofSeveral),
        ] {
            let bytes = record.encoded()
            for length in 0..<bytes.count {
                #expect(throws: StateRecord.Malformed.self) { try StateRecord(decoding: Array(bytes[..<length])) }
            }
        }
    }

    @Test("shards are merged by arrival, then by shard, and nothing past the settled time is handed out")
    func mergeOrder() async throws {
        let store = MemoryStore(now: 1000)
        let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 3))
        func put(_ text: String, _ shard: UInt32) async throws {
            var builder = RecordBatchBuilder(baseTimestamp: 0)
            try builder.append(key: nil, value: Array(text.utf8), timestamp: 0)
            _ = try await store.append([ShardAppend(ShardReference(stream.id, ShardID(shard)), try builder.finish())], fence: nil)
        }
        try await put("a", 2)
        try await put("b", 0)
        store.advance(milliseconds: 5)
        try await put("c", 1)
        try await put("d", 0)
        store.advance(milliseconds: 5)
        let settled = await store.settledTime()
        try await put("late", 0)
        var merge = InputMerge(
            store: store, positions: Dictionary(uniqueKeysWithValues: (0..<3).map { (ShardReference(stream.id, ShardID($0)), 0) }))
        var found: [String] = []
        while let item = try await merge.next(through: settled) {
            found += try item.batch.batch.records().map { String(decoding: $0.value ?? [], as: UTF8.self) }
        }
        #expect(found == ["b", "a", "d", "c"])
        #expect(merge.positions[ShardReference(stream.id, ShardID(0))] == 2)
    }
}
