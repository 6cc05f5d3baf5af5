/// The log of records: shards are appended to, read, waited for and trimmed.

import Host
public import RecordBatch

/// Where a batch of an acknowledged append lies.
public struct Appended: Hashable, Sendable {
    /// The offset of the batch's first record; the others follow without gaps.
    public var baseOffset: Int64
    /// The append's arrival time, milliseconds since 1970-01-01 UTC.
    public var arrivalMilliseconds: Int64
    public init(baseOffset: Int64, arrivalMilliseconds: Int64) {
        self.baseOffset = baseOffset
        self.arrivalMilliseconds = arrivalMilliseconds
    }
}

/// A committed batch with what the store knows of it.
public struct StoredBatch: Sendable {
    /// The offset of the batch's first record. The batch's own header carries it too.
    public var baseOffset: Int64
    /// Never decreasing within a shard; Kinesis's ApproximateArrivalTimestamp and the engine's ROWTIME.
    public var arrivalMilliseconds: Int64
    public var batch: RecordBatch
    public init(baseOffset: Int64, arrivalMilliseconds: Int64, batch: RecordBatch) {
        self.baseOffset = baseOffset
        self.arrivalMilliseconds = arrivalMilliseconds
        self.batch = batch
    }
    /// One past the offset of the batch's last record.
    public var endOffset: Int64 { baseOffset + Int64(batch.recordCount) }
}

/// What a read of a shard gave.
public struct ShardRead: Sendable {
    /// In order of offset. The first may begin before the offset asked for: batches are served whole.
    public var batches: [StoredBatch]
    /// The span the shard held at the time of the read.
    public var bounds: ShardBounds
    /// One past the shard's last offset once it is closed; nil while it is open. Whoever has read up to there has read all of it.
    public var endOffset: Int64?
    /// Where to go on after the end of a closed shard: what a split or a merge made of it. Empty while it is open.
    public var children: [ShardDescription]
    public init(
        batches: [StoredBatch], bounds: ShardBounds, endOffset: Int64? = nil, children: [ShardDescription] = []
    ) {
        self.batches = batches
        self.bounds = bounds
        self.endOffset = endOffset
        self.children = children
    }
}

/// The readable span of a shard.
public struct ShardBounds: Hashable, Sendable {
    /// The trim horizon: the first offset still held.
    public var startOffset: Int64
    /// The high watermark: one past the last committed offset.
    public var highWatermark: Int64
    public init(startOffset: Int64, highWatermark: Int64) {
        self.startOffset = startOffset
        self.highWatermark = highWatermark
    }
}

/// What a store can do that not every store can. Who needs one of these asks first, and has another way where the answer is no (see the article
/// <doc:Seams>).
public struct StoreCapabilities: OptionSet, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// An append to several shards is all or nothing. Without it an append has one entry, and what belongs together is one record: an envelope.
    public static let multiShardAppends = StoreCapabilities(rawValue: 1 << 0)
    /// An append may be held to the offset that its shard gives next.
    public static let expectedOffsets = StoreCapabilities(rawValue: 1 << 1)
    /// Batches of idempotent producers are appended once, however often they are sent.
    public static let idempotentProducers = StoreCapabilities(rawValue: 1 << 2)
    /// States may be changed in the same commit as records.
    public static let statesWithRecords = StoreCapabilities(rawValue: 1 << 3)
    /// An append under an old fence is refused. Without it every reader ignores what was appended under one.
    public static let refusesOldFences = StoreCapabilities(rawValue: 1 << 4)
}

/// As `RecordLog.read`, but blocks the calling thread.
public typealias BlockingRead = (_ shard: ShardReference, _ offset: Int64, _ maxBytes: Int) throws(StoreError) -> ShardRead

/// Shards of records.
public protocol RecordLog: Sendable {
    var capabilities: StoreCapabilities { get }

