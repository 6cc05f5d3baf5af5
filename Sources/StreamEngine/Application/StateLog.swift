/// Reads and writes an application's hidden stream.

import Host
import RecordBatch
import StreamStore

/// The hidden stream of one application: one shard, trimmed before each whole snapshot.
struct StateLog {
    let shard: ShardReference
    private let store: any StreamStore

    /// Opens the hidden stream of an application, creating it at its first start.
    static func open(application: String, store: any StreamStore) async throws(StoreError) -> StateLog {
        let key = StreamKey(application, in: .application)
        let stream: StreamDescription
        do throws(StoreError) {
            stream = try await store.stream(key)
        } catch .streamNotFound {
            stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1, maxRecordKiB: 10_240))
        }
        return StateLog(shard: ShardReference(stream.id, ShardID(0)), store: store)
    }

    /// The same where there is one; nil where there is none.
    static func existing(_ key: StreamKey, store: any StreamStore) async throws(StoreError) -> StateLog? {
        do throws(StoreError) {
            return StateLog(shard: ShardReference(try await store.stream(key).id, ShardID(0)), store: store)
        } catch .streamNotFound {
            return nil
        }
    }

    /// A new one in the place of what may be there.
    static func anew(_ key: StreamKey, store: any StreamStore) async throws(StoreError) -> StateLog {
        do throws(StoreError) { try await store.deleteStream(key) } catch .streamNotFound {
            // As it should be.
        }
        let stream = try await store.createStream(StreamDefinition(key: key, shardCount: 1, maxRecordKiB: 10_240))
        return StateLog(shard: ShardReference(stream.id, ShardID(0)), store: store)
    }

    private init(shard: ShardReference, store: any StreamStore) {
        self.shard = shard
        self.store = store
    }

    /// What of an application's state this build does not know the version of; nil when there is nothing such, or no state.
    ///
    /// It reads the hidden stream through: a newer build may have written only its end.
    static func unknownFormat(application: String, store: any StreamStore) async throws(StoreError) -> UnknownFormat? {
        let stream: StreamDescription
        do throws(StoreError) {
            stream = try await store.stream(StreamKey(application, in: .application))
        } catch .streamNotFound {
            return nil
        }
        for shard in stream.shards {
            let reference = ShardReference(stream.id, shard.id)
            var offset = try await store.bounds(reference).startOffset
            while true {
                let read: ShardRead
                do throws(StoreError) {
                    read = try await store.read(reference, from: offset, maxBytes: 1 << 20)
                } catch .damaged {
                    // The run itself will say so.
                    break
                }
                guard let end = read.batches.last?.endOffset else { break }
                for record in read.batches.lazy.compactMap({ try? $0.batch.records() }).joined() {
                    guard let (found, known) = StateRecord.unknownFormat(record.value ?? []) else { continue }
                    return UnknownFormat("the state of application \(application)", found: found, known: known)
                }
                offset = end
            }
        }
        return nil
    }

    /// State records as a part of an append.
    func entry(_ records: [StateRecord], at milliseconds: Int64) throws(StoreError) -> ShardAppend {
        let values = records.map { $0.encoded() }
        var builder = RecordBatchBuilder(
            baseTimestamp: milliseconds, codec: .none, expectedBytes: values.reduce(4096) { $0 + $1.count + 32 })
        do {
            for value in values { try builder.append(key: nil, value: value, timestamp: milliseconds) }
            return ShardAppend(shard, try (consume builder).finish())
        } catch {
            throw StoreError.failed("state record: \(error)")
        }
    }

    /// Makes a run's beginning durable and lets go of everything before it.
    /// - Returns: the offset of what follows.
    func begin(_ run: StateRecord.Run, at progress: InputProgress, fence: Fence, writtenAt milliseconds: Int64)
        async throws(StoreError) -> Int64
    {
        let appended = try await store.append([try entry([.begin(run, progress)], at: milliseconds)], fence: fence)
        guard let first = appended.first else { throw .failed("an append without an answer") }
        try await trim(before: first.baseOffset)
        return first.baseOffset + 1
    }

    /// Appends records without a fence: to a stream that only this call writes to.
    func append(_ records: [StateRecord], at milliseconds: Int64) async throws(StoreError) {
        _ = try await store.append([try entry(records, at: milliseconds)], fence: nil)
    }

    /// Lets go of records.
    func trim(before offset: Int64) async throws(StoreError) { try await store.trim(shard, before: offset) }

    /// What the last run left, or nil when there was none, and the offset of what follows.
    /// - Throws: `RunFailure.state` when it can never be read; `StoreError` when it cannot be now.
    func recover() async throws -> (state: RecoveredState?, end: Int64) {
        var offset = try await store.bounds(shard).startOffset
        var replay = StateReplay()
        while true {
            let read = try await read(from: offset)
            guard let end = read.batches.last?.endOffset else { return (replay.state, offset) }
            for batch in read.batches {
                for (record, byteCount) in try records(of: batch.batch) { replay.apply(record, byteCount: byteCount) }
            }
            offset = end
        }
    }

    private func read(from offset: Int64) async throws -> ShardRead {
        do throws(StoreError) {
            return try await store.read(shard, from: offset, maxBytes: 1 << 20)
        } catch .damaged(_, let from, let through) {
            throw RunFailure.state("the hidden stream of its state is damaged from offset \(from) through \(through)")
        }
    }

    /// The offset of what follows all that is there.
    func end() async throws(StoreError) -> Int64 { try await store.bounds(shard).highWatermark }

    private func records(of batch: RecordBatch) throws(RunFailure) -> [(record: StateRecord, byteCount: Int)] {
        do {
            return try batch.records().map { (try StateRecord(decoding: $0.value ?? []), $0.value?.count ?? 0) }
        } catch let error as StateRecord.Malformed {
            throw .state("the hidden stream of its state holds what this version cannot read: \(error.reason)")
        } catch {
            throw .state("the hidden stream of its state cannot be read: \(error)")
        }
    }
}
