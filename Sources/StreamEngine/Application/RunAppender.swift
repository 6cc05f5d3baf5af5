/// The output side of a run: hands rows and state records to the store, several appends at a time.

import Host
import RecordBatch
import StreamStore

/// Appends in the order in which they were computed, or not at all: each is held to the offset that its state record must get, so that none behind one
/// that failed takes place, and no hole can arise.
struct RunAppender {
    /// How many appends are under way at most: one is being synced, one is being written, one is made.
    private static let depth = 4
    /// How many bytes of them.
    private static let depthBytes = 16 << 20

    /// What one append brings.
    private struct Item {
        var step: CommitQueue.Step
        /// Once it is durable, nothing before this offset is needed.
        var trim: Int64?
    }

    private struct InFlight {
        var number: Int
        var item: Item
        /// What its first state record gets.
        var offset: Int64
        var byteCount: Int
    }

    private let store: any StreamStore
    private let stateLog: StateLog
    private let fence: Fence
    private let depth: Int
    private var router: OutputRouter
    private(set) var queue: CommitQueue
    /// Appends that were refused for a reason that passes, in their order.
    private var again: [Item] = []
    private var inFlight: [InFlight] = []
    private var nextNumber = 0
    private let answers = AppendAnswers()
    /// What the next state record gets.
    private(set) var nextOffset: Int64
    private(set) var rowsOut: Int64 = 0
    /// Bytes of state records.
    private(set) var stateBytes = 0

    init(
        _ outputs: [ApplicationOutput], store: any StreamStore, stateLog: StateLog, fence: Fence, nextOffset: Int64,
        limits: ApplicationRun.Limits
    ) {
        self.store = store
        self.stateLog = stateLog
        self.fence = fence
        self.nextOffset = nextOffset
        // Without the condition only one that waits for its answer is sure to leave no hole.
        depth = store.capabilities.contains(.expectedOffsets) ? Self.depth : 1
        router = OutputRouter(outputs, store: store)
        queue = CommitQueue(appendBytes: limits.appendBytes, partBytes: limits.snapshotPartBytes)
    }

    mutating func add(_ cut: Cut) { queue.add(cut) }

    /// Forgets what was computed again.
    mutating func dropCuts() { queue.dropCuts() }

    /// Goes on copying where an earlier life of the run was.
    mutating func resume(_ outgoing: OutgoingQueue, outputs: Set<String>) { queue.resume(outgoing, outputs: outputs) }

    /// Hands in all that waits, and waits itself only for room.
    /// - Throws: `RunFailure.destination`: what was refused waits, and so does all behind it. After any other error it is not known what was
    ///   appended.
    mutating func append(at milliseconds: Int64) async throws {
        while let first = inFlight.first, answers.hasAnswer(to: first.number) { try await settleFirst() }
        while !again.isEmpty || !queue.isEmpty {
            try await makeRoom()
            if again.isEmpty, let step = queue.next() { again.append(Item(step: step)) }
            guard let item = again.first else { break }
            try await submit(item, at: milliseconds)
            again.removeFirst()
        }
    }

    /// Hands in state records behind all that waits.
    /// - Parameter trim: once they are durable, nothing before this offset is needed.
    /// - Throws: as `append(at:)`; the records wait then like all else.
    mutating func append(_ records: [StateRecord], trim: Int64?, at milliseconds: Int64) async throws {
        // In line before anything can fail: who made them has forgotten what they hold.
        while let step = queue.next() { again.append(Item(step: step)) }
        again.append(Item(step: CommitQueue.Step(records: records), trim: trim))
        try await append(at: milliseconds)
    }

    /// Hands in all that waits and returns when everything is durable.
    mutating func drain(at milliseconds: Int64) async throws {
        try await append(at: milliseconds)
        while !inFlight.isEmpty { try await settleFirst() }
    }

    private mutating func makeRoom() async throws {
        while inFlight.count >= depth || (!inFlight.isEmpty && inFlight.reduce(0, { $0 + $1.byteCount }) >= Self.depthBytes) {
            try await settleFirst()
        }
    }

    private mutating func submit(_ item: Item, at milliseconds: Int64) async throws {
        var entries: [ShardAppend]
        do { entries = try await router.route(item.step.rows, at: milliseconds) } catch let error as OutputRouter.Unavailable {
            throw RunFailure.destination(error)
        }
        let state = try stateLog.entry(item.step.records, at: milliseconds)
        entries.append(state)
        stateBytes += state.batch.bytes.count
        let (number, answers) = (nextNumber, answers)
        let condition = depth > 1 ? AppendCondition([.nextOffset(stateLog.shard, nextOffset)]) : nil
        store.submit(Append(entries, fence: fence, condition: condition), at: TaskPool.shared) { answers.give($0, to: number) }
        inFlight.append(
            InFlight(
                number: number, item: item, offset: nextOffset, byteCount: entries.reduce(0) { $0 + $1.batch.bytes.count }))
        nextNumber += 1
        nextOffset += Int64(item.step.records.count)
    }

    /// Waits for the oldest append.
    private mutating func settleFirst() async throws {
        let first = inFlight[0]
        switch await answers.answer(to: first.number) {
        case .success:
            inFlight.removeFirst()
            rowsOut += Int64(first.item.step.rows.reduce(0) { $0 + $1.rows.count })
            if let trim = first.item.trim { try await stateLog.trim(before: trim) }
        case .failure(let error):
            // Those behind it come to nothing. They are waited for, so that none is under way when they are made again.
            var hasHole = false
            for later in inFlight.dropFirst() {
                if case .success = await answers.answer(to: later.number) { hasHole = true }
            }
            let refused = inFlight.map(\.item)
            inFlight = []
            guard isOfDestination(error), !hasHole else { throw error }
            nextOffset = first.offset
            again = refused + again
            throw RunFailure.destination(OutputRouter.Unavailable(output: nil, reason: error))
        }
    }

    /// Whether an append was refused as a whole for a reason that lies in a destination or passes by itself. Of all other errors it is
    /// not known what they left.
    private func isOfDestination(_ error: StoreError) -> Bool {
        switch error {
        case .overloaded: true
        case .streamBusy(let key, _): key.namespace != .application
        case .shardClosed(let shard), .shardNotFound(let shard): shard != stateLog.shard
        default: false
        }
    }
}
