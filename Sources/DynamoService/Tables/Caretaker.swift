/// What goes on behind the calls: expired items go, new indexes are filled, what was deleted is removed.

import AWSWire
import LatestValues
import NodeMetrics
import Synchronization

/// Says that there is something to do.
final class UpkeepBell: Sendable {
    private let state = Mutex<(isRung: Bool, waiter: CheckedContinuation<Void, Never>?)>((true, nil))

    func ring() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.isRung = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns at once if it rang since the last time, else when it does.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isRung = state.withLock { state in
                if state.isRung {
                    state.isRung = false
                    return true
                }
                state.waiter = continuation
                return false
            }
            if isRung { continuation.resume() }
        }
    }
}

/// The one task that does it; everything it does can be broken off and begun again.
final class Caretaker: Sendable {
    private let interval: Duration
    private let metrics: DynamoMetrics
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(interval: Duration, _ metrics: DynamoMetrics) { (self.interval, self.metrics) = (interval, metrics) }

    func begin(_ tables: Tables) {
        let work = Task {
            while !Task.isCancelled {
                await tables.upkeep.wait()
                if Task.isCancelled { return }
                await self.settle(tables)
            }
        }
        let expiry = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: self.interval)
                if !Task.isCancelled { await self.expire(tables) }
            }
        }
        tasks.withLock { $0 = [work, expiry] }
        bells.withLock { $0 = tables.upkeep }
    }

    private let bells = Mutex<UpkeepBell?>(nil)

    func stop() async {
        let tasks = tasks.withLock { $0 }
        for task in tasks { task.cancel() }
        bells.withLock { $0 }?.ring()
        for task in tasks { await task.value }
    }

    /// A failure leaves the rest for the next time; whoever writes is told the same.
    private func settle(_ tables: Tables) async {
        do throws(AWSError) {
            try await removeWhatIsDeleted(tables)
            for table in tables.all { try await fill(table, tables) }
        } catch {
            metrics.upkeepFailures.add()
            try? await Task.sleep(for: interval)
            tables.upkeep.ring()
        }
    }

    // MARK: Removing

    /// Items are in memory meanwhile.
    private static let atOnce = 64

    private func removeWhatIsDeleted(_ tables: Tables) async throws(AWSError) {
        let removals = tables.latest.keys(in: .prefix([KeyCoding.removals]), limit: .max).map(\.key)
        guard !removals.isEmpty else { return }
        // Whoever still writes by an old definition comes to an end first.
        await tables.locks.drained()
        for removal in removals {
            let prefix = Array(removal.dropFirst())
            while true {
                if Task.isCancelled { return }
                let keys = tables.latest.keys(in: .prefix(prefix), limit: Self.atOnce).map(\.key)
                if keys.isEmpty { break }
                try await tables.update(keys.map { LatestChange($0, to: nil) })
            }
            try await tables.update([LatestChange(removal, to: nil)])
        }
    }

    // MARK: Filling

    private func fill(_ table: KnownTable, _ tables: Tables) async throws(AWSError) {
        let definition = table.definition
        guard definition.indexes.contains(where: { !$0.isFilled }) || definition.timeToLive?.isFilled == false else { return }
        await tables.locks.drained()
        var range = KeyRange.prefix(KeyCoding.prefix(table: table.number, index: KeyCoding.base))
        while true {
            let keys = tables.latest.keys(in: range, limit: Self.atOnce).map(\.key)
            guard let last = keys.last else { break }
            if Task.isCancelled { return }
            try await together(keys) { key throws(AWSError) in
                try await self.fill(key, of: definition.name, table.number, tables)
            }
            range = range.after(last)
        }
        _ = try await tables.change(definition.name) { current throws(AWSError) in
            guard var current, current.number == definition.number else { return current }
            for index in current.indexes.indices
            where definition.index(current.indexes[index].name)?.number == current.indexes[index].number {
                current.indexes[index].isFilled = true
            }
            if current.timeToLive?.attribute == definition.timeToLive?.attribute { current.timeToLive?.isFilled = true }
            return current
        }
    }

    /// Puts an item into whatever index has it not.
    private func fill(_ key: [UInt8], of name: String, _ number: UInt64, _ tables: Tables) async throws(AWSError) {
        await tables.locks.acquire([key])
        defer { tables.locks.release(key) }
        guard let table = tables.find(name), table.number == number, let stored = try await tables.load(key) else { return }
        let missing = try table.derived(from: stored.item).filter { tables.latest.revision(of: $0.key) == nil }
        guard !missing.isEmpty else { return }
        try await tables.update(missing.map { LatestChange($0.key, to: $0.value) })
    }

    /// Works on many keys at a time, so that their appends share a sync.
    private func together(
        _ keys: [[UInt8]], _ work: @escaping @Sendable ([UInt8]) async throws(AWSError) -> Void
    ) async throws(AWSError) {
        let failure = await withTaskGroup(of: AWSError?.self) { group in
            for key in keys {
                group.addTask {
                    do throws(AWSError) { try await work(key) } catch { return error }
                    return nil
                }
            }
            return await group.reduce(nil) { $0 ?? $1 }
        }
        if let failure { throw failure }
    }

    // MARK: Expiry

    /// Older times are taken for mistakes (Developer Guide, "Time to Live").
    private static let longestExpired: Int64 = 5 * 365 * 86_400

    private func expire(_ tables: Tables) async {
        let now = tables.now / 1000
        let tokens = tables.tokens.takeExpired(now: tables.now, limit: Self.atOnce)
        if !tokens.isEmpty { _ = try? await tables.update(tokens.map { LatestChange($0, to: nil) }) }
        for table in tables.all where table.definition.timeToLive != nil {
            let prefix = KeyCoding.prefix(table: table.number, index: KeyCoding.expiries)
            let range = KeyRange(
                from: prefix + KeyCoding.time(now - Self.longestExpired), to: prefix + KeyCoding.time(now))
            var rest = range
            while !Task.isCancelled {
                let keys = tables.latest.keys(in: rest, limit: Self.atOnce).map(\.key)
                guard let last = keys.last else { break }
                do throws(AWSError) {
                    try await together(keys) { key throws(AWSError) in try await self.expire(key, table, tables) }
                } catch {
                    return metrics.upkeepFailures.add()
                }
                rest = rest.after(last)
            }
        }
    }

    /// Deletes an item if it still says that it has expired.
    private func expire(_ entry: [UInt8], _ table: KnownTable, _ tables: Tables) async throws(AWSError) {
        guard let itemKey = KeyCoding.itemKey(ofExpiry: entry, of: table) else { return }
        let key = KeyCoding.key(table: table.number, itemKey)
        await tables.locks.acquire([key])
        defer { tables.locks.release(key) }
        guard let current = tables.find(table.definition.name), current.number == table.number,
            let stored = try await tables.load(key), let expiry = current.definition.expiry(of: stored.item),
            expiry < tables.now / 1000
        else {
            try await tables.update([LatestChange(entry, to: nil)])
            return
        }
        let changes = try current.changes(of: key, from: stored, to: nil)
        try await tables.update(changes)
        metrics.expired.add()
    }
}
