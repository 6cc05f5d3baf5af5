/// The seam between what users speak to and where records live (DESIGN, decision 11).

public import RecordBatch

/// One batch for one shard. The store sets its base offset and compresses it where the stream says so (`StreamSettings`); all else stays as it
/// came.
public struct ShardAppend: Sendable {
    public var shard: ShardReference
    public var batch: RecordBatch
    public init(_ shard: ShardReference, _ batch: RecordBatch) {
        self.shard = shard
        self.batch = batch
    }
}

/// Proof of who may append on behalf of an owner: the newest epoch claimed wins, older ones are refused.
public struct Fence: Hashable, Sendable, Codable {
    /// Such as `application/weather`.
    public var owner: String
    public var epoch: UInt64
    public init(owner: String, epoch: UInt64) {
        self.owner = owner
        self.epoch = epoch
    }
}

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
    public init(batches: [StoredBatch], bounds: ShardBounds) {
        self.batches = batches
        self.bounds = bounds
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

/// What a store refuses or fails with.
public enum StoreError: Error, Sendable, Hashable {
    case streamNotFound(StreamKey)
    case shardNotFound(ShardReference)
    case streamExists(StreamKey)
    /// The stream's state forbids the change.
    case streamBusy(StreamKey, StreamStatus)
    case shardClosed(ShardReference)
    /// The shard limit of the node.
    case shardLimitExceeded(limit: Int, current: Int, requested: Int)
    /// A newer epoch was claimed.
    case fenced(Fence, current: UInt64)
    /// The offset lies before the trim horizon or past the high watermark.
    case offsetOutOfRange(ShardReference, offset: Int64, ShardBounds)
    /// Records in this range are damaged and quarantined; reading may go on at `through + 1`.
    case damaged(ShardReference, from: Int64, through: Int64)
    /// The node no longer accepts appends (a failed fsync, a full disk) and says why; reads go on.
    case readOnly(reason: String)
    /// Memory for pending appends is used up; try again.
    case overloaded
    /// A bug or a failing disk, in words.
    case failed(String)
}

/// Sharded append-only streams with retention: create, append, read, fence.
///
/// Implementations: `EmbeddedStore` on this machine; later a Kafka cluster. All calls may be made from any task.
public protocol StreamStore: Sendable {
    // MARK: Streams

    /// Creates a stream; it is `.active` when the life-cycle delay has passed. Hidden streams know no delay and do not count toward the
    /// shard limit.
    /// - Throws: `.streamExists`, `.shardLimitExceeded`.
    func createStream(_ definition: StreamDefinition) async throws(StoreError) -> StreamDescription
    /// Deletes a stream and its records; it is gone when the life-cycle delay has passed. Until then reads go on.
    /// - Throws: `.streamNotFound`; `.streamBusy` when it is DELETING already.
    func deleteStream(_ key: StreamKey) async throws(StoreError)
    /// - Throws: `.streamNotFound`.
    func stream(_ key: StreamKey) async throws(StoreError) -> StreamDescription
    /// Changes a stream's tags, durably and in one step: no other change of the stream comes between. Those that are settings
    /// (`StreamSettings`) hold for every append that begins after this returns.
    /// - Parameter change: is given the tags as they stand; returns false to leave them so.
    /// - Returns: what `change` returned.
    /// - Throws: `.streamNotFound`; `.streamBusy` while the stream is CREATING or DELETING.
    func changeTags(
        _ key: StreamKey, _ change: @escaping @Sendable (inout [String: String]) -> Bool
    ) async throws(StoreError) -> Bool
    /// All streams of a namespace, by name.
    func streams(in namespace: StreamNamespace) async throws(StoreError) -> [StreamDescription]

    // MARK: Records

    /// Appends batches to one or several shards, all or nothing, durable when it returns (DESIGN, decisions 3 and 7).
    /// The results stand in the order of the entries.
    /// - Throws: `.fenced` when `fence` is no longer the newest of its owner, `.shardNotFound`, `.shardClosed`, `.streamBusy` while a stream is
    ///   CREATING or DELETING, `.readOnly`, `.overloaded`; then nothing was appended. Only after `.readOnly` (a failed sync) may the append
    ///   be found at the next start.
    func append(_ entries: [ShardAppend], fence: Fence?) async throws(StoreError) -> [Appended]
    /// Ordered by the call: two submits from one place are appended in that order. `answer` is called exactly once, at `place`.
    func submit(
        _ append: Append, at place: any AnswerPlace,
        _ answer: @escaping @Sendable (Result<[Appended], StoreError>) -> Void)
    /// Committed batches from the one that holds `offset` on, at most `maxBytes` of them but at least one if there is any.
    /// An `offset` equal to the high watermark gives no batches.
    /// - Throws: `.offsetOutOfRange`, `.damaged`, `.shardNotFound`.
    func read(_ shard: ShardReference, from offset: Int64, maxBytes: Int) async throws(StoreError) -> ShardRead
    /// The readable span.
    func bounds(_ shard: ShardReference) async throws(StoreError) -> ShardBounds
    /// The first offset whose record arrived at or after a time; the high watermark when there is none.
    func firstOffset(_ shard: ShardReference, arrivedAtOrAfter milliseconds: Int64) async throws(StoreError) -> Int64
    /// Returns when one of the shards has records at or past the offset given for it or does not exist, or after `timeout`, or when
    /// the task is cancelled.
    /// - Returns: whether there are such records or such a shard is missing: reading tells which.
    func awaitRecords(_ positions: [ShardReference: Int64], timeout: Duration) async -> Bool
    /// A time T (milliseconds since 1970-01-01 UTC) near now such that every record with arrival <= T is readable and every later
    /// append will arrive after T. The engine's watermark. Never decreases.
    func settledTime() async -> Int64
    /// Lets the store drop whole batches before an offset (a hidden stream whose records were delivered or covered by a snapshot).
    /// The trim horizon becomes that offset; one before the horizon does nothing.
    /// - Throws: `.offsetOutOfRange` past the high watermark, `.shardNotFound`.
    func trim(_ shard: ShardReference, before offset: Int64) async throws(StoreError)

    // MARK: Fences and definitions

    /// Claims the next epoch of an owner, durably; appends under earlier ones are refused from now on, and those in flight have ended
    /// when it returns: what the new owner then reads is all that the earlier ones will ever have appended.
    func claim(owner: String) async throws(StoreError) -> Fence
    /// Durable definitions and small states of the rooms above: applications, delivery streams, their cuts.
    func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]?
    func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])]
    /// Sets (or with nil removes) definitions in one durable transaction.
    func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError)
}

/// What a definition is of.
public enum DefinitionKind: String, Sendable, Codable, CaseIterable {
    case application
    case deliveryStream
    /// How far a delivery stream has delivered, and the object it is about to write.
    case deliveryProgress
}

/// The name of a definition.
public struct DefinitionKey: Hashable, Sendable {
    public var kind: DefinitionKind
    public var name: String
    public init(_ kind: DefinitionKind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}
