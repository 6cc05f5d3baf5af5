/// The one writer of a table: takes what waits, decides conditions, makes batches, appends, and only then lets the changes be seen.

import Host
import RecordBatch
import StreamStore
import Synchronization

/// Something that waits to be written: changes of a caller, or copies that a compaction makes.
struct QueuedWork: Sendable {
    /// A live record to be written again at the log's end.
    struct Move: Sendable {
        var key: [UInt8]
        var value: [UInt8]
        var location: Int64
        var revision: Int64
    }

    var changes: [LatestChange] = []
    var moves: [Move] = []
    var entries: [ShardAppend] = []
    var fence: Fence?
    var bytes: Int
    var answer: @Sendable (Result<[Int64], LatestError>) -> Void

    var isMove: Bool { !moves.isEmpty }
    /// It shares no append with others.
    var isAlone: Bool { fence != nil || !entries.isEmpty }

    init(
        changes: [LatestChange], entries: [ShardAppend], fence: Fence?, bytes: Int,
        answer: @escaping @Sendable (Result<[Int64], LatestError>) -> Void
    ) {
        (self.changes, self.entries, self.fence, self.bytes, self.answer) = (changes, entries, fence, bytes, answer)
    }

    init(moves: [Move], bytes: Int, answer: @escaping @Sendable (Result<[Int64], LatestError>) -> Void) {
        (self.moves, self.bytes, self.answer) = (moves, bytes, answer)
    }
}

/// What becomes one append.
private struct Group {
    /// What a record of the group does, in the order of the records.
    struct Step {
        var key: [UInt8]
        var isRemoval: Bool
        /// Of a copy; nil for what was changed.
        var revision: Int64?
        var units: Int
    }

    var works: [QueuedWork] = []
    /// For each work where its records begin, or why it has none.
    var outcomes: [Result<Int, LatestError>] = []
    var steps: [Step] = []
    var entries: [ShardAppend] = []
    var fence: Fence?
    /// The offset of the first record.
    var base: Int64 = 0
}

extension LatestTable {
    /// Works until nothing waits.
    func write() async {
        while let works = state.withLock({ $0.takeGroup(maxBytes: options.groupBytes) }) {
            var group = Group()
            group.works = works
            do throws(LatestError) {
                try decide(&group)
                if !group.entries.isEmpty { try await append(group) }
                apply(group)
                answer(group, nil)
            } catch {
                answer(group, error)
            }
            startCompactionIfDue()
        }
    }

    // MARK: Deciding

    /// Decides each work in order against what the ones before it leave, and makes the group's batches.
    private func decide(_ group: inout Group) throws(LatestError) {
        let needsPending = group.works.contains { $0.isMove || $0.changes.contains { $0.condition != .none } }
        // What the group's own changes make of the keys; needed by conditions and copies only.
        var pending: [[UInt8]: Int64?] = [:]
        group.base = state.withLock { $0.nextOffset }
        var batches = BatchMaker(at: time.wallMilliseconds(), batchBytes: appendsTogether ? options.batchBytes : .max)
        for work in group.works {
            if work.isMove {
                group.outcomes.append(.success(group.steps.count))
                try batches.add(moves: movable(work.moves, pending), to: &group.steps)
                continue
            }
            if needsPending, let refusal = decide(work.changes, &pending, base: group.base &+ Int64(group.steps.count)) {
                group.outcomes.append(.failure(refusal))
                continue
            }
            group.outcomes.append(.success(group.steps.count))
            for change in work.changes { try batches.add(change, to: &group.steps) }
            group.entries += work.entries
            group.fence = work.fence
        }
        group.entries = try batches.finish().map { ShardAppend(shard, $0) } + group.entries
    }

    /// - Returns: the refusal of the first change whose condition does not hold; then none of them counts.
    private func decide(_ changes: [LatestChange], _ pending: inout [[UInt8]: Int64?], base: Int64) -> LatestError? {
        var own: [[UInt8]: Int64?] = [:]
        for (index, change) in changes.enumerated() {
            let current = own[change.key] ?? pending[change.key] ?? revision(of: change.key)
            let holds =
                switch change.condition {
                case .none: true
                case .absent: current == nil
                case .present: current != nil
                case .revision(let wanted): current == wanted
                }
            guard holds else { return .conditionFailed(index: index, revision: current) }
            own[change.key] = .some(change.value == nil ? nil : base &+ Int64(index) &+ 1)
        }
        pending.merge(own) { $1 }
        return nil
    }

    /// The revision of a key's value; nil when it has none.
    public func revision(of key: [UInt8]) -> Int64? {
        state.withLock { state in
            key.withUnsafeBytes { state.index.find($0) }.map { state.index[$0].revision }
        }
    }

    /// The copies that are still what they were read as. What was changed meanwhile must not come behind the change.
    private func movable(_ moves: [QueuedWork.Move], _ pending: [[UInt8]: Int64?]) -> [QueuedWork.Move] {
        state.withLock { state in
            moves.filter { move in
                guard pending[move.key] == nil, let number = move.key.withUnsafeBytes({ state.index.find($0) }) else {
                    return false
                }
                return state.index[number].location == move.location
            }
        }
    }

    // MARK: Appending

