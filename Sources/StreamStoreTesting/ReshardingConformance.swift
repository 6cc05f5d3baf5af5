/// What every store promises about shards that are split, merged and closed, as checks that run on any of them.

import RecordBatch
public import StreamStore

/// A part of the conformance suite. Each case makes streams of its own names in a store that is new, whose streams change at once.
public struct ReshardingConformance: Sendable, CustomStringConvertible {
    /// What a case found wrong.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    public let name: String
    public var description: String { name }
    private let body: @Sendable (any StreamStore) async throws -> Void

    /// - Throws: `Failure`, or what the store throws where it should not.
    public func run(on store: any StreamStore) async throws { try await body(store) }

    public static let all: [ReshardingConformance] = [
        ReshardingConformance(name: "a split: ranges, lanes, offsets, sequence numbers", body: split),
        ReshardingConformance(name: "a merge: the lower lane goes on, the other one ends", body: merge),
        ReshardingConformance(name: "a close: nobody takes the hash keys any more", body: close),
        ReshardingConformance(name: "what cannot be split or merged is refused, and nothing has changed", body: refusals),
        ReshardingConformance(name: "a reader learns the end of a shard and its children; whoever waits is woken", body: readers),
        ReshardingConformance(name: "appends in flight: each record once, before the end or in a child", body: inFlight),
    ]

    // MARK: Cases

    private static func split(_ store: any StreamStore) async throws {
        let stream = try await make("split", shards: 2, store)
        let parent = stream.shards[1]
        for tag in 0..<3 { _ = try await put("p\(tag)", ShardReference(stream.id, parent.id), store) }
        let key = parent.hashKeyRange.start + 1_000
        let changed = try await store.splitShard(stream.key, parent.id, at: key)
        try expect(changed.shards.map(\.id.index) == [0, 1, 2, 3], "the children are numbered \(changed.shards.map(\.id.index))")
        let (closed, lower, upper) = (changed.shards[1], changed.shards[2], changed.shards[3])
        try expect(closed.endOffset == 3 && closed.closedMilliseconds != nil, "the parent ends at \(closed.endOffset ?? -1)")
        try expect(
            lower.hashKeyRange == HashKeyRange(start: parent.hashKeyRange.start, end: key - 1)
                && upper.hashKeyRange == HashKeyRange(start: key, end: parent.hashKeyRange.end), "the ranges are wrong")
        try expect(lower.parent == parent.id && upper.parent == parent.id && lower.adjacentParent == nil, "the parents are wrong")
        try expect(lower.lane == parent.lane && lower.startOffset == 3, "the lower child does not go on with the lane")
        try expect(upper.lane == LaneID(2) && upper.startOffset == 0, "the upper child does not open a lane")
        try expect(changed.lanes.map(\.endOffset) == [nil, nil, nil], "a lane has ended")
        let places = [
            try await put("l", ShardReference(stream.id, lower.id), store),
            try await put("u", ShardReference(stream.id, upper.id), store),
        ]
        try expect(places.map(\.baseOffset) == [3, 0], "the children's first records are at \(places.map(\.baseOffset))")
        for child in [lower, upper] {
            let ending = try require(SequenceNumber.ending(closed), "the parent has no ending number")
            let bounds = try await store.bounds(ShardReference(stream.id, child.id))
            try expect(SequenceNumber.starting(child) > ending, "a child's numbers do not lie above the parent's")
            try expect(
                SequenceNumber(offset: bounds.startOffset, in: child, arrivalMilliseconds: 0) > ending,
                "a child's records do not lie above the parent's")
            try expect(bounds.startOffset == child.startOffset, "shard \(child.id) begins at \(bounds.startOffset)")
        }
        try expect(changed.routing.shard(for: key) == upper.id && changed.routing.shard(for: key - 1) == lower.id, "wrong routing")
        try await expectClosed(ShardReference(stream.id, parent.id), store)
        let values = try await values(of: ShardReference(stream.id, parent.id), store)
        try expect(values == ["p0", "p1", "p2"], "the parent holds \(values)")
    }

