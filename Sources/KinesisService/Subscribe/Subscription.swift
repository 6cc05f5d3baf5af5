/// One subscription to a shard: records become events as they are committed, as fast as the client takes them.

import AWSWire
import Host
import NodeMetrics
import RecordBatch
import StreamStore
import Synchronization

/// The event stream of one SubscribeToShard call (Kinesis API, SubscribeToShardEventStream).
///
/// It holds nothing between two events: the log is the buffer. The next event is made when the client has taken the one before, from what is
/// committed then, so a client that is slow gets larger events. What an event takes until the client has it is counted in a part of the memory that
/// is for subscriptions alone: where that is used up events become smaller, and wait, and nobody's calls are refused for it.
final class Subscription: Sendable {
    private struct State {
        /// What the client is told last; set once.
        var ending: AWSError?
        var isOver = false
        /// What `next` waits for now.
        var wait: Task<Bool, Never>?
    }

    /// Where reading goes on. Only `next` uses it, which is called by one after the other.
    private struct Position {
        var hasGreeted = false
        var offset: Int64
        /// Of the last record that was sent.
        var last: SequenceNumber?
        /// What may be sent a second; nil for as much as the client takes.
        var pace: TokenBucket?
    }

    let name: SubscriptionName
    private let kinesis: Kinesis
    private let stream: StreamKey
    private let format: WireFormat
    private let memory: ReadMemory
    /// On the monotonic clock, in nanoseconds.
    private let deadline: UInt64
    private let counters: KinesisMetrics.Stream
    private let minutes: MetricGroup
    private let state = Mutex(State())
    private let position: Mutex<Position>

    /// How long to wait for memory, which nothing announces.
    private static let shortage = Duration.milliseconds(50)
    /// How long after the end the peer may take the last event.
    private static let lastEvent = Duration.seconds(5)
    /// To what events shrink where memory is short, in bytes.
    private static let leastEventBytes = 64 << 10

    /// - Parameters:
    ///   - consumer: its name.
    ///   - offset: the first record to send.
    ///   - memory: of the call; it grows while an event is made.
    init(
        _ name: SubscriptionName, of stream: StreamKey, consumer: String, from offset: Int64, _ kinesis: Kinesis,
        format: WireFormat,
        memory: MemoryLease
    ) {
        self.name = name
        self.kinesis = kinesis
        self.stream = stream
        self.format = format
        // Of nothing there is always enough.
        self.memory = ReadMemory(memory, share: kinesis.subscriptions.memory.lease(0))
        let session = UInt64(clamping: kinesis.settings.subscriptions.sessionMilliseconds) &* 1_000_000
        let now = kinesis.clock.monotonicNanoseconds()
        deadline = now &+ session
        counters = kinesis.metrics.stream(stream.name)
        minutes = kinesis.metrics.consumer(consumer, of: stream.name)
        position = Mutex(Position(offset: offset, pace: kinesis.limits == nil ? nil : ShardLimits.pushed(at: now)))
    }

    /// The body of the answer.
    var reply: ReplyStream {
        ReplyStream(
            restingMemory: kinesis.settings.subscriptions.restingMemory,
            longest: .milliseconds(kinesis.settings.subscriptions.sessionMilliseconds) + Self.lastEvent,
            next: { await self.next() }, close: { self.close() }, hasten: { self.close() })
    }

    // MARK: Ends

    /// Ends it with an error, which the client is told.
    func end(with error: AWSError) {
        let wait = state.withLock { state in
            state.ending = state.ending ?? error
            return state.wait
        }
        wait?.cancel()
    }

    /// Ends it without a word, as after five minutes.
    func close() {
        let wait = state.withLock { state in
            state.isOver = true
            return state.wait
        }
        wait?.cancel()
        kinesis.subscriptions.ended(self)
    }

    // MARK: Events

    /// The next message; nil at the end.
    private func next() async -> [UInt8]? {
        rest(at: 0)
        let isFirst = position.withLock { position in
            defer { position.hasGreeted = true }
            return !position.hasGreeted
        }
        if isFirst { return EventStreamMessage.initialResponse(format) }
        let message = await event()
        if let message { rest(at: message.count) }
        return message
    }

    /// Keeps what an event of so many bytes takes.
    private func rest(at bytes: Int) {
        _ = memory.share?.resize(to: bytes)
        _ = memory.lease.resize(to: max(bytes, kinesis.settings.subscriptions.restingMemory))
    }

    private func event() async -> [UInt8]? {
        while true {
            let (isOver, ending) = state.withLock { ($0.isOver, $0.ending) }
            if isOver { return nil }
            let now = kinesis.clock.monotonicNanoseconds()
            if ending == nil, now >= deadline {
                close()
                return nil
            }
            do throws(AWSError) {
                if let ending { throw ending }
                if let message = try await attempt(deadline - now) { return message }
            } catch {
                close()
                return EventStreamMessage.exception(error, format)
            }
        }
    }

