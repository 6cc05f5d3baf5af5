/// A value behind a lock, with a condition that threads of our own may wait for.

internal import Glibc
internal import Synchronization

/// A mutex around a value, with one or more conditions. `wait` blocks the thread: never call it on the cooperative pool.
///
/// Conditions are numbered from 0: threads that wait for different things need not wake each other.
public final class Monitor<State>: @unchecked Sendable {
    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let conditions: UnsafeMutableBufferPointer<pthread_cond_t>
    /// How often somebody was to be woken, for threads that look before they sleep.
    private let wakes = Atomic<UInt64>(0)

    /// - Parameter conditions: how many, at least 1.
    public init(_ state: State, conditions count: Int = 1) {
        self.state = state
        conditions = .allocate(capacity: max(1, count))
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in conditions.indices { pthread_cond_init(condition(index), &attributes) }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in conditions.indices { pthread_cond_destroy(condition(index)) }
        pthread_mutex_destroy(mutex)
        conditions.deallocate()
        mutex.deallocate()
    }

    private func condition(_ index: Int) -> UnsafeMutablePointer<pthread_cond_t> {
        guard conditions.indices.contains(index), let base = conditions.baseAddress else {
            preconditionFailure("there is no condition \(index)")
        }
        return base + index
    }

    /// Runs `body` with the lock held.
    public func withLock<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Runs `body` with the lock held, then wakes every waiting thread.
    public func withLockAndWake<Result, Failure: Error>(_ body: (inout State) throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer {
            for index in conditions.indices { wake(index) }
            pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Wakes the threads that wait on one condition. Called within `withLock`, it is in time for what that changed.
    public func wake(_ index: Int) {
        wakes.add(1, ordering: .releasing)
        pthread_cond_broadcast(condition(index))
    }

    /// Waits until `body`, asked under the lock and again after every wake, answers with a value.
    public func wait<Result>(on index: Int = 0, for body: (inout State) -> Result?) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            pthread_cond_wait(condition(index), mutex)
        }
    }

    /// As `wait(for:)`, but looks for a moment whether somebody comes before the thread goes to sleep: to wake it takes longer than that, for work
    /// that comes in at once.
    public func wait<Result>(on index: Int = 0, after spin: inout BriefSpin, for body: (inout State) -> Result?) -> Result {
        while true {
            let seen = wakes.load(ordering: .acquiring)
            if let result = withLock({ body(&$0) }) { return result }
            guard spin.lasts(until: { wakes.load(ordering: .acquiring) != seen }) else { return wait(on: index, for: body) }
        }
    }

    /// As `wait(for:)`, but gives up after `milliseconds` with nil.
    public func wait<Result>(on index: Int = 0, atMost milliseconds: Int, for body: (inout State) -> Result?) -> Result? {
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        deadline.tv_sec += milliseconds / 1_000
        deadline.tv_nsec += (milliseconds % 1_000) * 1_000_000
        if deadline.tv_nsec >= 1_000_000_000 {
            deadline.tv_nsec -= 1_000_000_000
            deadline.tv_sec += 1
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = body(&state) { return result }
            if pthread_cond_timedwait(condition(index), mutex, &deadline) == ETIMEDOUT { return body(&state) }
        }
    }
}
