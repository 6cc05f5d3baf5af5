/// Keeps the progress of all delivery streams, durably: a table of latest values.

import Host
import LatestValues
import StreamStore

/// How far each delivery stream has delivered. The table is opened when it is first needed; one that cannot be opened is tried again by the next call.
actor ProgressBook {
    /// Among the tables of the store.
    static let table = "delivery-progress"
    /// Set together with what was taken over from the catalog, where builds before the table kept it. Those rows stay as they were.
    private static let takenOver = "taken-over-from-catalog"

    private let store: any StreamStore
    private let time: any TimeSource
    private var opening: Task<Result<LatestTable, LatestError>, Never>?

    init(store: any StreamStore, time: any TimeSource) {
        self.store = store
        self.time = time
    }

    private static func key(_ name: String) -> String { "progress/" + name }

    /// - Throws: `StoredDefinition.Failure` for one that cannot be read, and what the store fails with.
    func progress(of name: String) async throws -> DeliveryProgress? {
        let found: LatestValue?
        do throws(LatestError) { found = try await table().value(of: Self.key(name)) } catch { throw Self.storeError(error) }
        return try found.map { found throws(StoredDefinition.Failure) in try DeliveryProgress(stored: found.bytes) }
    }

    /// Sets, or with nil removes, the progress of a delivery stream.
    func save(_ progress: DeliveryProgress?, of name: String) async throws(StoreError) {
        do throws(LatestError) {
            try await table().update([LatestChange(Self.key(name), to: progress?.stored())])
        } catch {
            throw Self.storeError(error)
        }
    }

    /// What of it has a version that this build does not know.
    /// - Throws: when it cannot be read.
    func unknownFormat() async throws(StoreError) -> UnknownFormat? {
        // Before anything is taken over.
        for (name, value) in try await store.definitions(.deliveryProgress) {
            if let unknown = Self.unknownFormat(value, of: name) { return unknown }
        }
        do throws(LatestError) {
            let table = try await table()
            for entry in try await table.entries(in: .prefix(Array("progress/".utf8)), limit: .max) {
                let name = String(decoding: entry.key.dropFirst(Self.key("").utf8.count), as: UTF8.self)
                if let unknown = Self.unknownFormat(entry.value.bytes, of: name) { return unknown }
            }
            return nil
        } catch .unknownFormat(let table, let found, let known) {
            return UnknownFormat("the table \(table)", found: "\(found)", known: "\(known)")
        } catch {
            throw Self.storeError(error)
        }
    }

    /// Nil for what cannot be read at all, too: its delivery stream will say so.
    private static func unknownFormat(_ bytes: [UInt8], of name: String) -> UnknownFormat? {
        do throws(StoredDefinition.Failure) {
            _ = try DeliveryProgress(stored: bytes)
            return nil
        } catch .unknownFormat(let found, let known) {
            return UnknownFormat("the progress of delivery stream \(name)", found: "\(found)", known: "\(known)")
        } catch {
            return nil
        }
    }

    func close() async {
        if case .success(let table)? = await opening?.value { await table.close() }
        opening = nil
    }

    // MARK: Opening

    /// One opening for all who come: each would end the one before.
    private func table() async throws(LatestError) -> LatestTable {
        let task = opening ?? Task { [store, time] in await Self.open(store, time) }
        opening = task
        let result = await task.value
        if case .failure = result, opening == task { opening = nil }
        return try result.get()
    }

    private static func open(_ store: any StreamStore, _ time: any TimeSource) async -> Result<LatestTable, LatestError> {
        do throws(LatestError) {
            let table = try await LatestTable.open(Self.table, store: store, time: time)
            if table.revision(of: Array(takenOver.utf8)) == nil { try await takeOver(store, into: table) }
            return .success(table)
        } catch {
            return .failure(error)
        }
    }

    private static func takeOver(_ store: any StreamStore, into table: LatestTable) async throws(LatestError) {
        let rows: [(name: String, value: [UInt8])]
        do throws(StoreError) { rows = try await store.definitions(.deliveryProgress) } catch { throw .store(error) }
        try await table.update(rows.map { LatestChange(key($0.name), to: $0.value) } + [LatestChange(takenOver, to: [])])
    }

    private static func storeError(_ error: LatestError) -> StoreError {
        if case .store(let error) = error { return error }
        if case .overloaded = error { return .overloaded }
        return .failed("the table \(table): \(error)")
    }
}