    /// What is there now, or a word after a while when nothing is; nil to try again.
    private func attempt(_ remaining: UInt64) async throws(AWSError) -> [UInt8]? {
        rest(at: 0)
        let owed = position.withLock { $0.pace?.wait(for: 0, kinesis.clock.monotonicNanoseconds()) ?? 0 }
        if owed > 0 {
            let pause = Duration.nanoseconds(Int64(clamping: min(owed, remaining)))
            _ = await wait { (try? await Task.sleep(for: pause)) != nil }
            return nil
        }
        let (stream, shard) = try await current()
        let offset = position.withLock { $0.offset }
        guard let records = try await read(from: offset, shard, stream) else {
            _ = await wait { (try? await Task.sleep(for: Self.shortage)) != nil }
            return nil
        }
        if let end = shard.endOffset, records.selection.next >= end {
            close()
            return message(records, shard, children: stream.children(of: shard.id))
        }
        if !records.selection.runs.isEmpty { return message(records, shard, children: nil) }
        let heartbeat = UInt64(clamping: kinesis.settings.subscriptions.heartbeatMilliseconds) &* 1_000_000
        let timeout = Duration.nanoseconds(Int64(clamping: min(heartbeat, remaining)))
        let (store, place) = (kinesis.store, [ShardReference(name.stream, name.shard): records.selection.next])
        let isNews = await wait { await store.awaitRecords(place, timeout: timeout) }
        // One that was woken to end says why instead.
        let isEnding = state.withLock { $0.isOver || $0.ending != nil }
        return isNews || isEnding || remaining <= heartbeat ? nil : message(records, shard, children: nil)
    }

    /// Runs what may take long in a task that whoever ends the subscription cancels.
    private func wait(_ work: @escaping @Sendable () async -> Bool) async -> Bool {
        let task = Task { await work() }
        let isWanted = state.withLock { state in
            state.wait = task
            return !state.isOver && state.ending == nil
        }
        if !isWanted { task.cancel() }
        let result = await task.value
        state.withLock { $0.wait = nil }
        return result
    }

    /// The shard and its stream as they are now.
    private func current() async throws(AWSError) -> (StreamDescription, ShardDescription) {
        let description: StreamDescription
        do throws(StoreError) {
            if let known = try kinesis.store.currentStream(stream) {
                description = known
            } else {
                description = try await kinesis.store.stream(stream)
            }
        } catch {
            throw kinesis.awsError(error)
        }
        guard description.id == name.stream else { throw kinesis.notFound(stream.name) }
        guard let shard = description.shard(name.shard) else { throw kinesis.shardMissing(name.shard, stream: stream.name) }
        return (description, shard)
    }

    /// What an event may hold now: the less is free, the more who wait are to have some of it.
    private var eventBytes: Int {
        let (limits, share) = (kinesis.settings.subscriptions, kinesis.subscriptions.memory)
        return min(limits.eventBytes, max(Self.leastEventBytes, (share.limit - share.reserved) / 8))
    }

    /// Nil when there is no memory for it now.
    private func read(
        from offset: Int64, _ shard: ShardDescription, _ stream: StreamDescription
    ) async throws(AWSError) -> RecordList? {
        var reader = ShardReader(
            ShardReference(name.stream, name.shard), from: offset, maxRecords: GetRecords.maxRecords,
            maxBytes: eventBytes)
        do throws(StoreError) {
            if try !reader.readFromMemory(kinesis.store, memory: memory) { try await reader.read(kinesis.store, memory: memory) }
        } catch .overloaded {
            return nil
        } catch {
            throw kinesis.readError(error, shard, stream: stream.key.name)
        }
        return try RecordList(reader, of: shard, format, encryption: kinesis.encryption(of: stream.id))
    }

    /// The event of some records, and where to go on after them.
    /// - Parameter children: at the shard's end.
    private func message(_ records: RecordList, _ shard: ShardDescription, children: [ShardDescription]?) -> [UInt8] {
        let (selection, now) = (records.selection, kinesis.now)
        let continuation = position.withLock { position -> SequenceNumber in
            position.offset = selection.next
            position.pace?.take(Int64(selection.byteCount), kinesis.clock.monotonicNanoseconds())
            if let arrival = selection.lastArrival {
                position.last = SequenceNumber(offset: selection.next - 1, in: shard, arrivalMilliseconds: arrival)
            }
            return position.last
                ?? (selection.next == 0
                    ? .starting(shard) : SequenceNumber(offset: selection.next - 1, in: shard, arrivalMilliseconds: now))
        }
        counters.recordsOut.add(selection.recordCount)
        counters.bytesOut.add(selection.byteCount)
        count(selection, lag: records.lag(now))
        let bound = records.bound + WireWriter.childBound * (children?.count ?? 0)
        return EventStreamMessage.bytes(.event("SubscribeToShardEvent"), format, capacity: bound) { memory in
            var writer = WireWriter(format, into: memory)
            writer.object { writer in
                records.write(to: &writer)
                // Clients tell the end by its absence.
                if children == nil { writer.field("ContinuationSequenceNumber", continuation.description) }
                writer.field("MillisBehindLatest", records.lag(now))
                if let children { writer.childShards(children) }
            }
            return writer.count
        }
    }
}

extension Subscription {
    /// An event is about to go out.
    private func count(_ selection: RecordSelection, lag: Int64) {
        minutes.record(kinesis.now) { values in
            values.add(.eventBytes, selection.byteCount)
            values.add(.eventLag, Int(clamping: lag))
            values.add(.eventRecords, selection.recordCount)
            values.add(.eventSuccess, 1)
        }
        kinesis.countShardRead(
            ShardReference(name.stream, name.shard), named: stream.name, records: selection.recordCount, bytes: selection.byteCount,
            age: lag)
    }
}

extension Kinesis {
    /// What answers say of the encryption of a stream's records, as far as it is known without waiting; nil for nothing.
    func encryption(of stream: StreamID) -> String? { attributes.known(stream)?.encryption }
}
