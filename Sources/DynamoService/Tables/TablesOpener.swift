/// Opens the tables once, when they are first wanted: a node that has none makes nothing and reads nothing.

import AWSWire
import Host
import LatestValues
import StreamStore
import Synchronization

final class TablesOpener: Sendable {
    private enum State {
        case closed
        case opening(Task<Result<Tables, AWSError>, Never>)
        case open(Tables)
        case stopped
    }

    private let store: any StreamStore
    private let clock: any TimeSource
    private let options: DynamoOptions
    private let state = Mutex(State.closed)
    private let caretaker: Caretaker

    init(_ store: any StreamStore, _ clock: any TimeSource, _ options: DynamoOptions, _ metrics: DynamoMetrics) {
        (self.store, self.clock, self.options) = (store, clock, options)
        caretaker = Caretaker(interval: options.expiryInterval, metrics)
    }

    /// The tables, if they are open.
    var opened: Tables? { state.withLock { if case .open(let tables) = $0 { tables } else { nil } } }

    /// The tables; opens them if they are not. What failed is tried again.
    func tables() async throws(AWSError) -> Tables {
        let task: Task<Result<Tables, AWSError>, Never> = state.withLock { state in
            switch state {
            case .open(let tables): return Task { .success(tables) }
            case .opening(let task): return task
            case .stopped: return Task { .failure(AWSError(.serviceUnavailable, "The node is stopping.")) }
            case .closed:
                let task = Task { await open() }
                state = .opening(task)
                return task
            }
        }
        return try await task.value.get()
    }

    private func open() async -> Result<Tables, AWSError> {
        do throws(AWSError) {
            let tables = try await Tables.open(store, clock, options)
            let isStopped = state.withLock { state in
                if case .stopped = state { return true }
                state = .open(tables)
                return false
            }
            if !isStopped { caretaker.begin(tables) }
            return .success(tables)
        } catch {
            state.withLock { if case .opening = $0 { $0 = .closed } }
            return .failure(error)
        }
    }

    /// Opens the tables if there are any, so that items expire and what was begun goes on.
    func openIfThereAreAny() async throws(AWSError) {
        do throws(StoreError) {
            _ = try await store.stream(StreamKey(Tables.latestName, in: .table))
        } catch {
            if case .streamNotFound = error { return }
            throw AWSError(.internalFailure, "\(error)")
        }
        _ = try await tables()
    }

    /// Returns when everything that was accepted has been answered.
    func close() async {
        let tables = state.withLock { state in
            defer { state = .stopped }
            if case .open(let tables) = state { return Optional(tables) }
            return nil
        }
        await caretaker.stop()
        await tables?.latest.close()
    }
}
