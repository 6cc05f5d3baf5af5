/// Reads the shards of a source as one sequence in order of arrival, the order in which every restart reads it again.

package import StreamStore

/// Merges the shards of a stream by (arrival time, shard, offset), up to a time that the store has settled.
///
/// Within such a time no record is missing, so the order does not depend on when or in what pieces it is read; that is what makes
/// computing input again after a crash give the same rows.
package struct InputMerge {
    private struct Cursor {
        var shard: ShardReference
        /// The next offset to hand out.
        var position: Int64
        /// Read but not handed out.
        var pending: [StoredBatch] = []
        var firstPending = 0
        /// The shard held nothing more at or before this time when it was last read.
        var exhaustedThrough: Int64 = .min
        /// The shard is closed and was read to its end.
        var hasEnded = false

        var hasNext: Bool { firstPending < pending.count }
    }

    /// A batch with its shard, and how many of its first records were handed out before.
    package struct Item {
        package var shard: ShardReference
        package var skip: Int
        package var batch: StoredBatch
    }

    /// Records that were not read and never will be: offsets from `from` up to, without, `to`. Without a `to` it is not known where they end, or
    /// whether there were any.
    package struct Gap: Sendable {
        package enum Reason: String, Sendable {
            case retention = "removed by retention before they were read"
            case damage = "damaged on disk"
            case undecodable = "a batch that cannot be decoded"
            case retired = "its shard was removed by retention before it was read to its end"
        }
        package var shard: ShardReference
        package var from: Int64
        package var to: Int64?
        package var reason: Reason
    }

    /// The bound of what all shards together hold read but not handed out, in bytes, while there are fewer than 256 shards.
    private static let totalBytes = 16 << 20

    private let store: any StreamStore
    private var cursors: [Cursor] = []
    /// How many bytes one read of a shard may bring at most.
    private let readBytes: Int
    /// Shards that were not found, and up to where they had been read.
    private var gone: [(shard: ShardReference, position: Int64)] = []
    /// Gaps met since they were last taken.
    private var gaps: [Gap] = []

    package init(store: any StreamStore, positions: [ShardReference: Int64], readBytes: Int = 1 << 20) {
        self.store = store
        self.readBytes = readBytes
        cursors = positions.sorted { $0.key < $1.key }.map { Cursor(shard: $0.key, position: $0.value) }
    }

    /// The next offset of each shard.
    package var positions: [ShardReference: Int64] {
        Dictionary(uniqueKeysWithValues: cursors.map { ($0.shard, $0.position) })
    }

    /// The next offset of each shard to read from the store, past what was read but is not settled yet; shards that were read to their end are
    /// left out, for nothing is to be waited for there.
    var readPositions: [ShardReference: Int64] {
        Dictionary(
            uniqueKeysWithValues: cursors.filter { !$0.hasEnded }
                .map { ($0.shard, max($0.position, $0.pending.last?.endOffset ?? 0)) })
    }

    /// Whether something was read that is not settled yet: it becomes so soon, without a further record.
    var hasPending: Bool { cursors.contains { $0.hasNext } }

    func knows(_ shard: ShardReference) -> Bool { cursors.contains { $0.shard == shard } }

    /// Adds a shard that came into being by a split or a merge.
    mutating func add(_ shard: ShardReference, at position: Int64) {
        guard !knows(shard) else { return }
        cursors.append(Cursor(shard: shard, position: position))
        cursors.sort { $0.shard < $1.shard }
    }

    /// Forgets shards that were read to their end, as those of which retention has left nothing.
    mutating func forget(_ isGone: (ShardReference) -> Bool) {
        cursors.removeAll { $0.hasEnded && !$0.hasNext && isGone($0.shard) }
    }

    /// Notes what was lost with shards that have gone.
    mutating func noteGone(from stream: StreamDescription, of source: StreamID) {
        for (shard, position) in gone where shard.stream == source {
            let ends = stream.possibleEnds(ofRetired: shard.shard)
            if ends.contains(position) { continue }
            gaps.append(Gap(shard: shard, from: position, to: ends.filter { $0 > position }.min(), reason: .retired))
        }
        gone.removeAll { $0.shard.stream == source }
    }

    /// Notes a batch that was handed out but could not be read to its end.
    mutating func noteUndecodable(_ item: Item) {
        gaps.append(Gap(shard: item.shard, from: item.batch.baseOffset, to: item.batch.endOffset, reason: .undecodable))
    }

    mutating func takeGaps() -> [Gap] {
        defer { gaps = [] }
        return gaps
    }

    /// The next batch that arrived at or before `settled`, or nil when there is none left.
    /// - Parameter limits: when given, batches at or past a shard's limit (0 for a shard without one) stay unread.
    package mutating func next(through settled: Int64, limits: [ShardReference: Int64]? = nil) async throws(StoreError) -> Item? {
        var best: Int?
        var bestArrival = Int64.max
        // Batches may be of one record: no more of them is looked at than their times.
        for index in cursors.indices {
            if !cursors[index].hasNext, !cursors[index].hasEnded, cursors[index].exhaustedThrough < settled {
                try await refill(index, through: settled)
            }
            guard cursors[index].hasNext else { continue }
            let arrival = cursors[index].pending[cursors[index].firstPending].arrivalMilliseconds
            // Cursors are in order of shard, so on equal times the first one stays.
            guard arrival <= settled, best == nil || arrival < bestArrival else { continue }
            if let limits {
                let offset = cursors[index].pending[cursors[index].firstPending].baseOffset
                if offset >= limits[cursors[index].shard] ?? 0 { continue }
            }
            (best, bestArrival) = (index, arrival)
        }
        guard let best else { return nil }
        let batch = cursors[best].pending[cursors[best].firstPending]
        let skip = Int(max(0, cursors[best].position - batch.baseOffset))
        cursors[best].firstPending += 1
        cursors[best].position = batch.endOffset
        return Item(shard: cursors[best].shard, skip: skip, batch: batch)
    }

    private mutating func refill(_ index: Int, through settled: Int64) async throws(StoreError) {
        let share = min(readBytes, max(64 << 10, Self.totalBytes / max(1, cursors.count)))
        while true {
            let cursor = cursors[index]
            do throws(StoreError) {
                let read = try await store.read(cursor.shard, from: cursor.position, maxBytes: share)
                cursors[index].pending = read.batches.filter { $0.endOffset > cursor.position }
                cursors[index].firstPending = 0
                if cursors[index].pending.isEmpty { cursors[index].exhaustedThrough = settled }
                cursors[index].hasEnded = read.endOffset.map { (read.batches.last?.endOffset ?? cursor.position) >= $0 } ?? false
                return
            } catch .offsetOutOfRange(_, let offset, let bounds) where offset < bounds.startOffset {
                gaps.append(Gap(shard: cursor.shard, from: offset, to: bounds.startOffset, reason: .retention))
                cursors[index].position = bounds.startOffset
            } catch .shardNotFound {
                // Closed, and so old that retention has left nothing of it. Where the whole stream is gone, whoever asks for it by name is told.
                cursors[index].hasEnded = true
                gone.append((cursor.shard, cursor.position))
                return
            } catch .damaged(_, let from, let through) {
                // Never stands still, whatever range the store names.
                let next = max(through &+ 1, cursor.position &+ 1)
                gaps.append(Gap(shard: cursor.shard, from: max(from, cursor.position), to: next, reason: .damage))
                cursors[index].position = next
            }
        }
    }
}
