/// Opening a table: the hidden stream is read from its beginning, and of each key the newest record counts.

public import Host
import RecordBatch
public import StreamStore

extension LatestTable {
    /// Opens a table, or makes it where there is none.
    ///
    /// The caller becomes the table's only writer: what an earlier one has in flight is refused or read here.
    /// - Parameters:
    ///   - name: among the tables of the store.
    ///   - time: labels records.
    /// - Throws: `.damaged` when a record of the table is, `.unknownFormat`; `.store`.
    public static func open(
        _ name: String, store: any StreamStore, time: any TimeSource, options: LatestOptions = LatestOptions()
    ) async throws(LatestError) -> LatestTable {
        let stream: StreamDescription
        let fence: Fence
        do throws(StoreError) {
            stream = try await openStream(StreamKey(name, in: .table), store)
            fence = try await store.claim(owner: "table/\(name)")
        } catch {
            throw .store(error)
        }
        let shard = ShardReference(stream.id, ShardID(0))
        var load = TableLoad(name: name)
        try await load.read(shard, store)
        return LatestTable(
            name: name, store: store, time: time, options: options, shard: shard, fence: fence, state: load.finish())
    }

    /// The table's stream is trimmed by the table alone.
    private static func openStream(_ key: StreamKey, _ store: any StreamStore) async throws(StoreError) -> StreamDescription {
        do throws(StoreError) {
            return try await store.stream(key)
        } catch .streamNotFound {
            return try await store.createStream(
                StreamDefinition(key: key, shardCount: 1, retentionHours: 8760, maxRecordKiB: 10_240))
        }
    }
}

/// What is gathered while the stream is read.
private struct TableLoad {
    private let name: String
    private var index = KeyIndex()
    private var start: Int64 = 0
    private var end: Int64 = 0
    private var logUnits = 0
    private var liveUnits = 0
    /// Of the keys of the batch that is taken in.
    private var hashes: [UInt32] = []

    /// Bytes read at once.
    private static let readBytes = 2 << 20

    init(name: String) { self.name = name }

    mutating func read(_ shard: ShardReference, _ store: any StreamStore) async throws(LatestError) {
        do throws(StoreError) { start = try await store.bounds(shard).startOffset } catch { throw .store(error) }
        end = start
        var next = try await Self.read(shard, store, from: start, table: name).get()
        while let last = next.batches.last {
            let (current, from, table) = (next.batches, last.endOffset, name)
            // The disk works while the records before are taken in.
            async let following = Self.read(shard, store, from: from, table: table)
            for batch in current { try take(batch) }
            next = try await following.get()
        }
    }

    private static func read(
        _ shard: ShardReference, _ store: any StreamStore, from offset: Int64, table: String
    ) async -> Result<ShardRead, LatestError> {
        do throws(StoreError) {
            return .success(try await store.read(shard, from: offset, maxBytes: readBytes))
        } catch .damaged(_, let from, let through) {
            return .failure(.damaged(table: table, from: from, through: through))
        } catch {
            return .failure(.store(error))
        }
    }

    private mutating func take(_ batch: StoredBatch) throws(LatestError) {
        do {
            hashes.removeAll(keepingCapacity: true)
            try batch.batch.forEachRecord { view in hashes.append(view.key.map(KeyIndex.hash) ?? 0) }
            index.prefetch(hashes)
            try batch.batch.forEachRecord { view in
                // A trim to the middle of a batch leaves the batch whole.
                guard view.offset >= start else { return }
                try take(view)
            }
        } catch let error as LatestError {
            throw error
        } catch {
            throw .damaged(table: name, from: batch.baseOffset, through: batch.endOffset - 1)
        }
        end = batch.endOffset
    }

    /// Whatever the order of the records, the highest revision of a key counts. A removal is remembered until all is read.
    private mutating func take(_ view: RecordView) throws(LatestError) {
        let record = try LatestRecord(view, in: name)
        guard let key = view.key, !key.isEmpty else { throw .damaged(table: name, from: view.offset, through: view.offset) }
        let units = LatestRecord.units(keyBytes: key.count, valueBytes: view.value?.count ?? 0)
        logUnits += units
        let isRemoval = record.change == .removal
        var replaced: Int? = 0
        let set = index.set(
            key, hash: hashes[Int(view.offsetDelta)], location: isRemoval ? -1 : view.offset, revision: record.revision,
            units: units
        ) { known in
            replaced = record.revision >= known.revision ? (known.location < 0 ? 0 : Int(known.units)) : nil
            return replaced != nil
        }
        guard set != nil else { throw .store(.failed("table \(name) has more keys than fit in memory")) }
        if let replaced { liveUnits += (isRemoval ? 0 : units) - replaced }
    }

    consuming func finish() -> LatestTable.State {
        for number in 0..<index.endNumber where index.isUsed(number) && index[number].location < 0 { index.remove(number) }
        return LatestTable.State(
            index: index, order: KeyOrder(of: index), nextOffset: end, startOffset: start, logUnits: logUnits,
            liveUnits: liveUnits)
    }
}
