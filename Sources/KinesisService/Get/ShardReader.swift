/// Collects the batches that one GetRecords call will serve, within its limits and its memory.

import AWSWire
import RecordBatch
import StreamStore

/// Batches of a shard from an offset on.
struct ShardReader: Sendable {
    let shard: ShardReference
    let maxRecords: Int
    let maxBytes: Int
    /// Where reading began: the offset asked for, or the trim horizon if that lies later.
    private(set) var start: Int64
    /// In order. The first may begin before `start`.
    private(set) var batches: [StoredBatch] = []
    /// One past the last committed record, when it was last looked at.
    private(set) var highWatermark: Int64 = 0
    /// The record to read next.
    private var next: Int64
    private var recordCount: Int64 = 0
    private var byteCount = 0

    /// How much is asked for at once.
    private static let largestChunk = 1 << 20
    private static let smallestChunk = 64 << 10

    init(_ shard: ShardReference, from start: Int64, maxRecords: Int, maxBytes: Int) {
        self.shard = shard
        self.start = start
        next = start
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
    }

    /// Whether to go on reading.
    private enum Step {
        case readOn, done
        /// Whoever must not wait stops here.
        case wait
    }

    /// Reads what is to be had without waiting: records in memory that are not compressed.
    /// - Returns: whether that was all; if not, `read` goes on.
    /// - Throws: as `read`.
    mutating func readFromMemory(_ store: any StreamStore, memory: ReadMemory) throws(StoreError) -> Bool {
        while let chunk = nextChunk {
            var step: Step
            do throws(StoreError) {
                guard let read = try store.readFromMemory(shard, from: next, maxBytes: chunk) else { return false }
                step = try take(read, memory, mayDecompress: false)
            } catch {
                step = try goOn(after: error)
            }
            switch step {
            case .readOn: continue
            case .done: return true
            case .wait: return false
            }
        }
        return true
    }

    /// Reads until there is enough, or no more, or no memory; then fewer records are served, as Kinesis may.
    /// - Throws: `.overloaded` when there is no memory for even one batch; `.damaged` when the first record wanted is; and others.
    mutating func read(_ store: any StreamStore, memory: ReadMemory) async throws(StoreError) {
        while let chunk = nextChunk {
            let step: Step
            do throws(StoreError) {
                step = try take(try await store.read(shard, from: next, maxBytes: chunk), memory, mayDecompress: true)
            } catch {
                step = try goOn(after: error)
            }
            if step != .readOn { return }
        }
    }

    /// As the other `read`, on a thread that may wait.
    mutating func read(_ read: BlockingRead, memory: ReadMemory) throws(StoreError) {
        while let chunk = nextChunk {
            let step: Step
            do throws(StoreError) {
                step = try take(try read(shard, next, chunk), memory, mayDecompress: true)
            } catch {
                step = try goOn(after: error)
            }
            if step != .readOn { return }
        }
    }

    /// How many bytes to ask for; nil when there is enough.
    private var nextChunk: Int? {
        guard recordCount < maxRecords, byteCount < maxBytes else { return nil }
        let wanted = (Int64(maxRecords) - recordCount) * 1024
        return Int(min(max(wanted, Int64(Self.smallestChunk)), Int64(Self.largestChunk), Int64(maxBytes - byteCount)))
    }

    private mutating func take(_ read: ShardRead, _ memory: ReadMemory, mayDecompress: Bool) throws(StoreError) -> Step {
        highWatermark = read.bounds.highWatermark
        guard !read.batches.isEmpty else { return .done }
        for stored in read.batches where recordCount < maxRecords && byteCount < maxBytes {
            if stored.batch.codec != .none, !mayDecompress { return .wait }
            guard let batch = Self.plain(stored, memory) else {
                if batches.isEmpty { throw .overloaded }
                return .done
            }
            batches.append(batch)
            byteCount += batch.batch.bytes.count
            recordCount += batch.endOffset - max(next, batch.baseOffset)
            next = batch.endOffset
        }
        return next >= highWatermark ? .done : .readOn
    }

    private mutating func goOn(after error: StoreError) throws(StoreError) -> Step {
        if case .offsetOutOfRange(_, _, let bounds) = error, batches.isEmpty {
            highWatermark = bounds.highWatermark
            // What lay before the trim horizon is gone; what lies past the end is not there yet.
            guard next < bounds.startOffset else { return .done }
            start = bounds.startOffset
            next = start
            return .readOn
        }
        // What was read before damage is served; the next call will meet it first.
        if batches.isEmpty { throw error }
        return .done
    }

    /// A batch with its records as they were before compression, its memory reserved; nil when that is not to be had.
    private static func plain(_ stored: StoredBatch, _ memory: ReadMemory) -> StoredBatch? {
        guard let batch = decompressed(stored.batch, memory), memory.extend(by: cost(of: batch)) else { return nil }
        var plain = stored
        plain.batch = batch
        return plain
    }

    /// A batch out of its compression; as it is when that fails, for the answer will say so; nil when there is no memory to try.
    ///
    /// How large it becomes is not known before, so room is reserved for what is likely, and for more when that was too little.
    private static func decompressed(_ batch: RecordBatch, _ memory: ReadMemory) -> RecordBatch? {
        guard batch.codec != .none else { return batch }
        let most = RecordBatch.defaultMaxDecompressedBytes
        var bound = min(max(16 * batch.bytes.count, smallestChunk), most)
        while true {
            // The decompressor's buffer takes up to twice the bound, and the batch is copied from it.
            let room = 3 * bound
            guard memory.extend(by: room) else { return nil }
            defer { memory.shrink(by: room) }
            do throws(RecordBatchError) {
                return try batch.decompressed(maxBytes: bound)
            } catch .codec(.tooLarge) {
                guard bound < most else { return batch }
                bound = min(4 * bound, most)
            } catch {
                return batch
            }
        }
    }

    /// The memory that a batch and its records in an answer take: the bytes, base64, and what stands around each record.
    private static func cost(of batch: RecordBatch) -> Int {
        3 * batch.bytes.count + 256 * min(batch.recordCount, GetRecords.maxRecords)
    }
}
