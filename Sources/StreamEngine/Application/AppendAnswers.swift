/// The answers to appends in flight.

import StreamStore
import Synchronization

/// Holds the store's answers by the number of the append until the run's task takes them.
final class AppendAnswers: Sendable {
    private struct State {
        var results: [Int: Result<[Appended], StoreError>] = [:]
        /// The run's task, where it waits for one.
        var waiter: (number: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())

    func give(_ result: Result<[Appended], StoreError>, to number: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.results[number] = result
            guard state.waiter?.number == number else { return nil }
            defer { state.waiter = nil }
            return state.waiter?.continuation
        }
        waiter?.resume()
    }

    func hasAnswer(to number: Int) -> Bool { state.withLock { $0.results[number] != nil } }

    /// Waits for an answer and takes it. One task waits at a time.
    func answer(to number: Int) async -> Result<[Appended], StoreError> {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.results[number] != nil { return true }
                state.waiter = (number, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
        return state.withLock { $0.results.removeValue(forKey: number) } ?? .failure(.failed("an append was answered twice"))
    }
}
