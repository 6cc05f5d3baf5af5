/// Claims of owners, and the small states and definitions of the rooms above.

import Catalog
import StreamLog
public import StreamStore
import Synchronization

extension EmbeddedStore {
    /// Claims the next epoch of an owner. When this returns, the epoch is durable, appends under earlier ones are refused, and
    /// those that were in flight have ended: the new owner sees a log that only it can change.
    public func claim(owner: String) async throws(StoreError) -> Fence {
        let epoch: UInt64
        do {
            epoch = try await catalog.raiseFence(owner: owner)
        } catch {
            throw .failed("\(error)")
        }
        await withCheckedContinuation { continuation in
            let ready = state.withLock { $0.fences.raise(owner, to: epoch, waiter: continuation) }
            ready?.resume()
        }
        return Fence(owner: owner, epoch: epoch)
    }

    /// The newest epoch of an owner that appends are held to; 0 when there was none.
    package func currentEpoch(of owner: String) -> UInt64 {
        state.withLock { $0.fences.epoch(of: owner) }
    }

    public func state(_ key: StateKey) async throws(StoreError) -> SmallState? {
        log.mark(key.markName).map { SmallState(version: $0.version, value: $0.value) }
    }

    public func changeStates(_ changes: [StateChange]) async throws(StoreError) {
        _ = try await append(Append([], states: changes))
    }

    public func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]? {
        do {
            return try await catalog.definition(key)
        } catch {
            throw .failed("\(error)")
        }
    }

    public func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])] {
        do {
            return try await catalog.definitions(kind)
        } catch {
            throw .failed("\(error)")
        }
    }

    public func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError) {
        do {
            try await catalog.setDefinitions(changes)
        } catch {
            throw .failed("\(error)")
        }
    }
}
