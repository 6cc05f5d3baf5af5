/// One stream on its way to a number of shards of the same size, step by step, over restarts.

import AWSWire
import StreamStore
import Synchronization

/// The steps of UpdateShardCount. The target is a mark in the stream's attributes: as long as it stands the stream is UPDATING and nobody else may
/// split or merge its shards.
struct Scaling: Sendable {
    let kinesis: Kinesis
    let key: StreamKey
    let id: StreamID
    /// What whoever asked for it waits for.
    let answer: Answer

    /// Up to how many steps are taken before the answer.
    static let mostStepsBeforeAnswer = 16
    /// How long to wait for the step before to pass, which nothing announces.
    private static let updating = Duration.milliseconds(250)
    /// How long to wait after a failure that may pass.
    private static let failed = Duration.seconds(1)

    /// Tells the one who waits, once: nil for success.
    final class Answer: Sendable {
        private let waiting: Mutex<(@Sendable (AWSError?) -> Void)?>
        init(_ waiting: (@Sendable (AWSError?) -> Void)? = nil) { self.waiting = Mutex(waiting) }

        /// Nobody waits.
        var isGiven: Bool { waiting.withLock { $0 == nil } }

        func give(_ error: AWSError?) {
            let told = waiting.withLock { waiting in
                defer { waiting = nil }
                return waiting
            }
            told?(error)
        }
    }

    private enum Progress {
        case goOn
        case wait(Duration)
        /// It is to be tried again, and nobody waits who could be told why.
        case failed(StoreError)
        /// It is done, or cannot be, and the mark has to go.
        case end(AWSError?)
        /// There is no such scaling any more.
        case gone
    }

    /// Takes steps until the shards are as they should be, or the task is cancelled; then the mark stays for the next start.
    /// - Parameter early: whether the first step is enough for an answer.
    func run(answerEarly early: Bool) async {
        // Whoever is cancelled keeps the promise later.
        defer { answer.give(nil) }
        var trouble: StoreError?
        while !Task.isCancelled {
            switch await step() {
            case .goOn:
                trouble = nil
                if early { answer.give(nil) }
            case .failed(let error):
                // Told once, however often it is tried again.
                if trouble == nil { kinesis.scalingFailed(key, "\(error); it is tried again") }
                trouble = error
                try? await Task.sleep(for: Self.failed)
            case .wait(let time):
                answer.give(nil)
                try? await Task.sleep(for: time)
            case .end(let error):
                if let error, answer.isGiven { kinesis.scalingFailed(key, "\(error); it is given up") }
                await removeMark(error)
                return
            case .gone: return
            }
        }
    }

    private func step() async -> Progress {
        do throws(StoreError) {
            let stream = try await kinesis.store.stream(key)
            guard stream.id == id, stream.status != .deleting else { return .gone }
            guard let target = try await kinesis.attributes.attributes(of: id).targetShardCount else { return .gone }
            guard stream.status == .active else { return .wait(Self.updating) }
            switch UniformScaling.next(stream.shards, count: target) {
            case .split(let shard, let cut): _ = try await kinesis.store.splitShard(key, shard, at: cut)
            case .merge(let shard, let adjacent): _ = try await kinesis.store.mergeShards(key, shard, adjacent)
            case nil: return .end(nil)
            }
            return .goOn
        } catch {
            return progress(after: error)
        }
    }

    /// What hinders a step that somebody waits for ends the scaling; later it ends only by what will not pass.
    private func progress(after error: StoreError) -> Progress {
        switch error {
        case .streamNotFound: .gone
        case .shardLimitExceeded: .end(kinesis.awsError(error))
        // A split or merge that was begun before the mark stood came between.
        case .streamBusy, .shardClosed, .shardNotFound, .hashKeyOutsideShard, .shardsNotAdjacent: .wait(Self.updating)
        case _ where !answer.isGiven: .end(kinesis.awsError(error))
        default: .failed(error)
        }
    }

    /// - Parameter outcome: for the one who waits.
    private func removeMark(_ outcome: AWSError?) async {
        while !Task.isCancelled {
            do throws(StoreError) {
                _ = try await kinesis.attributes.change(of: id, { $0 }) { attributes throws(StoreError) in
                    attributes.targetShardCount = nil
                }
                return answer.give(outcome)
            } catch {
                answer.give(outcome)
                try? await Task.sleep(for: Self.failed)
            }
        }
    }
}

extension Kinesis {
    /// Notes, durably, how many shards a stream shall have, and sees to it.
    /// - Parameter steps: how many it takes; when they are few they are taken before this returns, otherwise the first one is.
    /// - Throws: `.resourceInUse` when another scaling is under way; what hinders the first step.
    func beginScaling(_ stream: StreamDescription, to target: Int, steps: Int) async throws(AWSError) {
        try await changeAttributes(of: stream) { attributes throws(AWSError) in
            guard attributes.targetShardCount == nil else { throw awsError(.streamBusy(stream.key, .updating)) }
            attributes.targetShardCount = target
        }
        let error: AWSError? = await withCheckedContinuation { continuation in
            scale(
                stream, Scaling.Answer { continuation.resume(returning: $0) },
                answerEarly: steps > Scaling.mostStepsBeforeAnswer)
        }
        if let error { throw error }
    }

    private func scale(_ stream: StreamDescription, _ answer: Scaling.Answer, answerEarly: Bool) {
        let scaling = Scaling(kinesis: self, key: stream.key, id: stream.id, answer: answer)
        // On a node that stops the mark is what is left to do.
        if !scalings.begin(stream.id, { await scaling.run(answerEarly: answerEarly) }) { answer.give(nil) }
    }

    /// Goes on with the scalings that the run before did not finish, and looks after on-demand streams.
    public func open() {
        scalings.search {
            for stream in (try? await store.streams(in: .stream)) ?? [] where !Task.isCancelled {
                guard (try? await attributes.attributes(of: stream.id))?.targetShardCount != nil else { continue }
                scale(stream, Scaling.Answer(), answerEarly: true)
            }
            await watchOnDemandStreams()
        }
    }

    /// Stops what goes on in the background, cleanly; the next start goes on with it.
    public func close() async { await scalings.close() }
}
