/// A caller that waits for its append on a thread of its own, and can be asked to lead a group.

internal import Host

/// Wakes one thread, for an answer or for work. Each caller has its own, so that a commit wakes nobody who has nothing to do.
final class WaitingCaller: Sendable {
    /// Why a caller is woken.
    enum Turn: Sendable {
        case done(Result<[LogAppended], LogError>)
        /// The journal is free and there is work: take it, unless somebody else has.
        case lead
    }

    private struct Signals {
        var result: Result<[LogAppended], LogError>?
        var mayLead = false
    }
    private let signals = Monitor(Signals())

    func finish(_ result: Result<[LogAppended], LogError>) { signals.withLockAndWake { $0.result = result } }

    func askToLead() { signals.withLockAndWake { $0.mayLead = true } }

    func wait() -> Turn {
        signals.wait { signals in
            if let result = signals.result { return .done(result) }
            guard signals.mayLead else { return nil }
            signals.mayLead = false
            return .lead
        }
    }
}
