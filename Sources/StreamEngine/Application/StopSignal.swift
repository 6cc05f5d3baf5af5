/// Tells what may take long that its run is to end.

import Synchronization

/// Set once, by who wants a run to end; asked within loops that may be long, and waited for beside what may not come.
package final class StopSignal: Sendable {
    private struct State {
        var isSet = false
        var actions: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let flag = Atomic(false)
    private let heeded = Atomic(false)

    package init() {}

    package var isSet: Bool { flag.load(ordering: .relaxed) }
    /// Whether somebody has left what he was at because of it.
    var wasHeeded: Bool { heeded.load(ordering: .relaxed) }

    /// For a loop that leaves what it is at when it is set.
    func heed() -> Bool {
        guard isSet else { return false }
        heeded.store(true, ordering: .relaxed)
        return true
    }

    package func set() {
        flag.store(true, ordering: .relaxed)
        let actions = state.withLock { state in
            state.isSet = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Does something when it is set; at once if it is.
    func whenSet(_ action: @escaping @Sendable () -> Void) {
        let isSet = state.withLock { state in
            // Those of calls that were answered long ago hold nothing but an answer.
            if state.actions.count >= 1024 { state.actions.removeFirst(512) }
            if !state.isSet { state.actions.append(action) }
            return state.isSet
        }
        if isSet { action() }
    }
}

/// A value that somebody gives and somebody waits for; the first one given counts.
final class FirstAnswer<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiter: CheckedContinuation<Value, Never>?
    }

    private let state = Mutex(State())

    func give(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: value)
    }

    /// For one who waits at a time.
    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state in
                    if state.value == nil { state.waiter = continuation }
                    return state.value
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }
}