    private static func merge(_ store: any StreamStore) async throws {
        let stream = try await make("merge", shards: 3, store)
        _ = try await put("a", ShardReference(stream.id, ShardID(1)), store)
        for tag in 0..<2 { _ = try await put("b\(tag)", ShardReference(stream.id, ShardID(2)), store) }
        var changed = try await store.mergeShards(stream.key, ShardID(1), ShardID(2))
        let child = try require(changed.shards.last, "there is no child")
        try expect(
            child.lane == LaneID(1) && child.startOffset == 1, "the child begins at \(child.startOffset) of lane \(child.lane)")
        try expect(child.parent == ShardID(1) && child.adjacentParent == ShardID(2), "the parents are wrong")
        try expect(
            child.hashKeyRange == HashKeyRange(start: stream.shards[1].hashKeyRange.start, end: .max), "the child's range is wrong")
        try expect(changed.lanes[2] == LaneDescription(id: LaneID(2), endOffset: 2, successor: LaneID(1)), "lane 2 goes on")
        try expect(changed.openShard(of: LaneID(2))?.id == child.id, "what is sent to lane 2 goes nowhere")
        // The child of a merge with a shard of a lower lane above it in the hash space goes on with that.
        changed = try await store.splitShard(stream.key, ShardID(0), at: 1 << 64)
        changed = try await store.mergeShards(stream.key, ShardID(5), child.id)
        let last = try require(changed.shards.last, "there is no child")
        try expect(
            last.lane == LaneID(1) && last.startOffset == 1, "the last child begins at \(last.startOffset) of lane \(last.lane)")
        try expect(changed.lanes[3].successor == LaneID(1), "lane 3 goes on")
        try expect(
            changed.shards(of: LaneID(1)).map(\.id.index) == [1, 3, 6], "lane 1 is \(changed.shards(of: LaneID(1)).map(\.id))")
        try expect(changed.shard(of: LaneID(1), at: 0)?.id == ShardID(1), "offset 0 of lane 1 is in another shard")
        let place = try await put("c", ShardReference(stream.id, last.id), store)
        try expect(place.baseOffset == 1, "the child's first record is at \(place.baseOffset)")
    }

    private static func close(_ store: any StreamStore) async throws {
        let stream = try await make("close", shards: 2, store)
        _ = try await put("x", ShardReference(stream.id, ShardID(0)), store)
        let changed = try await store.closeShard(stream.key, ShardID(0))
        try expect(changed.shards[0].endOffset == 1 && changed.shards.count == 2, "the shard is not closed")
        try expect(changed.routing.shard(for: 0) == nil, "somebody takes the hash keys")
        try expect(changed.lanes[0].endOffset == 1 && changed.lanes[0].successor == nil, "the lane goes on")
        try await expectClosed(ShardReference(stream.id, ShardID(0)), store)
        let values = try await values(of: ShardReference(stream.id, ShardID(0)), store)
        try expect(values == ["x"], "the shard holds \(values)")
    }

    private static func refusals(_ store: any StreamStore) async throws {
        let stream = try await make("refused", shards: 3, store)
        let range = stream.shards[1].hashKeyRange
        for key in [0, range.start, range.start + 1, range.end, .max] as [UInt128] {
            try await expect(.hashKeyOutsideShard(ShardReference(stream.id, ShardID(1)), key: key, range)) {
                _ = try await store.splitShard(stream.key, ShardID(1), at: key)
            }
        }
        for (one, two) in [(0, 2), (1, 0), (1, 1)] as [(UInt32, UInt32)] {
            try await expect(.shardsNotAdjacent(ShardReference(stream.id, ShardID(one)), ShardID(two))) {
                _ = try await store.mergeShards(stream.key, ShardID(one), ShardID(two))
            }
        }
        try await expect(.shardNotFound(ShardReference(stream.id, ShardID(7)))) {
            _ = try await store.splitShard(stream.key, ShardID(7), at: 5)
        }
        try await expect(.streamNotFound(StreamKey("nobody"))) { _ = try await store.closeShard(StreamKey("nobody"), ShardID(0)) }
        let unchanged = try await store.stream(stream.key)
        try expect(unchanged.shards == stream.shards && unchanged.lanes == stream.lanes, "a refused change has changed something")
        _ = try await store.closeShard(stream.key, ShardID(1))
        for shard in [ShardID(1)] {
            try await expect(.shardClosed(ShardReference(stream.id, shard))) {
                _ = try await store.splitShard(stream.key, shard, at: range.start + 5)
            }
            try await expect(.shardClosed(ShardReference(stream.id, shard))) {
                _ = try await store.mergeShards(stream.key, shard, ShardID(2))
            }
            try await expect(.shardClosed(ShardReference(stream.id, shard))) { _ = try await store.closeShard(stream.key, shard) }
        }
    }

    private static func readers(_ store: any StreamStore) async throws {
        let stream = try await make("read", shards: 1, store)
        let parent = ShardReference(stream.id, ShardID(0))
        for tag in 0..<2 { _ = try await put("r\(tag)", parent, store) }
        let open = try await store.read(parent, from: 2, maxBytes: 1_000)
        try expect(open.endOffset == nil && open.children.isEmpty, "an open shard has an end")
        async let woken = store.awaitRecords([parent: 2], timeout: .seconds(60))
        _ = try await store.splitShard(stream.key, ShardID(0), at: 1 << 100)
        try expect(await woken, "nobody is woken by the end of a shard")
        try expect(await store.awaitRecords([parent: 2], timeout: .seconds(60)), "the end of a shard is waited for")
        for offset in 0...2 as ClosedRange<Int64> {
            let read = try await store.read(parent, from: offset, maxBytes: 1_000)
            try expect(read.endOffset == 2, "a read at \(offset) tells the end \(read.endOffset ?? -1)")
            try expect(
                read.children.map(\.id.index) == [1, 2], "a read at \(offset) tells the children \(read.children.map(\.id))")
        }
        let child = try await store.read(ShardReference(stream.id, ShardID(1)), from: 2, maxBytes: 1_000)
        try expect(child.bounds == ShardBounds(startOffset: 2, highWatermark: 2) && child.batches.isEmpty, "the child is not empty")
        try await expect(.offsetOutOfRange(ShardReference(stream.id, ShardID(1)), offset: 0, child.bounds)) {
            _ = try await store.read(ShardReference(stream.id, ShardID(1)), from: 0, maxBytes: 1_000)
        }
    }

