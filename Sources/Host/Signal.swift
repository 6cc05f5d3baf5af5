/// What one thread waits for and another one sends.

internal import Glibc

/// Counts what was sent and not waited for yet. Sending wakes one thread, without any lock that the woken one would need next.
public final class Signal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    public init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Wakes a thread that waits, or lets the next one that would wait go on.
    public func send() { sem_post(semaphore) }

    /// Blocks the thread until something was sent: never call it on the cooperative pool.
    public func wait() {
        // It fails only when a signal handler has run.
        while sem_wait(semaphore) != 0 {}
    }
}
