/// The scalings that are under way on this node: a task for each stream, until it is done or the node stops.

import StreamStore
import Synchronization

/// The tasks of UpdateShardCount. What they are to reach is a mark in the streams' attributes, so that none of them need be finished here.
final class ScalingBook: Sendable {
    private struct State {
        var isClosed = false
        var tasks: [StreamID: (number: Int, task: Task<Void, Never>)] = [:]
        var last = 0
        /// Looks for what the run before left.
        var search: Task<Void, Never>?
    }

    private let state = Mutex(State())

    /// Runs the work on a stream after that which there is already.
    /// - Returns: false, with nothing begun, when the node stops.
    func begin(_ stream: StreamID, _ work: @escaping @Sendable () async -> Void) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.last += 1
            let (number, former) = (state.last, state.tasks[stream]?.task)
            let task = Task {
                await former?.value
                await work()
                self.ended(stream, number)
            }
            state.tasks[stream] = (number, task)
            return true
        }
    }

    private func ended(_ stream: StreamID, _ number: Int) {
        state.withLock { state in
            if state.tasks[stream]?.number == number { state.tasks[stream] = nil }
        }
    }

    /// Looks for work in the background.
    func search(_ work: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            if !state.isClosed, state.search == nil { state.search = Task { await work() } }
        }
    }

    /// Stops everything between two steps.
    func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return state.tasks.values.map(\.task) + (state.search.map { [$0] } ?? [])
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
