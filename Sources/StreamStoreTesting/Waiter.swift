/// One task's wait for a change, with a time limit.

import Synchronization

/// Suspends one task until it is woken, its time is up or it is cancelled, whichever comes first.
final class Waiter: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Void, Never>)
        case woken
    }
    private let state = Mutex(State.idle)

    /// Ends the wait; also one that has not begun yet.
    func wake() {
        let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .woken }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }

    func wait(atMost timeout: Duration) async {
        let alarm = Task {
            try? await Task.sleep(for: timeout)
            wake()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWoken = state.withLock { state -> Bool in
                    if case .woken = state { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isWoken { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        alarm.cancel()
    }
}
