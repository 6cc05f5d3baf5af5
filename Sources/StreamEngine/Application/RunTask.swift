/// The task around one run: repeats its cycle, tries again what may pass, tells how it goes.

import Host
import Logging
import StreamStore
import Synchronization

/// A running application as the manager holds it.
///
/// A trouble that may pass (a full disk, a missing destination) is tried again for ever, with growing pauses, as the service did; the rows
/// wait, nothing is lost. A run that lost its fence ends.
final class RunTask: Sendable {
    private struct State {
        var progress = RunProgress()
        var trouble: String?
        var hasBegun = false
        var isStopping = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

    init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: @escaping SourceResolver, logger: Logger
    ) {
        var logger = logger
        logger[metadataKey: "application"] = "\(definition.name)"
        let prepared = logger
        let begun = Task { [weak self] in
            guard let self else { return }
            await self.work(definition, start: start, store: store, time: time, random: random, resolve: resolve, logger: prepared)
        }
        task.withLock { $0 = begun }
    }

    var progress: RunProgress { state.withLock { $0.progress } }
    var trouble: String? { state.withLock { $0.trouble } }
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// Asks the run to end after its cycle, with a snapshot.
    func stop() {
        state.withLock { $0.isStopping = true }
        resumeWaiters()
    }

    /// Returns when the run has ended.
    func ended() async {
        await task.withLock { $0 }?.value
    }

    /// Returns when the run has made its start durable, or met a trouble, or was stopped.
    func begun() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.hasBegun || state.trouble != nil || state.isStopping { return true }
                state.waiters.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    private func resumeWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func work(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: @escaping SourceResolver, logger: Logger
    ) async {
        var start = start
        var pause = Duration.milliseconds(100)
        while !isStopping {
            do {
                var run = try await ApplicationRun(
                    definition, start: start, store: store, time: time, random: random, resolve: resolve
                ) { gap in
                    logger.error(
                        "input records are missing",
                        metadata: [
                            "shard": "\(gap.shard.shard)", "from": "\(gap.from)", "to": "\(gap.to)", "reason": "\(gap.reason)",
                        ])
                }
                // From here on the durable state says where to go on.
                start = nil
                state.withLock { $0.hasBegun = true }
                resumeWaiters()
                try await cycle(&run, pause: &pause, logger: logger)
                return
            } catch {
                if case StoreError.fenced = error {
                    logger.warning("another owner runs this application now; this run ends")
                    return
                }
                await report("\(error)", pause: &pause, logger: logger)
            }
        }
    }

    private func cycle(_ run: inout ApplicationRun, pause: inout Duration, logger: Logger) async throws {
        while !isStopping {
            do {
                _ = try await run.cycle()
                pause = .milliseconds(100)
                let progress = run.progress
                state.withLock { state in
                    state.progress = progress
                    state.trouble = nil
                }
            } catch RunFailure.destination(let unavailable) {
                await report("output \(unavailable.output.name): \(unavailable.reason)", pause: &pause, logger: logger)
                continue
            }
            await run.awaitWork()
        }
        try await run.snapshot()
    }

    private func report(_ trouble: String, pause: inout Duration, logger: Logger) async {
        let isNew = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble != trouble
        }
        resumeWaiters()
        if isNew { logger.error("application does not get on; trying again", metadata: ["reason": "\(trouble)"]) }
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
    }
}