    /// Appends in the order of the calls: of two submits from one place the first is appended first. Returns at once.
    ///
    /// `answer` is called exactly once, at `place`, with what `append` would return or throw. Answers of one commit that belong to one place are given
    /// together.
    func submit(
        _ append: Append, at place: any AnswerPlace,
        _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void)
    /// Appends batches to one or several shards, all or nothing, durable when it returns (DESIGN, decisions 3 and 9).
    /// The results stand in the order of the entries.
    /// - Throws: `.conditionFailed`; `.fenced` when the fence is no longer the newest of its owner, `.shardNotFound`, `.shardClosed`, `.streamBusy` while
    ///   a stream is CREATING or DELETING, `.readOnly`, `.overloaded`; then nothing was appended. Only after `.readOnly` (a failed sync) may the
    ///   append be found at the next start.
    func append(_ append: Append) async throws(StoreError) -> [Appended]
    /// Committed batches from the one that holds `offset` on, at most `maxBytes` of them but at least one if there is any.
    /// An `offset` equal to the high watermark gives no batches.
    /// - Throws: `.offsetOutOfRange`, `.damaged`, `.shardNotFound`.
    func read(_ shard: ShardReference, from offset: Int64, maxBytes: Int) async throws(StoreError) -> ShardRead
    /// The batches that hold some offsets, which rise; one that holds several is given once. Offsets that the shard does not hold (any more) have none.
    /// - Throws: `.damaged`, `.shardNotFound`.
    func batches(_ shard: ShardReference, holding offsets: [Int64]) async throws(StoreError) -> [StoredBatch]
    /// As `read`, without waiting; nil where the batches are not in memory.
    func readFromMemory(_ shard: ShardReference, from offset: Int64, maxBytes: Int) throws(StoreError) -> ShardRead?
    /// Runs `work`, soon, on a thread that may wait for the disk, with reads that do: a caller that wants several, one after the other, and is no task
    /// itself, has them without a thread being woken for each. False, with nothing done, where the store has no such threads: then `read` is the way.
    func submitReads(_ work: @escaping @Sendable (_ read: BlockingRead) -> Void) -> Bool
    /// The readable span.
    func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds
    /// The first offset whose record arrived at or after a time; the high watermark when there is none.
    func firstOffset(_ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64) async throws(StoreError) -> Int64
    /// Returns when one of the shards has records at or past the offset given for it, ends at or before it, or does not exist, or after
    /// `timeout`, or when the task is cancelled. So a shard that was read to its end is not to be waited for.
    /// - Returns: whether there are such records, such an end, or such a shard is missing: reading tells which.
    func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool
    /// A time T (milliseconds since 1970-01-01 UTC) near now such that every record with arrival <= T is readable and every later
    /// append will arrive after T. The engine's watermark. Never decreases.
    func settledTime() async -> Int64
    /// Lets the store drop whole batches before an offset (a hidden stream whose records were delivered or covered by a snapshot).
    /// The trim horizon becomes that offset; one before the horizon does nothing.
    /// - Throws: `.offsetOutOfRange` past the high watermark, `.shardNotFound`.
    func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError)
}

extension RecordLog {
    /// An append without a condition; see the other `append`.
    public func append(_ entries: [ShardAppend], fence: Fence?) async throws(StoreError) -> [Appended] {
        try await append(Append(entries, fence: fence))
    }

    /// One read after the other.
    public func batches(_ shard: ShardReference, holding offsets: [Int64]) async throws(StoreError) -> [StoredBatch] {
        var found: [StoredBatch] = []
        for offset in offsets where found.last.map({ $0.endOffset <= offset }) ?? true {
            do throws(StoreError) {
                found += try await read(shard, from: offset, maxBytes: 1).batches.prefix(1)
            } catch .offsetOutOfRange {
                continue
            }
        }
        return found
    }

    /// Waits for the answer to `submit`.
    public func append(_ append: Append) async throws(StoreError) -> [Appended] {
        try await withCheckedContinuation { continuation in
            submit(append, at: TaskPool.shared) { continuation.resume(returning: $0) }
        }.get()
    }
}
