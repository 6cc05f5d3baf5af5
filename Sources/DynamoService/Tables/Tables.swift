/// All tables of the node, open: definitions in memory, items in one durable `LatestTable`, locks and a cache beside it.

import AWSWire
import Host
import LatestValues
import StreamStore
import Synchronization

/// The one place where items and definitions are read and written.
final class Tables: Sendable {
    /// Among the tables of the store; it is a hidden stream that no user's stream can be.
    static let latestName = "dynamodb"

    private struct State {
        var known: [String: KnownTable] = [:]
        var nextNumber: UInt64 = 1
    }

    let latest: LatestTable
    let clock: any TimeSource
    let locks = KeyLocks()
    let cache: ItemCache
    let tokens = TransactionTokens()
    let upkeep = UpkeepBell()
    /// How long a table is CREATING, in milliseconds.
    let lifecycleMilliseconds: Int64
    private let state: Mutex<State>

    private init(
        _ latest: LatestTable, _ clock: any TimeSource, _ options: DynamoOptions, _ state: consuming State
    ) {
        self.latest = latest
        self.clock = clock
        cache = ItemCache(bytes: options.cacheBytes)
        lifecycleMilliseconds = options.lifecycleMilliseconds
        self.state = Mutex(state)
    }

    // MARK: Opening

    /// Opens what there is, or makes it.
    /// - Throws: an InternalFailure that says why, where anything is damaged or of a later version.
    static func open(_ store: any StreamStore, _ clock: any TimeSource, _ options: DynamoOptions) async throws(AWSError) -> Tables {
        do throws(LatestError) {
            let latest = try await LatestTable.open(latestName, store: store, time: clock)
            var state = State()
            for entry in try await all(KeyCoding.definitions, of: latest) {
                let definition = try definition(entry.value.bytes)
                state.known[definition.name] = KnownTable(definition)
            }
            state.nextNumber = try await nextNumber(latest, state.known)
            let tables = Tables(latest, clock, options, state)
            for entry in try await all(KeyCoding.tokens, of: latest) { tables.tokens.insert(entry) }
            return tables
        } catch {
            throw error.awsError
        }
    }

    private static func all(_ first: UInt8, of latest: LatestTable) async throws(LatestError) -> [LatestEntry] {
        try await latest.entries(in: .prefix([first]), limit: .max)
    }

    private static func definition(_ bytes: [UInt8]) throws(LatestError) -> TableDefinition {
        do throws(StoredDefinition.Failure) {
            return try StoredDefinition.decode(TableDefinition.self, from: bytes, knownFormat: TableDefinition.format)
        } catch {
            switch error {
            case .unknownFormat(let found, let known): throw .unknownFormat(table: latestName, found: found, known: known)
            case .unreadable(let reason): throw .store(.failed("the definition of a table cannot be read: \(reason)"))
            }
        }
    }

    /// Numbers are not given twice: those of tables that are being removed are still in use.
    private static func nextNumber(_ latest: LatestTable, _ known: [String: KnownTable]) async throws(LatestError) -> UInt64 {
        var next = (known.values.map(\.number).max() ?? 0) + 1
        if let last = try await latest.page(
            in: .prefix([KeyCoding.items]), limit: 1, maxBytes: 1, isDescending: true
        ).last {
            next = max(next, number(in: last[...]) + 1)
        }
        for (key, _) in latest.keys(in: .prefix([KeyCoding.removals]), limit: .max) {
            next = max(next, number(in: key.dropFirst()) + 1)
        }
        return next
    }

