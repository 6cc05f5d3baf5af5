/// All named consumers of a node: opened from their table, and made durable in it.

public import Host
package import LatestValues
public import StreamStore
import Synchronization

/// Consumers with a name that keep their position in each shard of a stream, durably, and share its shards among their members. See <doc:Consumers>.
///
/// All calls may be made from any task.
public final class NamedConsumers: Sendable {
    /// What bounds memory.
    public struct Limits: Sendable {
        public var consumers = 20_000
        public var membersPerConsumer = 1_000
        /// Shards of all consumers together; each takes some 300 bytes.
        public var leases = 1_000_000
        /// Of the records that go with a checkpoint, in bytes.
        public var outputBytes = 5 << 20

        public init() {}
    }

    /// One consumer.
    struct Consumer: Sendable {
        var definition: ConsumerDefinition
        var board: LeaseBoard
        /// Those whom an operator sent away and who were not told yet, with when that is forgotten, on the monotonic clock.
        var kicked: [String: Int64] = [:]
    }

    struct State: Sendable {
        var consumers: [ConsumerKey: Consumer] = [:]
        /// Each as it was at the last look.
        var seen: [ConsumerKey: ConsumerDescription] = [:]
        var leases: Int { consumers.values.reduce(0) { $0 + $1.board.leases.count } }
    }

    static let tableName = "consumers"
    /// Entries that are read at once.
    private static let page = 10_000

    let store: any StreamStore
    let time: any TimeSource
    let limits: Limits
    package let table: LatestTable
    let state: Mutex<State>

    private init(_ store: any StreamStore, _ time: any TimeSource, _ limits: Limits, _ table: LatestTable, _ state: consuming State)
    {
        (self.store, self.time, self.limits, self.table) = (store, time, limits, table)
        self.state = Mutex(state)
    }

    /// Reads what there is. Members that held shards are believed to live for a lease's time.
    /// - Throws: `.unknownFormat`, `.table`.
    public static func open(
        store: any StreamStore, time: any TimeSource, limits: Limits = Limits()
    ) async throws(ConsumerError) -> NamedConsumers {
        let table: LatestTable
        do throws(LatestError) {
            table = try await LatestTable.open(tableName, store: store, time: time)
        } catch {
            throw .table(error)
        }
        let state = try await load(table, now: monotonic(time))
        return NamedConsumers(store, time, limits, table, state)
    }

    private static func load(_ table: LatestTable, now: Int64) async throws(ConsumerError) -> State {
        var leases: [ConsumerKey: [ShardID: LeaseRecord]] = [:]
        for (key, shard, bytes) in try await entries(.lease, table) {
            if let shard { leases[key, default: [:]][shard] = try ConsumerRecord.lease(bytes) }
        }
        var boards: [ConsumerKey: [ShardID: LeaseBoard.Lease]] = [:]
        for (key, shard, bytes) in try await entries(.position, table) {
            guard let shard else { continue }
            let lease = leases[key]?[shard]
            boards[key, default: [:]][shard] = LeaseBoard.Lease(
                position: try ConsumerRecord.position(bytes), parents: nil, owner: lease?.owner, epoch: lease?.epoch ?? 0,
                isGranted: lease?.owner != nil)
        }
        var state = State()
        for (key, _, bytes) in try await entries(.definition, table) {
            let definition = try ConsumerRecord.definition(bytes)
            state.consumers[key] = Consumer(
                definition: definition,
                board: LeaseBoard(leaseMilliseconds: definition.leaseMilliseconds, leases: boards[key] ?? [:], now: now))
        }
        return state
    }

    private static func entries(
        _ kind: ConsumerRecord.Kind, _ table: LatestTable
    ) async throws(ConsumerError) -> [(ConsumerKey, ShardID?, [UInt8])] {
        var found: [(ConsumerKey, ShardID?, [UInt8])] = []
        var range = ConsumerRecord.range(kind)
        while true {
            let entries: [LatestEntry]
            do throws(LatestError) { entries = try await table.entries(in: range, limit: page) } catch { throw .table(error) }
            for entry in entries {
                guard let (consumer, shard) = ConsumerRecord.parse(entry.key) else { continue }
                found.append((consumer, shard, entry.value.bytes))
            }
            guard let last = entries.last, entries.count == page else { return found }
            range = range.after(last.key)
        }
    }

    /// Refuses what comes from now on and returns when what was accepted has been answered.
    public func close() async { await table.close() }

