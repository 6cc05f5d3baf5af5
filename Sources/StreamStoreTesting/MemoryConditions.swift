/// Conditions of appends to a `MemoryStore`, by the letter of the seam.

import RecordBatch
import StreamStore

/// An idempotent producer in one partition.
struct ProducerKey: Hashable {
    var id: Int64
    var partition: ShardReference
}

/// A batch that an idempotent producer sent.
struct SentBatch {
    var epoch: Int16
    var first: Int32
    var last: Int32
    var place: Appended
}

extension MemoryState {
    enum Verdict {
        case append
        case present([Appended])
        case refuse(ConditionFailure)
    }

    /// How many batches of a producer are remembered.
    private static let remembered = 5

    func judge(_ append: Append) -> Verdict {
        for requirement in append.condition?.requirements ?? [] {
            switch requirement {
            case .nextOffset(let shard, let offset):
                let next = logs[shard]?.bounds.highWatermark ?? 0
                if next != offset { return .refuse(.nextOffset(shard, actual: next)) }
            case .producer(let partition):
                guard append.entries.count == 1, append.condition?.requirements.count == 1, append.states.isEmpty,
                    let batch = append.entries.first?.batch, batch.producerID >= 0, batch.producerEpoch >= 0,
                    batch.baseSequence >= 0
                else { return .refuse(.misuse("the append is not one batch of an idempotent producer")) }
                let verdict = judge(batch, partition)
                if case .append = verdict { continue }
                return verdict
            }
        }
        for change in append.states {
            let version = smallStates[change.key]?.version ?? 0
            if version != change.expected { return .refuse(.version(change.key, actual: version)) }
        }
        guard Set(append.states.map(\.key)).count == append.states.count else {
            return .refuse(.misuse("an append changes a state once"))
        }
        return .append
    }

    private func judge(_ batch: RecordBatch, _ partition: ShardReference) -> Verdict {
        guard let sent = producers[ProducerKey(id: batch.producerID, partition: partition)], let newest = sent.last else {
            return .append
        }
        if batch.producerEpoch < newest.epoch { return .refuse(.producerFenced(current: newest.epoch)) }
        if batch.producerEpoch > newest.epoch { return batch.baseSequence == 0 ? .append : .refuse(.sequence(expected: 0)) }
        let last = Self.lastSequence(batch)
        if let there = sent.last(where: { $0.first == batch.baseSequence && $0.last == last }) { return .present([there.place]) }
        let expected = newest.last == .max ? 0 : newest.last + 1
        if batch.baseSequence == expected { return .append }
        return .refuse(
            expected &- batch.baseSequence > 0 && sent.count == Self.remembered ? .duplicate : .sequence(expected: expected))
    }

    private static func lastSequence(_ batch: RecordBatch) -> Int32 {
        let last = Int64(batch.baseSequence) + Int64(batch.recordCount) - 1
        return Int32(truncatingIfNeeded: last > Int64(Int32.max) ? last - Int64(Int32.max) - 1 : last)
    }

    /// Takes in what an append that took place changes.
    mutating func remember(_ append: Append, _ appended: [Appended]) {
        for case .producer(let partition) in append.condition?.requirements ?? [] {
            guard let batch = append.entries.first?.batch, let place = appended.first else { continue }
            let key = ProducerKey(id: batch.producerID, partition: partition)
            var sent = (producers[key] ?? []).filter { $0.epoch == batch.producerEpoch }
            sent.append(
                SentBatch(
                    epoch: batch.producerEpoch, first: batch.baseSequence, last: Self.lastSequence(batch), place: place))
            producers[key] = sent.suffix(Self.remembered)
        }
        for change in append.states {
            smallStates[change.key] = change.value.map { SmallState(version: change.expected + 1, value: $0) }
        }
    }
}
