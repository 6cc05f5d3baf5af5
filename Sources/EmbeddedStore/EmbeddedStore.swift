/// The `StreamStore` of this machine: the catalog knows what there is, the log holds the records.

import Catalog
public import Host
import RecordBatch
import StreamLog
public import StreamStore
import Synchronization

// The log has an `Appended` of its own, a journal position; the seam's is meant here.
public import struct StreamStore.Appended

/// Streams on this machine's disk.
///
/// Appends and reads look at a snapshot of the definitions in memory and go to the log; they never touch SQLite. Changes of
/// definitions pass one at a time, in an order that leaves an explainable state wherever they are cut short:
///
/// | change | order | after a crash between |
/// |---|---|---|
/// | create | catalog, logs, catalog (logs made), memory | the stream is in the catalog: opening makes the logs that are missing |
/// | delete | catalog (DELETING), memory | the stream is DELETING again when the store is opened |
/// | end of a deletion | catalog (stream out, tombstones in), memory, logs, tombstones out | opening removes what the tombstones name |
/// | split, merge | catalog (children planned), journal (parents end, children begin: one frame), memory, catalog (ends, beginnings) | planned only: opening forgets the plan; in the journal: opening does the rest |
/// | close | journal, memory, catalog | opening takes the end from the journal |
/// | a closed shard is empty and its time over | catalog (shard out, tombstone in), memory, log, tombstone out | opening removes what the tombstone names |
/// | claim | catalog, memory, wait for older appends | an epoch is skipped |
///
/// The end of a shard is decided in the journal, among the appends: what was handed in before it is in the shard, what comes after is refused with
/// `.shardClosed` as soon as the children can be found. The catalog's last word may be late (a full disk); the journal repeats the end in each new
/// file, so it is never lost.
///
/// The number of a removed stream is never given again, so that its records cannot return under its name.
public final class EmbeddedStore<D: Disk>: StreamStore {
    /// What appends and reads look at.
    struct State: Sendable {
        var directory = StreamDirectory()
        var fences = FenceBook<CheckedContinuation<Void, Never>>()
        var nextSweepNanoseconds: UInt64 = 0
        var retentionClock: RetentionClock
        /// When the clock is to be written down next.
        var nextClockSaveNanoseconds: UInt64 = 0
        /// What housekeeping last failed with; nil when all is well.
        var housekeepingProblem: String?
        var backupIsRunning = false
        /// What is to be done once the ends of shards, which the log has told of, are in the directory.
        var awaitingEnds: [ShardReference: [@Sendable () -> Void]] = [:]
    }

    let log: StreamLog<D>
    let catalog: Catalog
    let time: any TimeSource
    let options: EmbeddedStoreOptions
    let state: Mutex<State>
    /// Changes of definitions pass it one at a time.
    let turnstile = Turnstile()
    private let housekeeping = Mutex<Task<Void, Never>?>(nil)

    init(
        log: StreamLog<D>, catalog: Catalog, time: any TimeSource, options: EmbeddedStoreOptions, state: State
    ) {
        self.log = log
        self.catalog = catalog
        self.time = time
        self.options = options
        self.state = Mutex(state)
    }

    deinit {
        housekeeping.withLock { $0?.cancel() }
    }

    // MARK: Life

