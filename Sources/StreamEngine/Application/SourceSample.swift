/// Some records of a source as they are, for whoever wants to know what they look like.

import AggregatedRecords
import Host
import RecordBatch
import StreamStore

extension ApplicationManager {
    /// Reads some records of a source: up to 1,000 of them and 512 KiB, from each shard in turn; the first may be longer.
    ///
    /// It waits up to ten seconds for the first, and gathers for one second what comes after it.
    /// - Returns: none when none came in time.
    /// - Throws: `.configuration` when there is no such stream, `.store`.
    public nonisolated func sample(
        _ source: StreamTarget, from position: StartingPosition
    ) async throws(ApplicationError) -> [[UInt8]] {
        do throws(StoreError) {
            var sample = try await SourceSample(store, await resolve(source), from: position)
            try await sample.gather(time)
            return sample.records
        } catch {
            // It may be deleted while it is looked at.
            switch error {
            case .streamNotFound, .shardNotFound: throw .configuration("There is no stream \(source.arn).")
            case .streamBusy(_, let status): throw .configuration("The stream \(source.arn) is \(status.rawValue).")
            default: throw .store(error)
            }
        }
    }
}

/// The records that were gathered, and where to go on.
private struct SourceSample {
    private static let mostRecords = 1_000
    private static let mostBytes = 512 << 10
    private static let readBytes = 64 << 10
    private static let patience: UInt64 = 10_000_000_000
    private static let gathering: UInt64 = 1_000_000_000

    private(set) var records: [[UInt8]] = []
    private var bytes = 0
    private let store: any StreamStore
    private var positions: [ShardReference: Int64] = [:]
    private var isFull: Bool { records.count >= Self.mostRecords || bytes >= Self.mostBytes }

    init(_ store: any StreamStore, _ key: StreamKey, from position: StartingPosition) async throws(StoreError) {
        self.store = store
        let stream = try await store.stream(key)
        for shard in stream.shards {
            let reference = ShardReference(stream.id, shard.id)
            let bounds = try await store.bounds(reference)
            if position == .now, shard.endOffset != nil { continue }
            positions[reference] = position == .now ? bounds.highWatermark : bounds.startOffset
        }
    }

    mutating func gather(_ time: any TimeSource) async throws(StoreError) {
        var deadline = time.monotonicNanoseconds() &+ Self.patience
        while !isFull, !positions.isEmpty {
            let before = records.count
            for shard in positions.keys.sorted(by: { $0.shard < $1.shard }) where !isFull { try await read(shard) }
            let now = time.monotonicNanoseconds()
            if before == 0, !records.isEmpty { deadline = min(deadline, now &+ Self.gathering) }
            guard records.count == before else { continue }
            guard now < deadline,
                await store.awaitRecords(positions, timeout: .nanoseconds(Int64(clamping: deadline &- now)))
            else { return }
        }
    }

    private mutating func read(_ shard: ShardReference) async throws(StoreError) {
        guard let position = positions[shard] else { return }
        let read: ShardRead
        do throws(StoreError) {
            read = try await store.read(shard, from: position, maxBytes: Self.readBytes)
        } catch .offsetOutOfRange(_, _, let bounds) {
            positions[shard] = bounds.startOffset
            return
        }
        for batch in read.batches {
            // What cannot be read is no part of the sample; an application puts it into its error stream.
            try? batch.batch.forEachRecord { record in
                guard let value = record.value, record.offset >= position, !isFull else { return }
                let isAggregated = AggregatedRecord.forEachPart(of: value) { part in
                    if !isFull { take(UnsafeRawBufferPointer(rebasing: value[part.data])) }
                }
                if !isAggregated { take(value) }
            }
        }
        let next = read.batches.last.map(\.endOffset) ?? position
        positions[shard] = read.endOffset.map { next >= $0 } ?? false ? nil : next
    }

    /// Half a record would have no form.
    private mutating func take(_ value: UnsafeRawBufferPointer) {
        if records.isEmpty || bytes + value.count <= Self.mostBytes { records.append([UInt8](value)) }
        bytes += value.count
    }
}