    /// Milliseconds of the monotonic clock.
    static func monotonic(_ time: any TimeSource) -> Int64 { Int64(clamping: time.monotonicNanoseconds() / 1_000_000) }

    var now: Int64 { Self.monotonic(time) }

    // MARK: What it is of

    /// A stream as it stands, for those who tell of positions in it.
    /// - Throws: `.store`.
    public func description(of stream: String) async throws(ConsumerError) -> StreamDescription { try await self.stream(stream) }

    /// The stream of a name, as it stands.
    func stream(_ name: String) async throws(ConsumerError) -> StreamDescription {
        do throws(StoreError) { return try await store.stream(StreamKey(name)) } catch { throw .store(error) }
    }

    /// The consumer of a name.
    /// - Throws: `.consumerNotFound`, `.store`.
    func find(_ name: String, of stream: String) async throws(ConsumerError) -> (key: ConsumerKey, stream: StreamDescription) {
        let stream = try await self.stream(stream)
        let key = ConsumerKey(stream.id, name)
        guard state.withLock({ $0.consumers[key] != nil }) else { throw .consumerNotFound(name) }
        return (key, stream)
    }

    /// Makes changes durable in the order in which they were decided, whatever else is under way.
    ///
    /// - Parameters:
    ///   - decide: says what is to be changed, with the state locked: so decisions and changes come in one order.
    ///   - apply: lets the changes be seen; with the state locked, before any later change is.
    ///   - undo: takes back what `decide` has done to the state when nothing was written.
    func change<Decision: Sendable>(
        _ decide: @Sendable (inout State) throws(ConsumerError) -> (Decision, Changes),
        apply: @escaping @Sendable (inout State, Decision) -> Void,
        undo: @Sendable (inout State, Decision) -> Void = { _, _ in }
    ) async throws(ConsumerError) -> Decision {
        let outcome: (decision: Decision?, error: ConsumerError?) = await withCheckedContinuation { continuation in
            do throws(ConsumerError) {
                try state.withLock { state throws(ConsumerError) in
                    let (decision, changes) = try decide(&state)
                    if changes.isEmpty {
                        apply(&state, decision)
                        return continuation.resume(returning: (decision, nil))
                    }
                    // A refusal may come at once, with the lock held: then nothing is locked again. A success never does.
                    table.submit(changes.latest, with: changes.outputs) { result in
                        switch result {
                        case .success:
                            self.state.withLock { apply(&$0, decision) }
                            continuation.resume(returning: (decision, nil))
                        case .failure(let error): continuation.resume(returning: (decision, .table(error)))
                        }
                    }
                }
            } catch {
                continuation.resume(returning: (nil, error))
            }
        }
        if let error = outcome.error {
            if let decision = outcome.decision { state.withLock { undo(&$0, decision) } }
            throw error
        }
        guard let decision = outcome.decision else { throw .invalid("nothing was decided") }
        return decision
    }
}

/// What is written at once.
struct Changes: Sendable {
    var latest: [LatestChange] = []
    /// Batches of users' streams that go with them.
    var outputs: [ShardAppend] = []

    var isEmpty: Bool { latest.isEmpty && outputs.isEmpty }

    /// A consumer that there must not be yet.
    mutating func create(_ consumer: ConsumerKey, _ definition: ConsumerDefinition) {
        latest.append(
            LatestChange(ConsumerRecord.key(.definition, consumer), to: ConsumerRecord.bytes(definition), if: .absent))
    }

    mutating func set(_ consumer: ConsumerKey, _ shard: ShardID, _ position: ShardPosition) {
        latest.append(LatestChange(ConsumerRecord.key(.position, consumer, shard), to: ConsumerRecord.bytes(position)))
    }

    mutating func set(_ consumer: ConsumerKey, _ shard: ShardID, _ lease: LeaseRecord) {
        latest.append(LatestChange(ConsumerRecord.key(.lease, consumer, shard), to: ConsumerRecord.bytes(lease)))
    }

    mutating func remove(_ consumer: ConsumerKey, _ shard: ShardID) {
        latest.append(LatestChange(ConsumerRecord.key(.position, consumer, shard), to: nil))
        latest.append(LatestChange(ConsumerRecord.key(.lease, consumer, shard), to: nil))
    }

    mutating func remove(_ consumer: ConsumerKey) {
        latest.append(LatestChange(ConsumerRecord.key(.definition, consumer), to: nil))
    }
}
