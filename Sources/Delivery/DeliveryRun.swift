/// Carries one delivery stream: follows its source, decides on objects, has them written, moves on.

import Host
import Logging
import StreamStore
import Synchronization

/// What is known of a delivery stream at work, for metrics.
public struct DeliveryStatistics: Sendable {
    public var name: String
    /// Bytes of data read but not in an object yet.
    public var bufferedBytes = 0
    /// Arrival of the oldest record that is in no object yet, milliseconds since 1970-01-01 UTC; nil when there is none.
    public var oldestMilliseconds: Int64?
    public var deliveredObjects: Int64 = 0
    public var deliveredRecords: Int64 = 0
    public var deliveredBytes: Int64 = 0
    /// Records that were gone or damaged before they could be delivered.
    public var lostRecords: Int64 = 0
    /// Milliseconds since 1970-01-01 UTC; 0 before the first object.
    public var lastSuccessMilliseconds: Int64 = 0
    /// Why objects cannot be written, when they cannot; begins with `stopped:` when that is for good.
    public var trouble: String?

    public init(name: String) { self.name = name }
}

/// What a delivery stream needs of the world.
struct DeliveryWorld: Sendable {
    var store: any StreamStore
    var progress: ProgressBook
    var objects: any ObjectStore
    var time: any TimeSource
    var random: any RandomSource
    var logger: Logger
}

/// The task of one delivery stream.
///
/// Delivered is what the durable progress says: plan, write, move on (see `DeliveryProgress`). An object that cannot be written is tried
/// again for ever with growing pauses; the log keeps the records meanwhile. What will be no better at the next try ends the run.
final class DeliveryRun: Sendable {
    /// Where the run stands. It is lost with the run: all of it follows from the durable progress and the log.
    private struct Course {
        var progress: DeliveryProgress
        var buffer: DeliveryBuffer
        let naming: ObjectName
    }

    /// Bytes read from a shard at a time: with the compressor's state the bound of the run's memory.
    static let readBytes = 1 << 20
    /// How long delivered records of a hidden stream stay, for applications that read the delivery stream as their input.
    private static let keepMilliseconds: Int64 = 3_600_000
    /// How often it looks for new shards when nothing else happens.
    private static let lookAroundMilliseconds: Int64 = 1000
    /// After records came it waits this long for more, to count them in gulps.
    private static let gulpMilliseconds: Int64 = 20

    private let definition: DeliveryStreamDefinition
    private let world: DeliveryWorld
    private let isStopping = Atomic(false)
    private let state: Mutex<DeliveryStatistics>
    private let task: Mutex<Task<Void, Never>?> = Mutex(nil)
    /// The wait that a stop must end.
    private let rest: Mutex<Task<Void, Never>?> = Mutex(nil)

    init(_ definition: DeliveryStreamDefinition, world: DeliveryWorld) {
        self.definition = definition
        self.world = world
        state = Mutex(DeliveryStatistics(name: definition.name))
    }

    var statistics: DeliveryStatistics { state.withLock { $0 } }

    /// Begins. Call it once.
    func start() {
        let task = Task { await self.work() }
        self.task.withLock { $0 = task }
    }