    /// Writers that follow the routing while the shards are split and merged beneath them.
    private static func inFlight(_ store: any StreamStore) async throws {
        let stream = try await make("busy", shards: 1, store)
        let writers = 6
        let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
            for writer in 0..<writers {
                group.addTask { try await write(stream.key, writer: writer, store) }
            }
            for round in 0..<4 {
                await Task.yield()
                let now = try await store.stream(stream.key)
                let open = now.openShards.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
                if round % 2 == 0, let first = open.first {
                    _ = try await store.splitShard(stream.key, first.id, at: first.hashKeyRange.start + first.hashKeyRange.end / 2)
                } else if open.count > 1 {
                    _ = try await store.mergeShards(stream.key, open[0].id, open[1].id)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let now = try await store.stream(stream.key)
        var found: [String] = []
        for shard in now.shards {
            let bounds = try await store.bounds(ShardReference(stream.id, shard.id))
            try expect(bounds.startOffset == shard.startOffset, "shard \(shard.id) begins at \(bounds.startOffset)")
            if let end = shard.endOffset { try expect(bounds.highWatermark == end, "shard \(shard.id) goes on past its end") }
            found += try await values(of: ShardReference(stream.id, shard.id), store)
        }
        try expect(found.sorted() == acknowledged.sorted(), "\(acknowledged.count) were acknowledged, \(found.count) are there")
        for lane in now.lanes {
            let shards = now.shards(of: lane.id)
            for (one, next) in zip(shards, shards.dropFirst()) {
                try expect(one.endOffset == next.startOffset, "lane \(lane.id) has a gap at \(next.startOffset)")
            }
        }
    }

    private static func write(_ key: StreamKey, writer: Int, _ store: any StreamStore) async throws -> [String] {
        var written: [String] = []
        for number in 0..<40 {
            let value = "\(writer)-\(number)"
            while true {
                let stream = try await store.stream(key)
                let hash = HashKey.hash(partitionKey: value)
                let shard = try require(stream.routing.shard(for: hash), "no shard takes \(hash)")
                do {
                    _ = try await put(value, ShardReference(stream.id, shard), store)
                    written.append(value)
                    break
                } catch StoreError.shardClosed(let closed) {
                    let after = try await store.stream(key)
                    try expect(
                        after.shard(closed.shard)?.endOffset != nil, "shard \(closed.shard) refuses, and is described as open")
                }
            }
        }
        return written
    }

    // MARK: Means

    private static func make(_ name: String, shards: Int, _ store: any StreamStore) async throws -> StreamDescription {
        try await store.createStream(StreamDefinition(key: StreamKey(name), shardCount: shards))
    }

    private static func put(_ value: String, _ shard: ShardReference, _ store: any StreamStore) async throws -> Appended {
        var builder = RecordBatchBuilder(baseTimestamp: 1_700_000_000_000)
        try builder.append(key: Array("key".utf8), value: Array(value.utf8), timestamp: 1_700_000_000_000)
        let appended = try await store.append([ShardAppend(shard, try builder.finish())], fence: nil)
        return try require(appended.first, "an append has no place")
    }

    private static func values(of shard: ShardReference, _ store: any StreamStore) async throws -> [String] {
        var values: [String] = []
        var offset = try await store.bounds(shard).startOffset
        while true {
            let read = try await store.read(shard, from: offset, maxBytes: 1 << 20)
            guard let last = read.batches.last else { return values }
            for stored in read.batches {
                for record in try stored.batch.records() { values.append(String(decoding: record.value ?? [], as: UTF8.self)) }
            }
            offset = last.endOffset
        }
    }

    private static func expectClosed(_ shard: ShardReference, _ store: any StreamStore) async throws {
        try await expect(.shardClosed(shard)) { _ = try await put("late", shard, store) }
    }

    private static func expect(_ error: StoreError, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let thrown as StoreError where thrown == error {
            return
        } catch {
            throw Failure(description: "\(error) is thrown")
        }
        throw Failure(description: "\(error) is not thrown")
    }

    private static func expect(_ condition: Bool, _ failure: String) throws {
        if !condition { throw Failure(description: failure) }
    }

    private static func require<Value>(_ value: Value?, _ failure: String) throws -> Value {
        guard let value else { throw Failure(description: failure) }
        return value
    }
}
