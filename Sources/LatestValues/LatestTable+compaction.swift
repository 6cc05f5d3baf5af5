/// Compaction in place: live records at the log's beginning are written again at its end, then the beginning is let go.

import RecordBatch
import StreamStore
import Synchronization

extension LatestTable {
    /// Begins a compaction when old records take too much, unless one is under way.
    func startCompactionIfDue() {
        let isDue = state.withLock { state in
            guard !state.isClosed, !state.isCompacting, mustCompact(state) else { return false }
            state.isCompacting = true
            return true
        }
        if isDue { Task(executorPreference: options.executor) { await self.runCompaction(all: false) } }
    }

    private func mustCompact(_ state: borrowing State) -> Bool {
        (state.logUnits - 2 * state.liveUnits) * 64 > options.garbageBytes
    }

    /// Compacts until no old record is left that was there when it began.
    /// - Throws: `.store` when it did not come to its end; nothing is lost by that.
    public func compact() async throws(LatestError) {
        while true {
            let isFree = state.withLock { state in
                guard !state.isCompacting else { return false }
                state.isCompacting = true
                return true
            }
            if isFree { break }
            try? await Task.sleep(for: .milliseconds(1))
        }
        await runCompaction(all: true)
        if let problem = compactionProblem { throw .store(.failed(problem)) }
    }

    private func runCompaction(all: Bool) async {
        var problem: String?
        do throws(LatestError) {
            let end = state.withLock { $0.nextOffset }
            while state.withLock({ all ? $0.startOffset < end : !$0.isClosed && mustCompact($0) }) {
                guard try await compactHead(to: end) else { break }
            }
        } catch {
            problem = "\(error)"
        }
        state.withLock { state in
            state.compactionProblem = problem
            state.isCompacting = false
        }
    }

    /// One step: copies what is live of the log's first batches, durably, and lets them go.
    ///
    /// A crash leaves the copies and, it may be, the records that they were made of: the same values under the same revisions.
    /// - Returns: whether there was anything.
    private func compactHead(to limit: Int64) async throws(LatestError) -> Bool {
        let start = state.withLock { $0.startOffset }
        let read: ShardRead
        do throws(StoreError) {
            read = try await store.read(shard, from: start, maxBytes: options.compactionBytes)
        } catch {
            throw .store(error)
        }
        let batches = read.batches.prefix { $0.baseOffset < limit }
        guard let end = batches.last?.endOffset else { return false }
        var moves: [QueuedWork.Move] = []
        var (units, bytes) = (0, 0)
        for batch in batches { try gather(batch, from: start, &moves, &units, &bytes) }
        if !moves.isEmpty { try await write(moves, bytes: bytes) }
        do throws(StoreError) { try await store.trim(shard, before: end) } catch { throw .store(error) }
        state.withLock { state in
            state.startOffset = end
            state.logUnits -= units
        }
        return true
    }

    /// The live records of a batch.
    private func gather(
        _ batch: StoredBatch, from start: Int64, _ moves: inout [QueuedWork.Move], _ units: inout Int, _ bytes: inout Int
    ) throws(LatestError) {
        do {
            try batch.batch.forEachRecord { view in
                let offset = batch.baseOffset &+ Int64(view.offsetDelta)
                guard offset >= start, let key = view.key, let value = view.value else { return }
                let record = try LatestRecord(view, in: name)
                units += LatestRecord.units(keyBytes: key.count, valueBytes: value.count)
                let isLive = state.withLock { state in state.index.find(key).map { state.index[$0].location == offset } ?? false }
                guard isLive else { return }
                moves.append(
                    QueuedWork.Move(
                        key: [UInt8](key), value: [UInt8](value[record.valueStart...]), location: offset, revision: record.revision)
                )
                bytes += key.count + value.count + 64
            }
        } catch let error as LatestError {
            throw error
        } catch {
            throw .damaged(table: name, from: batch.baseOffset, through: batch.endOffset - 1)
        }
    }

    private func write(_ moves: [QueuedWork.Move], bytes: Int) async throws(LatestError) {
        let result = await withCheckedContinuation { continuation in
            let work = QueuedWork(moves: moves, bytes: bytes) { continuation.resume(returning: $0) }
            do throws(LatestError) { try enqueue(work) } catch { continuation.resume(returning: .failure(error)) }
        }
        _ = try result.get()
    }
}