    /// Starts the background work that the options ask for. It holds the store weakly.
    func startHousekeeping() {
        guard options.retentionSweepSeconds != nil else { return }
        // Changes of status are noticed at once by those who ask; this pace only tells when their logs are removed.
        let pace = Duration.milliseconds(options.lifecycleDelaySeconds > 0 ? 250 : 1000)
        let task = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: pace)
                guard !Task.isCancelled, let self else { return }
                await self.maintain()
            }
        }
        housekeeping.withLock { $0 = task }
    }

    /// Ends the background work, then closes the log and the catalog. Calls that come later fail.
    public func close() async {
        let task = housekeeping.withLock { task in
            defer { task = nil }
            return task
        }
        task?.cancel()
        await task?.value
        await turnstile.enter()
        await saveClock(isLast: true)
        await log.close()
        await catalog.close()
        turnstile.leave()
    }

    // MARK: Records

    public var capabilities: StoreCapabilities {
        [.multiShardAppends, .expectedOffsets, .idempotentProducers, .statesWithRecords, .refusesOldFences]
    }

    public func append(_ append: Append) async throws(StoreError) -> [Appended] {
        let admitted = try admit(append)
        let result: Result<[LogAppended], LogError>
        do throws(LogError) {
            result = .success(try await log.append(admitted))
        } catch {
            result = .failure(error)
            await untilKnown(error)
        }
        return try conclude(append, result).get()
    }

    public func submit(
        _ append: Append, at place: any AnswerPlace,
        _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void
    ) {
        let admitted: LogAppend
        do throws(StoreError) {
            admitted = try admit(append)
        } catch {
            return place.run { answer(.failure(error)) }
        }
        log.submit(admitted, at: place) { [self] result in
            let told = conclude(append, result)
            guard case .failure(.ended(let log)) = result else { return answer(told) }
            // Told once it is true for those who look.
            afterEnd(of: ShardReference(log)) { place.run { answer(told) } }
        }
    }

    /// Checks an append against what the store knows of streams and fences. `conclude` must follow.
    private func admit(_ append: Append) throws(StoreError) -> LogAppend {
        let now = time.monotonicNanoseconds()
        let marks = try append.states.map { change throws(StoreError) in try MarkChange(change) }
        let codecs = try state.withLock { state throws(StoreError) in
            var codecs: [CompressionCodec] = []
            codecs.reserveCapacity(append.entries.count)
            for entry in append.entries { codecs.append(try state.directory.admit(appendTo: entry.shard, at: now)) }
            if let fence = append.fence, !state.fences.begin(fence) {
                throw .fenced(fence, current: state.fences.epoch(of: fence.owner))
            }
            return codecs
        }
        // Compressed here, on the caller's time: the journal's thread has only to write.
        return LogAppend(
            zip(append.entries, codecs).map { (log: LogID($0.shard), batch: $0.batch.compressed(with: $1)) },
            requirements: append.condition?.requirements.map { LogRequirement($0) } ?? [], marks: marks)
    }

    /// Ends an append that was admitted, whatever became of it.
    private func conclude(
        _ append: Append, _ result: Result<[LogAppended], LogError>
    ) -> Result<[Appended], StoreError> {
        if let fence = append.fence { endAppend(under: fence) }
        switch result {
        case .success(let appended):
            count(append.entries)
            return .success(
                appended.map { Appended(baseOffset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds) })
        case .failure(let error): return .failure(StoreError(error))
        }
    }

    /// Lets claims go on that waited for this append.
    private func endAppend(under fence: Fence) {
        let ready = state.withLock { $0.fences.end(fence) }
        for claim in ready { claim.resume() }
    }

    /// Counts what came in, as it came.
    private func count(_ entries: [ShardAppend]) {
        state.withLock { state in
            for entry in entries {
                state.directory[entry.shard.stream]?.counters
                    .countIn(records: entry.batch.recordCount, bytes: entry.batch.bytes.count)
            }
        }
    }

    public func read(
        _ shard: ShardReference, from offset: Int64, maxBytes: Int
    ) async throws(StoreError) -> ShardRead {
        let counters = try readable(shard)
        let found: LogRead
        do {
            found = try await log.read(LogID(shard), from: offset, maxBytes: maxBytes)
        } catch {
            throw StoreError(error)
        }
        return counted(found, shard, counters)
    }

    public func batches(_ shard: ShardReference, holding offsets: [Int64]) async throws(StoreError) -> [StoredBatch] {
        let counters = try readable(shard)
        do {
            let found = try await log.batches(LogID(shard), holding: offsets).map { StoredBatch($0) }
            counters.countOut(found)
            return found
        } catch {
            throw StoreError(error)
        }
    }

    public func readFromMemory(_ shard: ShardReference, from offset: Int64, maxBytes: Int) throws(StoreError) -> ShardRead? {
        let counters = try readable(shard)
        do {
            return try log.readFromMemory(LogID(shard), from: offset, maxBytes: maxBytes).map { counted($0, shard, counters) }
        } catch {
            throw StoreError(error)
        }
    }

    public func submitReads(_ work: @escaping @Sendable (_ read: BlockingRead) -> Void) -> Bool {
        log.submitReads { [self] in work(readNow) }
    }

    private func readNow(_ shard: ShardReference, from offset: Int64, maxBytes: Int) throws(StoreError) -> ShardRead {
        let counters = try readable(shard)
        do {
            return counted(try log.readNow(LogID(shard), from: offset, maxBytes: maxBytes), shard, counters)
        } catch {
            throw StoreError(error)
        }
    }

    private func counted(_ found: LogRead, _ shard: ShardReference, _ counters: StreamCounters) -> ShardRead {
        var read = ShardRead(found)
        // After the read: an end that is told is past all records that were there.
        state.withLock { state in
            guard let stream = state.directory[shard.stream]?.description, stream.openShardCount < stream.shards.count,
                let end = stream.shard(shard.shard)?.endOffset
            else { return }
            read.endOffset = end
            read.children = stream.children(of: shard.shard)
        }
        counters.countOut(read.batches)
        return read
    }

    public func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds {
        _ = try readable(shard)
        do {
            let bounds = try log.bounds(LogID(shard))
            return ShardBounds(startOffset: bounds.startOffset, highWatermark: bounds.highWatermark)
        } catch {
            throw StoreError(error)
        }
    }

    public func firstOffset(
        _ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64
    ) async throws(StoreError) -> Int64 {
        _ = try readable(shard)
        do {
            return try await log.firstOffset(LogID(shard), arrivedAtOrAfter: milliseconds)
        } catch {
            throw StoreError(error)
        }
    }

    /// Returns at once, with true, when one of the shards does not exist: whoever waits for it finds out by reading.
    public func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool {
        let now = time.monotonicNanoseconds()
        let allExist = state.withLock { state in
            positions.keys.allSatisfy { state.directory.holds($0, at: now) }
        }
        guard allExist else { return true }
        var logPositions: [LogID: Int64] = [:]
        logPositions.reserveCapacity(positions.count)
        for (shard, offset) in positions { logPositions[LogID(shard)] = offset }
        return await log.awaitRecords(logPositions, timeout: timeout)
    }

    public func settledTime() async -> Int64 {
        log.settledTime()
    }

    public func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError) {
        _ = try readable(shard)
        do {
            try await log.trim(LogID(shard), before: offset)
        } catch {
            throw StoreError(error)
        }
    }

    private func readable(_ shard: ShardReference) throws(StoreError) -> StreamCounters {
        let now = time.monotonicNanoseconds()
        let counters = state.withLock { state in
            state.directory.holds(shard, at: now) ? state.directory[shard.stream]?.counters : nil
        }
        guard let counters else { throw .shardNotFound(shard) }
        return counters
    }
}
