/// Threads of our own for calls that block, so that the cooperative pool never does (DESIGN, decision 8).

internal import Glibc

/// One thread that runs a function to its end.
public final class IOThread: Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let finished = Monitor(false)

    /// Starts the thread at once.
    /// - Parameter name: at most 15 characters are shown by the system.
    public init(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Body { [finished] in
            run()
            finished.withLockAndWake { $0 = true }
        }
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(body).toOpaque())
        precondition(result == 0, "the system refuses a thread (\(result))")
        pthread_detach(thread)
    }

    /// Blocks until the function has returned.
    public func join() { finished.wait { $0 ? () : nil } }
}

/// A fixed number of threads that run what is handed in, first come first served.
public final class IOThreads: Sendable {
    private struct Queue {
        /// Nil where it was taken: what it holds on to must go when it has run.
        var work: [(@Sendable () -> Void)?] = []
        var head = 0
        var closed = false

        mutating func pop() -> (@Sendable () -> Void)? {
            guard head < work.count else { return nil }
            let next = work[head]
            work[head] = nil
            head += 1
            if head == work.count {
                work.removeAll(keepingCapacity: head <= 1024)
                head = 0
            } else if head > 64, head * 2 > work.count {
                work.removeFirst(head)
                head = 0
            }
            return next
        }
    }

    private let queue = Monitor(Queue())
    private let threads: [IOThread]

    /// - Parameter count: how many threads, at least 1.
    public init(name: String, count: Int) {
        let queue = self.queue
        threads = (0..<max(1, count)).map { _ in
            IOThread(name: name) {
                while let work = queue.wait(for: { (queue: inout Queue) -> (@Sendable () -> Void)?? in
                    if let next = queue.pop() { return .some(next) }
                    return queue.closed ? .some(nil) : nil
                }) {
                    work()
                }
            }
        }
    }

    /// Runs `work` on one of the threads and returns what it gives. After `close()` it runs where it is called.
    public func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { (continuation: CheckedContinuation<Result, Never>) in
            submit { continuation.resume(returning: work()) }
        }
    }

    /// Runs `work` on one of the threads, soon. After `close()` it runs where it is called.
    public func submit(_ work: @escaping @Sendable () -> Void) {
        let accepted = queue.withLockAndWake { queue -> Bool in
            if queue.closed { return false }
            queue.work.append(work)
            return true
        }
        if !accepted { work() }
    }

    /// Lets the threads end once all that was handed in has run; waits for them.
    public func close() {
        queue.withLockAndWake { $0.closed = true }
        for thread in threads { thread.join() }
    }
}
