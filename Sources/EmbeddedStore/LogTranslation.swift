/// The log's names, values and errors in the words of the seam.

import StreamLog
import StreamStore

extension LogID {
    init(_ shard: ShardReference) {
        self.init(stream: shard.stream.rawValue, shard: shard.shard.index)
    }
}

extension ShardReference {
    init(_ log: LogID) {
        self.init(StreamID(log.stream), ShardID(log.shard))
    }
}

extension ShardRead {
    init(_ read: LogRead) {
        self.init(
            batches: read.batches.map {
                StoredBatch(
                    baseOffset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds, batch: $0.batch)
            },
            bounds: ShardBounds(startOffset: read.startOffset, highWatermark: read.highWatermark))
    }
}

extension StoreError {
    init(_ error: LogError) {
        switch error {
        case .logNotFound(let log):
            self = .shardNotFound(ShardReference(log))
        case .offsetOutOfRange(let log, let offset, let startOffset, let highWatermark):
            self = .offsetOutOfRange(
                ShardReference(log), offset: offset,
                ShardBounds(startOffset: startOffset, highWatermark: highWatermark))
        case .damaged(let log, let from, let through):
            self = .damaged(ShardReference(log), from: from, through: through)
        case .readOnly(let reason):
            self = .readOnly(reason: reason)
        case .overloaded:
            self = .overloaded
        case .closed:
            self = .failed("the store is closed")
        case .failed(let words):
            self = .failed(words)
        }
    }
}

extension Writability {
    init(_ state: LogState) {
        switch state {
        case .accepting: self = .writable
        case .readOnly(let reason): self = .readOnly(reason: reason)
        }
    }
}
