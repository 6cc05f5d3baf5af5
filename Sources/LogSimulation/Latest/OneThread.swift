/// Runs tasks on the one thread that waits for them, in the order in which they became ready: so that a run is the same each time.

internal import Host

/// An executor of tasks.
final class OneThread: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var isDone = false
    }

    private let state = Monitor(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLockAndWake { $0.jobs.append(job) }
    }

    /// Runs what is handed in, and all that comes of it, until the body has returned.
    func run(_ body: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { [state] in
            await body()
            state.withLockAndWake { $0.isDone = true }
        }
        while true {
            let jobs = state.wait { state -> [UnownedJob]? in
                guard !state.jobs.isEmpty || state.isDone else { return nil }
                defer { state.jobs = [] }
                return state.jobs
            }
            if jobs.isEmpty { return }
            for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
