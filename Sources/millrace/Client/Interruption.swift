/// Ctrl-C and SIGTERM for verbs that have something to put in order before they end.

import Glibc
import Synchronization
import UnixSignals

/// Remembers that the user wants the verb to end. Who asks twice gets it at once.
final class Interruption: Sendable {
    private let count = Atomic(0)

    var hasCome: Bool { count.load(ordering: .relaxed) > 0 }

    init() {
        Task { [self] in
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                if count.add(1, ordering: .relaxed).oldValue > 0 { _exit(ExitStatus.interrupted.rawValue) }
            }
        }
    }
}