    private static func number(in key: ArraySlice<UInt8>) -> UInt64 {
        key.dropFirst().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Definitions

    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64 { clock.wallMilliseconds() }

    /// All tables by name.
    var all: [KnownTable] { state.withLock { Array($0.known.values) }.sorted { $0.definition.name < $1.definition.name } }

    func find(_ name: String) -> KnownTable? { state.withLock { $0.known[name] } }

    func isCreating(_ table: KnownTable) -> Bool { now < table.definition.created + lifecycleMilliseconds }

    /// A table whose items may be worked with.
    func active(_ name: String) throws(AWSError) -> KnownTable {
        guard let table = find(name), !isCreating(table) else {
            throw AWSError(.resourceNotFound, "Requested resource not found")
        }
        return table
    }

    func takeNumber() -> UInt64 {
        state.withLock { state in
            defer { state.nextNumber += 1 }
            return state.nextNumber
        }
    }

    /// Changes or makes a definition, durably, while nobody else does.
    /// - Parameters:
    ///   - body: makes the new definition of the old one; nil of either is no table.
    ///   - changes: what goes with it, all or none.
    func change(
        _ name: String, with changes: [LatestChange] = [],
        _ body: @Sendable (TableDefinition?) throws(AWSError) -> TableDefinition?
    ) async throws(AWSError) -> TableDefinition? {
        let key = KeyCoding.definition(name)
        await locks.acquire([key])
        defer { locks.release(key) }
        let new = try body(find(name)?.definition)
        let bytes = new.map { StoredDefinition.encode($0, format: TableDefinition.format) }
        try await update([LatestChange(key, to: bytes)] + changes)
        state.withLock { $0.known[name] = new.map { KnownTable($0) } }
        upkeep.ring()
        return new
    }

    // MARK: Items

    /// An item with its revision.
    struct Stored: Sendable {
        var item: Item
        var revision: Int64
    }

    /// What is known of a key without reading: `.some(nil)` when it has no item, nil when the log has to be asked.
    func cached(_ key: [UInt8]) -> Stored?? {
        guard let revision = latest.revision(of: key) else { return .some(nil) }
        guard let item = cache.item(key, revision: revision) else { return nil }
        return Stored(item: item, revision: revision)
    }

    func load(_ key: [UInt8]) async throws(AWSError) -> Stored? {
        if let known = cached(key) { return known }
        let value: LatestValue?
        do throws(LatestError) { value = try await latest.value(of: key) } catch { throw error.awsError }
        guard let value else { return nil }
        let item = try Self.item(value.bytes)
        cache.insert(key, item, revision: value.revision)
        return Stored(item: item, revision: value.revision)
    }

    static func item(_ bytes: [UInt8]) throws(AWSError) -> Item {
        do throws(ItemCoding.Problem) {
            return try ItemCoding.decode(bytes)
        } catch {
            switch error {
            case .unknownVersion(let version):
                throw AWSError(.internalFailure, "The item was written by a later version (format \(version)) of this program.")
            case .malformed: throw AWSError(.internalFailure, "The item cannot be read.")
            }
        }
    }

    /// - Returns: the new revision of each key.
    @discardableResult
    func update(_ changes: [LatestChange]) async throws(AWSError) -> [Int64] {
        do throws(LatestError) { return try await latest.update(changes) } catch { throw error.awsError }
    }
}

/// Sizes and times that the node sets.
public struct DynamoOptions: Sendable {
    /// How long a table is CREATING, in milliseconds.
    public var lifecycleMilliseconds: Int64 = 0
    /// What items that were used lately may take in memory, in bytes.
    public var cacheBytes = 64 << 20
    /// How often expired items are looked for.
    public var expiryInterval = Duration.seconds(1)

    public init() {}
}

extension LatestError {
    /// As callers see it.
    var awsError: AWSError {
        switch self {
        case .overloaded: AWSError(.provisionedThroughputExceeded, "Too many writes wait to be made durable. Try again.")
        case .store(.overloaded):
            AWSError(.provisionedThroughputExceeded, "Rate exceeded: memory for pending appends is used up. Try again.")
        case .store(.readOnly(let reason)): AWSError(.internalFailure, "The node takes no writes: \(reason)")
        case .damaged(_, let from, let through):
            AWSError(
                .internalFailure,
                "Records \(from) to \(through) of the tables are damaged on disk, so that what is in them is not known.")
        case .unknownFormat(_, let found, let known):
            AWSError(.internalFailure, "The tables were written by a later version (format \(found); this one knows \(known)).")
        case .closed: AWSError(.serviceUnavailable, "The node is stopping.")
        case .conditionFailed: AWSError(.internalFailure, "A key was changed by somebody else.")
        case .invalid(let reason): AWSError(.validation, reason)
        case .store(let error): AWSError(.internalFailure, "\(error)")
        }
    }
}
