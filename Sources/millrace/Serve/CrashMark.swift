/// Tells the next process whether this one ended by a fault of its own.

import Glibc
import Synchronization

/// A byte in the file `crashed` of the data directory, written by the handlers of the signals that a fault raises. A process that was killed, or asked to end,
/// leaves none.
enum CrashMark {
    private static let path = "/crashed"
    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT]

    /// Looks for the mark of the process before, takes it away, and has this process leave one.
    /// - Returns: whether there was one. A directory where none can be kept has none.
    static func open(in directory: String) -> Bool {
        let descriptor = Glibc.open(directory + path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        var status = stat()
        let wasMarked = fstat(descriptor, &status) == 0 && status.st_size > 0
        if wasMarked {
            ftruncate(descriptor, 0)
            fsync(descriptor)
        }
        crashMark.store(descriptor, ordering: .relaxed)
        for signal in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                // Nothing here but what a handler may do. The signal then does what it would have done.
                var mark: UInt8 = 1
                _ = write(crashMark.load(ordering: .relaxed), &mark, 1)
                raise(number)
            }
            action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_NODEFER
            sigaction(signal, &action, nil)
        }
        return wasMarked
    }
}

/// The descriptor of the mark's file.
private let crashMark = Atomic<Int32>(-1)
