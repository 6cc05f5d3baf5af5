/// Takes log lines from any thread and writes them from one of its own, so that a slow reader of the log stalls nobody.

import Host

/// The way of log lines to standard error. Past its bound lines are dropped and counted; a reader that is back is told how many.
final class LogSink: Sendable {
    static let shared = LogSink()

    private static let bound = 8192

    private struct State {
        var lines: [String] = []
        var dropped = 0
        var isWriting = false
    }

    private let state: Monitor<State>
    private let thread: IOThread

    private init() {
        let state = Monitor(State())
        self.state = state
        thread = IOThread(name: "log-lines") {
            while true {
                let (lines, dropped) = state.wait { state -> ([String], Int)? in
                    guard !state.lines.isEmpty else { return nil }
                    defer {
                        state.lines = []
                        state.dropped = 0
                        state.isWriting = true
                    }
                    return (state.lines, state.dropped)
                }
                for line in lines { StandardError.print(line) }
                if dropped > 0 { StandardError.print("msg=\"log lines were dropped: nobody read them\" count=\(dropped)") }
                state.withLockAndWake { $0.isWriting = false }
            }
        }
    }

    func write(_ line: String) {
        state.withLockAndWake { state in
            if state.lines.count < Self.bound { state.lines.append(line) } else { state.dropped += 1 }
        }
    }

    /// Waits until all lines are written, at most so long.
    func flush(atMost milliseconds: Int) {
        _ = state.wait(atMost: milliseconds) { $0.lines.isEmpty && !$0.isWriting ? true : nil }
    }
}
