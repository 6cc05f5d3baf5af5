/// The task around one run: repeats its cycle, tries again what may pass, tells how it goes.

import Host
import Logging
import StreamSQL
import StreamStore
import Synchronization

/// A running application as the manager holds it.
///
/// A trouble that may pass (a full disk, a missing destination) is tried again for ever, with growing pauses, as the service did; the rows
/// wait, nothing is lost. Where it is sure that nothing was appended the same run goes on; after every other error a new one claims the
/// next epoch and begins from the durable state, because the old one's state may be ahead of it or behind. A run that lost its fence ends.
/// What will be no better at the next try (a state that cannot be restored or has outgrown its bound, a program that no longer compiles)
/// ends it for good.
final class RunTask: Sendable {
    private struct State {
        var progress = RunProgress()
        var trouble: String?
        /// Whether the trouble has ended it for good.
        var hasFailed = false
        var hasBegun = false
        var isStopping = false
        var hasEnded = false
        /// The wait between two cycles or tries, which `stop` cuts short.
        var rest: Task<Void, Never>?
        /// Rows of this task's earlier runs.
        var earlier = RunProgress()
        var waiters: [CheckedContinuation<Void, Never>] = []
        var views: ViewBoard?
    }

    private let state = Mutex(State())
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

    /// - Parameter failed: called with the reason, before `ended` returns, when the run ends for good by itself.
    init(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: @escaping SourceResolver, references: (any ReferenceFiles)?,
        limits: ApplicationRun.Limits, cache: DecodeCache, logger: Logger,
        failed: @escaping @Sendable (RunTask, String) async -> Void
    ) {
        var logger = logger
        logger[metadataKey: "application"] = "\(definition.name)"
        let prepared = logger
        let begun = Task { [weak self] in
            guard let self else { return }
            let reason = await self.work(
                definition, start: start, store: store, time: time, random: random, resolve: resolve,
                references: references, limits: limits, cache: cache, logger: prepared)
            if let reason { await failed(self, reason) }
            self.state.withLock { $0.hasEnded = true }
            self.resumeWaiters()
        }
        task.withLock { $0 = begun }
    }

    var progress: RunProgress { state.withLock { $0.progress } }
    /// Why it does not get on; nil while it does.
    var trouble: String? { state.withLock { $0.trouble } }
    /// Why it ended for good; nil while it goes on, and when it was asked to end.
    var failure: String? { state.withLock { $0.hasFailed ? $0.trouble : nil } }
    /// The materialized views of the run that goes on; nil before it has begun.
    var views: ViewBoard? { state.withLock { $0.hasEnded ? nil : $0.views } }
    var hasBegun: Bool { state.withLock { $0.hasBegun } }

