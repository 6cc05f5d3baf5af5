/// The task around one run: repeats its cycle, tries again what may pass, tells how it goes.

import Host
import Logging
import StreamSQL
import StreamStore
import Synchronization

/// What the runs of a node work with.
struct RunEnvironment: Sendable {
    var store: any StreamStore
    var time: any TimeSource
    var random: any RandomSource
    var resolve: SourceResolver
    var references: (any ReferenceFiles)?
    var functions: (any RecordFunctions)?
    var limits: ApplicationRun.Limits
    var cache: DecodeCache
    var logger: Logger
}

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
        /// Whether it is through with what waited for it.
        var hasSettled = false
        var settlingWaiters: [CheckedContinuation<Void, Never>] = []
        /// Snapshots that were asked for, in their order.
        var snapshots: [(log: StateLog, answer: FirstAnswer<String?>)] = []
        var views: ViewBoard?
    }

    /// How long a run goes on before it counts as one that can, though it is not through with what waited for it.
    private static let settledNanoseconds: UInt64 = 60_000_000_000

    private let state = Mutex(State())
    private let stopSignal = StopSignal()
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)

    /// - Parameters:
    ///   - settled: called once, when what waited for the run has been computed, or a minute has passed.
    ///   - failed: called with the reason, before `ended` returns, when the run ends for good by itself.
    init(
        _ definition: ApplicationDefinition, start: StartingPosition?, _ environment: RunEnvironment,
        settled: @escaping @Sendable () async -> Void, failed: @escaping @Sendable (RunTask, String) async -> Void
    ) {
        var environment = environment
        environment.logger[metadataKey: "application"] = "\(definition.name)"
        let prepared = environment
        let begun = Task { [weak self] in
            guard let self else { return }
            let reason = await self.work(definition, start: start, prepared, settled: settled)
            if let reason { await failed(self, reason) }
            self.state.withLock { $0.hasEnded = true }
            self.resumeWaiters()
            self.refuseSnapshots("the application has stopped")
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
        stopSignal.set()
        rest?.cancel()
        resumeWaiters()
    }

    /// Writes the state to a stream that has nothing yet, between two cycles.
    /// - Returns: why that cannot be now; nil when it is durable.
    func writeSnapshot(to log: StateLog) async -> String? {
        let answer = FirstAnswer<String?>()
        let (rest, refusal) = state.withLock { state -> (Task<Void, Never>?, String?) in
            if state.hasEnded || state.isStopping { return (nil, "the application is stopping") }
            if let trouble = state.trouble, !state.hasBegun { return (nil, trouble) }
            state.snapshots.append((log, answer))
            return (state.rest, nil)
        }
        if let refusal { return refusal }
        rest?.cancel()
        return await answer.value
    }

    private func refuseSnapshots(_ reason: String) {
        let asked = state.withLock { state in
            defer { state.snapshots = [] }
            return state.snapshots
        }
        for snapshot in asked { snapshot.answer.give(reason) }
    }

    private func writeSnapshots(_ run: inout ApplicationRun) async throws {
        while let next = state.withLock({ $0.snapshots.first }) {
            let refusal = try await run.writeSnapshot(to: next.log).map { Self.describe($0) }
            state.withLock { state in _ = state.snapshots.isEmpty ? nil : state.snapshots.removeFirst() }
            next.answer.give(refusal)
        }
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

    /// Returns when the run is through with what waited for it, or has met a trouble or ended.
    func settled() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.hasSettled || state.trouble != nil || state.isStopping || state.hasEnded { return true }
                state.settlingWaiters.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    private func resumeSettled() {
        let waiters = state.withLock { state in
            defer { state.settlingWaiters = [] }
            return state.settlingWaiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func resumeWaiters() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
        if state.withLock({ $0.trouble != nil || $0.isStopping || $0.hasEnded }) { resumeSettled() }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    /// - Returns: why it ended, when that was for good and by itself.
    private func work(
        _ definition: ApplicationDefinition, start: StartingPosition?, _ environment: RunEnvironment,
        settled: @escaping @Sendable () async -> Void
    ) async -> String? {
        let logger = environment.logger
        var start = start
        var pause = Self.firstPause
        var settling = Settling(since: environment.time.monotonicNanoseconds()) { [weak self] in
            await settled()
            self?.state.withLock { $0.hasSettled = true }
            self?.resumeSettled()
        }
        while !isStopping {
            do {
                // Only the first try is told where to begin: whether its beginning was made durable is what the next one reads.
                defer { start = nil }
                var run = try await begin(definition, start: start, environment)
                let views = run.views
                state.withLock { state in
                    state.hasBegun = true
                    state.views = views
                    state.earlier = state.progress
                }
                resumeWaiters()
                try await cycle(&run, environment, pause: &pause, &settling)
                return nil
            } catch StoreError.fenced {
                let reason = "another owner runs this application now; this run has ended"
                state.withLock { $0.trouble = reason }
                logger.warning("\(reason)")
                return nil
            } catch RunFailure.sourceReplaced {
                logger.warning("a source was deleted and made anew; reading begins with its first record")
            } catch DataflowError.stopped {
                // Nothing of the piece that it was at was appended.
                logger.warning("stopped within a piece of input; the next start computes it again")
                return nil
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

    private func begin(
        _ definition: ApplicationDefinition, start: StartingPosition?, _ environment: RunEnvironment
    ) async throws -> ApplicationRun {
        let logger = environment.logger
        return try await ApplicationRun(
            definition, start: start, store: environment.store, time: environment.time, random: environment.random,
            resolve: environment.resolve, references: environment.references, limits: environment.limits, cache: environment.cache,
            processing: environment.functions.map { RecordProcessing(functions: $0, applicationARN: definition.assumedARN) },
            stop: stopSignal
        ) { gap in
            logger.error(
                "input records are missing",
                metadata: [
                    "shard": "\(gap.shard.shard)", "from": "\(gap.from)", "to": "\(gap.to.map { String($0) } ?? "unknown")",
                    "reason": "\(gap.reason.rawValue)",
                ])
        }
    }

    /// Tells once that a run can go on.
    private struct Settling {
        private let since: UInt64
        private var settled: (@Sendable () async -> Void)?

        init(since: UInt64, _ settled: @escaping @Sendable () async -> Void) {
            self.since = since
            self.settled = settled
        }

        mutating func note(hasMore: Bool, now: UInt64) async {
            guard let settled, !hasMore || now &- since > RunTask.settledNanoseconds else { return }
            self.settled = nil
            await settled()
        }
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
        _ run: inout ApplicationRun, _ environment: RunEnvironment, pause: inout Duration, _ settling: inout Settling
    ) async throws {
        let (store, logger) = (environment.store, environment.logger)
        while !isStopping {
            do {
                let hasMore = try await run.cycle()
                try await writeSnapshots(&run)
                pause = Self.firstPause
                note(run.progress, logger)
                await settling.note(hasMore: hasMore, now: environment.time.monotonicNanoseconds())
                if hasMore {
                    await Task.yield()
                    continue
                }
            } catch RunFailure.destination(let unavailable) {
                // That a destination was split or merged is nothing to worry about: the next try finds the children.
                let level: Logger.Level = if case .shardClosed = unavailable.reason { .info } else { .error }
                await report(Self.describe(RunFailure.destination(unavailable)), level, pause: &pause, logger: logger)
                continue
            } catch RunFailure.processing(let reason) {
                if isStopping { break }
                await report(Self.describe(RunFailure.processing(reason)), pause: &pause, logger: logger)
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
        let mustGoOn = state.withLock { state in
            state.rest = rest
            return state.isStopping || !state.snapshots.isEmpty
        }
        if mustGoOn { rest.cancel() }
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
        case RunFailure.processing(let reason): "the records' preprocessing: \(reason)"
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
        // Who asked for a snapshot is told at once, for it may be long before there can be one.
        refuseSnapshots(trouble)
        if isNew { logger.log(level: level, "application does not get on; trying again", metadata: ["reason": "\(trouble)"]) }
        let pauseNow = pause
        await rest { try? await Task.sleep(for: pauseNow) }
        pause = min(pause * 2, Self.longestPause)
    }
}
