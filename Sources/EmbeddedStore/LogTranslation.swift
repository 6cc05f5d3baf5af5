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

extension StoredBatch {
    init(_ batch: LogBatch) {
        self.init(baseOffset: batch.baseOffset, arrivalMilliseconds: batch.arrivalMilliseconds, batch: batch.batch)
    }
}

extension ShardRead {
    init(_ read: LogRead) {
        self.init(
            batches: read.batches.map { StoredBatch($0) },
            bounds: ShardBounds(startOffset: read.startOffset, highWatermark: read.highWatermark))
    }
}

extension StoreError {
    init(_ error: LogError) {
        switch error {
        case .logNotFound(let log):
            self = .shardNotFound(ShardReference(log))
        case .ended(let log):
            self = .shardClosed(ShardReference(log))
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
        case .conditionFailed(let refusal):
            self = .conditionFailed(ConditionFailure(refusal))
        case .closed:
            self = .failed("the store is closed")
        case .failed(let words):
            self = .failed(words)
        case .unknownFormat(let format):
            self = .failed("\(format)")
        }
    }
}

extension LogRequirement {
    init(_ requirement: AppendCondition.Requirement) {
        switch requirement {
        case .nextOffset(let shard, let offset): self = .nextOffset(LogID(shard), offset)
        case .producer(let partition): self = .producer(partition: LogID(partition))
        }
    }
}

extension ConditionFailure {
    init(_ refusal: ConditionRefusal) {
        switch refusal {
        case .nextOffset(let log, let actual): self = .nextOffset(ShardReference(log), actual: actual)
        case .version(let name, let actual): self = .version(StateKey(markName: name), actual: actual)
        case .producerFenced(let current): self = .producerFenced(current: current)
        case .sequence(let expected): self = .sequence(expected: expected)
        case .duplicate: self = .duplicate
        case .rule(let words), .misuse(let words): self = .misuse(words)
        }
    }
}

extension StateKey {
    /// Kind, a zero byte, name.
    var markName: [UInt8] { Array(kind.utf8) + [0] + Array(name.utf8) }

    init(markName: [UInt8]) {
        let parts = markName.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            String(decoding: parts.first ?? [], as: UTF8.self), String(decoding: parts.dropFirst().first ?? [], as: UTF8.self))
    }
}

extension MarkChange {
    /// - Throws: `.conditionFailed(.misuse)` for a key that is too long.
    init(_ change: StateChange) throws(StoreError) {
        guard change.key.kind.utf8.count <= 64, !change.key.kind.utf8.contains(0), change.key.name.utf8.count <= 128 else {
            throw .conditionFailed(.misuse("a state's kind has at most 64 bytes and no zero byte, its name at most 128"))
        }
        guard change.expected < .max else { throw .conditionFailed(.misuse("there is no version after the greatest number")) }
        self.init(
            name: change.key.markName, expected: change.expected,
            mark: change.value.map { Mark(version: change.expected + 1, value: $0) })
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
