/// Threads that share the work of one point: they take block after block of trees until none is left.
import Glibc
import Synchronization

/// A helper that finds nothing to do looks on for some microseconds, for the next point usually comes at once, and then sleeps. The caller
/// works too and waits for nobody to begin, only for blocks that a helper has begun.
final class WorkerTeam: Sendable {
    let helpers: Int
    private let shared: Shared

    /// What the threads share; it lives until the last of them has gone.
    private final class Shared: @unchecked Sendable {
        // Unchecked: `body` is written only while no block is left to take, and read only by who has taken one.
        var body: ((Int, Int) -> Void)?
        /// The number of the round in the upper half, blocks not yet taken in the lower. A block is taken by counting that down, which
        /// succeeds only in the round that was seen.
        let open = Atomic<UInt64>(0)
        let finished = Atomic<Int>(0)
        let sleepers = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(wake, nil)
        }

        deinit {
            pthread_cond_destroy(wake)
            pthread_mutex_destroy(mutex)
            wake.deallocate()
            mutex.deallocate()
        }

        /// Takes and does blocks while there are any; false when there were none.
        func work(as helper: Int) -> Bool {
            var didAny = false
            while true {
                let seen = open.load(ordering: .acquiring)
                let left = seen & 0xFFFF_FFFF
                guard left > 0 else { return didAny }
                guard
                    open.compareExchange(expected: seen, desired: seen - 1, successOrdering: .acquiring, failureOrdering: .relaxed)
                        .exchanged
                else { continue }
                body?(Int(left) - 1, helper)
                finished.add(1, ordering: .releasing)
                didAny = true
            }
        }

        /// A helper's life.
        func help(as helper: Int) {
            while !isOver.load(ordering: .relaxed) {
                var looks = 0
                while !work(as: helper), looks < WorkerTeam.patience { looks += 1 }
                guard looks == WorkerTeam.patience else { continue }
                pthread_mutex_lock(mutex)
                sleepers.add(1, ordering: .sequentiallyConsistent)
                while open.load(ordering: .sequentiallyConsistent) & 0xFFFF_FFFF == 0, !isOver.load(ordering: .relaxed) {
                    pthread_cond_wait(wake, mutex)
                }
                sleepers.subtract(1, ordering: .sequentiallyConsistent)
                pthread_mutex_unlock(mutex)
            }
        }

        func wakeAll() {
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }
    }

    /// How often a helper looks for work before it sleeps: about 50 µs.
    private static let patience = 20_000

    private final class Start {
        let shared: Shared
        let helper: Int
        init(shared: Shared, helper: Int) {
            self.shared = shared
            self.helper = helper
        }
    }

    /// Starts threads; fewer, down to none, where the system gives no more.
    init(helpers: Int) {
        self.helpers = helpers
        shared = Shared()
        for helper in 0..<helpers {
            var thread = pthread_t()
            let start = Unmanaged.passRetained(Start(shared: shared, helper: helper + 1))
            let failed = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    start.shared.help(as: start.helper)
                    return nil
                }, start.toOpaque())
            if failed == 0 { pthread_detach(thread) } else { start.release() }
        }
    }

    deinit {
        shared.isOver.store(true, ordering: .relaxed)
        shared.wakeAll()
    }

    /// Calls `body` once for every block below `blocks` with the number of the thread that does it (the caller is 0, helpers count from
    /// 1), and returns when all are done. Only one call at a time.
    func run(blocks: Int, body: (_ block: Int, _ helper: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            shared.body = body
            shared.finished.store(0, ordering: .relaxed)
            let round = (shared.open.load(ordering: .relaxed) >> 32) &+ 1
            shared.open.store(round << 32 | UInt64(blocks), ordering: .sequentiallyConsistent)
            if shared.sleepers.load(ordering: .sequentiallyConsistent) > 0 { shared.wakeAll() }
            _ = shared.work(as: 0)
            var looks = 0
            while shared.finished.load(ordering: .acquiring) < blocks {
                looks += 1
                if looks > Self.patience { sched_yield() }
            }
            shared.body = nil
        }
    }
}