    private func append(_ group: Group) async throws(LatestError) {
        do throws(StoreError) {
            // What was decided holds of the table as it ends at this offset. If it ends elsewhere when the append is committed, nothing is appended.
            let isHeld = !group.steps.isEmpty && expectsOffsets
            let condition = isHeld ? AppendCondition([.nextOffset(shard, group.base)]) : nil
            let appended = try await store.append(
                Append(group.entries, fence: group.fence ?? fence, condition: condition))
            if !group.steps.isEmpty, appended.first?.baseOffset != group.base {
                throw .failed("table \(name) is written by somebody else too: expected offset \(group.base)")
            }
        } catch {
            throw .store(error)
        }
    }

    /// Lets the changes of a group be seen, a work at a time.
    private func apply(_ group: Group) {
        var step = 0
        while step < group.steps.count {
            // Readers wait no longer than this takes; a work is never cut.
            let end =
                group.outcomes.lazy.compactMap { try? $0.get() }.first { $0 >= step + 256 } ?? group.steps.count
            state.withLock { state in
                for number in step..<end { state.apply(group.steps[number], offset: group.base &+ Int64(number)) }
            }
            step = end
        }
        state.withLock { state in
            state.nextOffset = group.base &+ Int64(group.steps.count)
            state.statistics.appends += 1
        }
    }

    private func answer(_ group: Group, _ failure: LatestError?) {
        for (index, work) in group.works.enumerated() {
            if let failure {
                work.answer(.failure(failure))
            } else {
                let result = group.outcomes[index].map { start in
                    work.changes.indices.map { group.base &+ Int64(start + $0) &+ 1 }
                }
                work.answer(result)
            }
        }
        state.withLock { state in
            for work in group.works { state.waitingBytes -= work.bytes }
        }
    }
}

/// Makes batches of records, each no longer than it should be.
private struct BatchMaker {
    private let now: Int64
    private let batchBytes: Int
    private var batches: [RecordBatch] = []
    private var builder: RecordBatchBuilder

    init(at now: Int64, batchBytes: Int) {
        self.now = now
        self.batchBytes = batchBytes
        builder = RecordBatchBuilder(baseTimestamp: now, expectedBytes: min(batchBytes, 64 << 10) + 512)
    }

    mutating func add(_ change: LatestChange, to steps: inout [Group.Step]) throws(LatestError) {
        let head = LatestRecord.head(change.value == nil ? .removal : .put, revision: 0)
        try add(change.key, head, change.value ?? [])
        steps.append(
            Group.Step(
                key: change.key, isRemoval: change.value == nil, revision: nil,
                units: LatestRecord.units(keyBytes: change.key.count, valueBytes: head.count + (change.value?.count ?? 0))))
    }

    mutating func add(moves: [QueuedWork.Move], to steps: inout [Group.Step]) throws(LatestError) {
        for move in moves {
            let head = LatestRecord.head(.moved, revision: move.revision)
            try add(move.key, head, move.value)
            steps.append(
                Group.Step(
                    key: move.key, isRemoval: false, revision: move.revision,
                    units: LatestRecord.units(keyBytes: move.key.count, valueBytes: head.count + move.value.count)))
        }
    }

    private mutating func add(_ key: [UInt8], _ head: [UInt8], _ value: [UInt8]) throws(LatestError) {
        do throws(RecordBatchError) {
            if builder.recordCount > 0, builder.byteCount + key.count + value.count + 16 > batchBytes { try close() }
            try builder.append(key: key, value: head + value, timestamp: now)
        } catch {
            throw .store(.failed("\(error)"))
        }
    }

    private mutating func close() throws(RecordBatchError) {
        let full = builder
        builder = RecordBatchBuilder(baseTimestamp: now, expectedBytes: batchBytes + 512)
        batches.append(try full.finish())
    }

    consuming func finish() throws(LatestError) -> [RecordBatch] {
        do throws(RecordBatchError) {
            return builder.recordCount > 0 ? batches + [try builder.finish()] : batches
        } catch {
            throw .store(.failed("\(error)"))
        }
    }
}

extension LatestTable.State {
    /// What is written next; nil ends the writer.
    fileprivate mutating func takeGroup(maxBytes: Int) -> [QueuedWork]? {
        guard queueHead < queue.count else {
            queue.removeAll(keepingCapacity: queue.count < 4_096)
            queueHead = 0
            isWriting = false
            return nil
        }
        var works: [QueuedWork] = []
        var bytes = 0
        while queueHead < queue.count {
            let next = queue[queueHead]
            if !works.isEmpty, next.isAlone || bytes + next.bytes > maxBytes { break }
            works.append(next)
            bytes += next.bytes
            queueHead += 1
            if next.isAlone { break }
        }
        if queueHead > 4_096, queueHead * 2 > queue.count {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        return works
    }

    /// Takes in a record that is durable.
    fileprivate mutating func apply(_ step: Group.Step, offset: Int64) {
        logUnits += step.units
        let known = step.key.withUnsafeBytes { index.find($0) }
        // A copy never takes the place of something newer.
        if let revision = step.revision, known.map({ index[$0].revision != revision }) ?? true { return }
        if let known { liveUnits -= Int(index[known].units) }
        if step.revision == nil { statistics.changes += 1 } else { statistics.moved += 1 }
        if step.isRemoval {
            guard let known else { return }
            order.remove(known, in: index)
            index.remove(known)
            return
        }
        liveUnits += step.units
        let set = step.key.withUnsafeBytes {
            index.set($0, location: offset, revision: step.revision ?? offset &+ 1, units: step.units)
        }
        if let set, set.isNew { order.insert(set.number, in: index) }
    }
}