    /// Asks the run to end after its cycle, with a snapshot.
    func stop() {
        let rest = state.withLock { state in
            state.isStopping = true
            return state.rest
        }
        rest?.cancel()
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
                if state.hasBegun || state.trouble != nil || state.isStopping || state.hasEnded { return true }
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

    /// - Returns: why it ended, when that was for good and by itself.
    private func work(
        _ definition: ApplicationDefinition, start: StartingPosition?, store: any StreamStore, time: any TimeSource,
        random: any RandomSource, resolve: @escaping SourceResolver, references: (any ReferenceFiles)?,
        limits: ApplicationRun.Limits, cache: DecodeCache, logger: Logger
    ) async -> String? {
        var start = start
        var pause = Self.firstPause
        while !isStopping {
            do {
                // Only the first try is told where to begin: whether its beginning was made durable is what the next one reads.
                defer { start = nil }
                var run = try await ApplicationRun(
                    definition, start: start, store: store, time: time, random: random, resolve: resolve,
                    references: references, limits: limits, cache: cache
                ) { gap in
                    logger.error(
                        "input records are missing",
                        metadata: [
                            "shard": "\(gap.shard.shard)", "from": "\(gap.from)", "to": "\(gap.to.map { String($0) } ?? "unknown")",
                            "reason": "\(gap.reason.rawValue)",
                        ])
                }
                let views = run.views
                state.withLock { state in
                    state.hasBegun = true
                    state.views = views
                    state.earlier = state.progress
                }
                resumeWaiters()
                try await cycle(&run, store: store, pause: &pause, logger: logger)
                return nil
            } catch StoreError.fenced {
                let reason = "another owner runs this application now; this run has ended"
                state.withLock { $0.trouble = reason }
                logger.warning("\(reason)")
                return nil
            } catch RunFailure.sourceReplaced {
                logger.warning("the source was deleted and made anew; reading begins with its first record")
            } catch {
                guard Self.isFinal(error) else {
                    await report(Self.describe(error), pause: &pause, logger: logger)
                    continue
                }
                let reason = Self.describe(error)
                state.withLock { state in
                    state.trouble = reason
                    state.hasFailed = true
                }
                resumeWaiters()
                return reason
            }
        }
        return nil
    }

    /// Whether a further try, from the same definition and the same durable state, would come to the same end.
    private static func isFinal(_ error: any Error) -> Bool {
        switch error {
        case RunFailure.configuration, RunFailure.state, ApplicationError.code, ApplicationError.configuration, is DataflowError:
            true
        default: false
        }
    }

    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(10)

    private func cycle(
        _ run: inout ApplicationRun, store: any StreamStore, pause: inout Duration, logger: Logger
    ) async throws {
        while !isStopping {
            do {
                let hasMore = try await run.cycle()
                pause = Self.firstPause
                note(run.progress, logger)
                if hasMore {
                    await Task.yield()
                    continue
                }
            } catch RunFailure.destination(let unavailable) {
                // That a destination was split or merged is nothing to worry about: the next try finds the children.
                let level: Logger.Level = if case .shardClosed = unavailable.reason { .info } else { .error }
                await report(Self.describe(RunFailure.destination(unavailable)), level, pause: &pause, logger: logger)
                continue
            }
            let (positions, timeout) = run.rest
            await rest { _ = await store.awaitRecords(positions, timeout: timeout) }
        }
        do {
            try await run.snapshot()
            note(run.progress, logger)
        } catch {
            // What was not appended is computed again from the snapshot before.
            logger.warning("stopped without a snapshot", metadata: ["reason": "\(Self.describe(error))"])
        }
    }

    private func note(_ progress: RunProgress, _ logger: Logger) {
        let isNew = state.withLock { state in
            defer { state.trouble = progress.trouble }
            state.progress = progress
            state.progress.rowsIn += state.earlier.rowsIn
            state.progress.rowsOut += state.earlier.rowsOut
            return progress.trouble != nil && state.trouble != progress.trouble
        }
        if isNew, let trouble = progress.trouble { logger.warning("\(trouble)") }
    }

    /// Waits, unless the run is to stop.
    private func rest(_ wait: @escaping @Sendable () async -> Void) async {
        let rest = Task(operation: wait)
        let isStopping = state.withLock { state in
            state.rest = rest
            return state.isStopping
        }
        if isStopping { rest.cancel() }
        await rest.value
        state.withLock { $0.rest = nil }
    }

    private static func describe(_ error: any Error) -> String {
        switch error {
        case RunFailure.destination(let unavailable):
            unavailable.output.map { "output \($0): \(describe(unavailable.reason))" } ?? describe(unavailable.reason)
        case RunFailure.configuration(let reason), RunFailure.state(let reason), StoreError.failed(let reason): reason
        case RunFailure.store(let error): describe(error)
        case RunFailure.reference(let reason): reason
        case ApplicationError.configuration(let reason): reason
        case ApplicationError.code(let errors): errors.map(\.description).joined(separator: "\n")
        case StoreError.shardClosed(let shard): "shard \(shard.shard) was split or merged"
        case StoreError.streamNotFound(let key): "there is no stream named \(key.name)"
        case StoreError.streamBusy(let key, let status): "the stream \(key.name) is \(status.rawValue)"
        case StoreError.readOnly(let reason): "the node accepts no appends: \(reason)"
        case StoreError.overloaded: "the node has too many appends waiting"
        default: "\(error)"
        }
    }

    private func report(_ trouble: String, _ level: Logger.Level = .error, pause: inout Duration, logger: Logger) async {
        let isNew = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble != trouble
        }
        resumeWaiters()
        if isNew { logger.log(level: level, "application does not get on; trying again", metadata: ["reason": "\(trouble)"]) }
        let pauseNow = pause
        await rest { try? await Task.sleep(for: pauseNow) }
        pause = min(pause * 2, Self.longestPause)
    }
}