    /// Asks the run to end after the object in hand. What is only counted is not cut: the log keeps it.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        rest.withLock { $0 }?.cancel()
    }

    func ended() async { await task.withLock { $0 }?.value }

    private var mustStop: Bool { isStopping.load(ordering: .sequentiallyConsistent) }

    /// Waits in a way that `stop` ends. Only waits are ever cancelled, never the writing of an object.
    private func waiting(_ wait: @escaping @Sendable () async -> Void) async {
        let task = Task { await wait() }
        rest.withLock { $0 = task }
        if mustStop { task.cancel() }
        await task.value
        rest.withLock { $0 = nil }
    }

    // MARK: The loop

    private func work() async {
        var pause = Duration.milliseconds(100)
        while !mustStop {
            do {
                try await follow { pause = .milliseconds(100) }
                return
            } catch {
                guard isFinal(error) else {
                    await report(describe(error), pause: &pause)
                    continue
                }
                let reason = "stopped: \(describe(error))"
                state.withLock { $0.trouble = reason }
                world.logger.error("delivery stopped: it cannot go on", metadata: ["reason": "\(describe(error))"])
                return
            }
        }
    }

    /// Whether a further try would come to the same end.
    private func isFinal(_ error: any Error) -> Bool {
        switch error {
        case is StoredDefinition.Failure, is ObjectNameError: true
        // The hidden stream of records that were put is never made again; a source may be.
        case StoreError.streamNotFound: definition.source == .directPut
        default: false
        }
    }

    private func describe(_ error: any Error) -> String {
        switch error {
        case is StoredDefinition.Failure: "how far it has come cannot be read by this version"
        case let error as ObjectNameError: "\(error.field) '\(error.value)' is not valid: \(error.rule)"
        case StoreError.streamNotFound: definition.source == .directPut ? "its records are gone" : "its source stream is gone"
        default: "\(error)"
        }
    }

    /// Follows the source until stopped; throws when something fails, to begin again from the durable progress.
    /// - Parameter succeeded: called after each round without failure.
    private func follow(succeeded: () -> Void) async throws {
        let naming = try ObjectName(definition)
        var progress = try await loadProgress(world.store.stream(definition.streamKey))
        if progress.planned != nil { try await carryOut(&progress) }
        var course = Course(
            progress: progress,
            buffer: DeliveryBuffer(
                positions: progress.positions, maxBytes: definition.destination.bufferMegabytes << 20,
                maxMilliseconds: Int64(definition.destination.bufferSeconds) * 1000),
            naming: naming)
        while !mustStop {
            let source = try await world.store.stream(definition.streamKey)
            guard source.id == course.progress.stream else { throw StoreError.failed("the source stream was made anew") }
            try await forgetRemovedShards(source, &course)
            for shard in source.shards {
                course.buffer.add(shard.id.index, at: shard.startOffset)
                try await count(shard, &course)
            }
            // A stop that came while counting must not make an object of the part that was counted.
            if mustStop { return }
            if millisecondsLeft(course.buffer) == 0 { try await deliver(&course) }
            succeeded()
            let buffer = course.buffer
            state.withLock { state in
                state.bufferedBytes = buffer.bytes
                state.oldestMilliseconds = buffer.oldestMilliseconds
                state.trouble = nil
            }
            await awaitWork(course.buffer, source)
        }
    }

    private func millisecondsLeft(_ buffer: DeliveryBuffer) -> Int64? {
        buffer.millisecondsLeft(wallMilliseconds: world.time.wallMilliseconds(), nanoseconds: world.time.monotonicNanoseconds())
    }

    private func awaitWork(_ buffer: DeliveryBuffer, _ source: StreamDescription) async {
        var positions: [ShardReference: Int64] = [:]
        for shard in source.openShards { positions[ShardReference(source.id, shard.id)] = buffer.position(shard.id.index) }
        let (awaited, limit) = (positions, min(millisecondsLeft(buffer) ?? .max, Self.lookAroundMilliseconds))
        await waiting { [store = world.store] in
            guard await store.awaitRecords(awaited, timeout: .milliseconds(limit)) else { return }
            try? await Task.sleep(for: .milliseconds(min(limit, Self.gulpMilliseconds)))
        }
    }

    private func loadProgress(_ source: StreamDescription) async throws -> DeliveryProgress {
        if let progress = try await world.progress.progress(of: definition.name) {
            if progress.stream == source.id { return progress }
            world.logger.warning("the source was deleted and made anew; delivering it from its beginning")
        }
        let progress = DeliveryProgress(stream: source.id, positions: [:])
        try await save(progress)
        return progress
    }

    private func save(_ progress: DeliveryProgress) async throws {
        try await world.progress.save(progress, of: definition.name)
    }

    // MARK: Counting and cutting

    /// Counts what a shard holds now, delivering each object that gets full.
    private func count(_ shard: ShardDescription, _ course: inout Course) async throws {
        let (number, reference) = (shard.id.index, ShardReference(course.progress.stream, shard.id))
        // What comes after the first look is for the next round, so that no busy shard keeps the others, or the time limit, waiting.
        var tip = shard.endOffset ?? .max
        while !mustStop, course.buffer.position(number) < tip {
            let position = course.buffer.position(number)
            switch try await world.store.look(at: reference, from: position, maxBytes: Self.readBytes) {
            case .gap(let next, let reason): try await pass(number, to: next, reason, &course)
            case .batches(let read):
                if tip == .max { tip = read.bounds.highWatermark }
                if read.batches.isEmpty { return }
                for batch in read.batches { try await count(batch, of: number, form(of: shard), &course) }
            }
        }
    }

    /// Records that come out of a stream may be aggregated; what was put here is delivered as it was put.
    private func form(of shard: ShardDescription) -> DeliveredForm {
        definition.source == .directPut ? .asSent : .takenApart(shard.hashKeyRange)
    }

    private func count(_ batch: StoredBatch, of shard: UInt32, _ form: DeliveredForm, _ course: inout Course) async throws {
        guard let sizes = batch.deliveredSizes(form) else {
            return try await pass(shard, to: batch.endOffset, "cannot be decoded", &course)
        }
        let now = world.time.monotonicNanoseconds()
        var offset = batch.baseOffset
        for bytes in sizes {
            if offset >= course.buffer.position(shard) {
                course.buffer.add(shard, offset: offset, bytes: bytes, arrivalMilliseconds: batch.arrivalMilliseconds, at: now)
                if course.buffer.isFull { try await deliver(&course) }
            }
            offset += 1
        }
    }

    /// Leaves out records that are no longer there, so that no object's span covers them.
    private func pass(_ shard: UInt32, to position: Int64, _ reason: String, _ course: inout Course) async throws {
        let from = course.buffer.position(shard)
        try await deliver(&course)
        reportLoss(shard, OffsetSpan(from: from, to: position), reason)
        course.buffer.skip(shard, to: position)
        course.progress.positions[shard] = position
        try await save(course.progress)
    }

    /// Shards that were closed long ago leave the stream when retention has removed their records.
    private func forgetRemovedShards(_ source: StreamDescription, _ course: inout Course) async throws {
        let removed = course.buffer.shards.filter { source.shard(ShardID($0)) == nil }
        guard !removed.isEmpty else { return }
        try await deliver(&course)
        for shard in removed {
            let position = course.buffer.position(shard)
            let ends = source.possibleEnds(ofRetired: ShardID(shard))
            world.logger.info("shard is gone", metadata: ["shard": "\(ShardID(shard))", "read-up-to": "\(position)"])
            if !ends.contains(position) {
                // Where it ended is not known when its children are gone too.
                let end = ends.filter { $0 > position }.min() ?? position
                reportLoss(
                    shard, OffsetSpan(from: position, to: end), "its shard was removed by retention before it was read to its end")
            }
            course.buffer.remove(shard)
            course.progress.positions[shard] = nil
        }
        try await save(course.progress)
    }

    private func reportLoss(_ shard: UInt32, _ span: OffsetSpan, _ reason: String) {
        state.withLock { $0.lostRecords &+= max(0, span.to &- span.from) }
        world.logger.error(
            "records cannot be delivered",
            metadata: ["shard": "\(ShardID(shard))", "from": "\(span.from)", "to": "\(span.to)", "reason": "\(reason)"])
    }

    // MARK: Objects

    /// Plans an object of what is counted, has it written, moves on.
    private func deliver(_ course: inout Course) async throws {
        guard let oldest = course.buffer.oldestMilliseconds else { return }
        let spans = course.buffer.cut()
        let random = world.random
        course.progress.planned = PlannedObject(key: course.naming.key(at: oldest, random: { random.next() }), spans: spans)
        try await save(course.progress)
        try await carryOut(&course.progress)
    }

    /// Carries out the plan. Done again after a crash it gives the same bytes under the same name.
    private func carryOut(_ progress: inout DeliveryProgress) async throws {
        guard let planned = progress.planned else { return }
        let source = try? await world.store.stream(definition.streamKey)
        let forms = Dictionary((source?.shards ?? []).map { ($0.id.index, form(of: $0)) }) { first, _ in first }
        let writer = ObjectWriter(world: world, destination: definition.destination, stream: progress.stream, forms: forms) {
            shard, span, reason in
            self.reportLoss(shard, span, reason)
        }
        let written = try await writer.write(planned)
        progress.completePlanned()
        try await save(progress)
        let now = world.time.wallMilliseconds()
        state.withLock { state in
            state.deliveredObjects += 1
            state.deliveredRecords += written.records
            state.deliveredBytes += written.bytes
            state.lastSuccessMilliseconds = now
            state.trouble = nil
        }
        world.logger.info(
            "object delivered",
            metadata: [
                "object": "\(definition.destination.bucket)/\(planned.key)", "records": "\(written.records)",
                "bytes": "\(written.bytes)",
            ])
        await trim(progress, now: now)
    }

    /// Lets go of delivered records of the hidden stream that are old enough.
    private func trim(_ progress: DeliveryProgress, now: Int64) async {
        guard definition.source == .directPut else { return }
        for (shard, delivered) in progress.positions {
            let reference = ShardReference(progress.stream, ShardID(shard))
            do {
                let recent = try await world.store.firstOffset(reference, arrivedAtOrAfter: now &- Self.keepMilliseconds)
                if min(recent, delivered) > 0 { try await world.store.trim(reference, before: min(recent, delivered)) }
            } catch {
                // The next object's turn; nothing depends on it but space.
                world.logger.warning("delivered records cannot be let go", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func report(_ trouble: String, pause: inout Duration) async {
        let isNew = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble != trouble
        }
        if isNew { world.logger.error("delivery does not get on; trying again", metadata: ["reason": "\(trouble)"]) }
        let length = pause
        await waiting { try? await Task.sleep(for: length) }
        pause = min(pause * 2, .seconds(10))
    }
}
