/// What appends under conditions must come to: decided one after the other, in the order in which they were handed in.

internal import Host
internal import RecordBatch
internal import StreamLog

/// An append as it was handed in.
struct SubmittedAppend: Sendable {
    var number: Int
    var append: LogAppend
    /// The numbers of its batches.
    var batches: [Int]
    /// A key whose newest record must be at this offset; -1: it must have none. Decided by a rule.
    var key: (name: Int, expected: Int64)?
}

/// The state that conditions are decided against, by the letter of what the log promises.
struct ConditionModel: Equatable {
    struct Placed: Equatable {
        var batch: Int
        var base: Int64
        var end: Int64
    }

    struct Producer: Hashable {
        var id: Int64
        var partition: LogID
    }

    struct Sent: Equatable {
        var epoch: Int16
        var first: Int32
        var count: Int32
        var base: Int64
    }

    enum Verdict: Equatable {
        /// The offsets of its batches.
        case taken([Int64])
        case refused(ConditionRefusal)
    }

    var logs: [LogID: [Placed]] = [:]
    var marks: [[UInt8]: Mark] = [:]
    var producers: [Producer: [Sent]] = [:]
    /// The offset of each key's newest record.
    var keys: [Int: Int64] = [:]

    func end(of log: LogID) -> Int64 { logs[log]?.last?.end ?? 0 }

    /// What can be seen of it from outside: producers show themselves later.
    func looksLike(_ other: ConditionModel) -> Bool { logs == other.logs && marks == other.marks }

    /// Decides about an append, and carries it out if it may take place.
    mutating func decide(_ submitted: SubmittedAppend) -> Verdict {
        let append = submitted.append
        for requirement in append.requirements {
            switch requirement {
            case .nextOffset(let log, let offset):
                if end(of: log) != offset { return .refused(.nextOffset(log, actual: end(of: log))) }
            case .producer(let partition):
                switch judge(append.entries[0].batch, partition) {
                case nil: break
                case .some(let verdict): return verdict
                }
            case .rule: break
            }
        }
        for change in append.marks where marks[change.name]?.version ?? 0 != change.expected {
            return .refused(.version(name: change.name, actual: marks[change.name]?.version ?? 0))
        }
        if let key = submitted.key, keys[key.name] ?? -1 != key.expected { return .refused(.rule("\(keys[key.name] ?? -1)")) }
        return .taken(carryOut(submitted))
    }

    private func judge(_ batch: RecordBatch, _ partition: LogID) -> Verdict? {
        guard let sent = producers[Producer(id: batch.producerID, partition: partition)], let newest = sent.last else { return nil }
        if batch.producerEpoch < newest.epoch { return .refused(.producerFenced(current: newest.epoch)) }
        if batch.producerEpoch > newest.epoch { return batch.baseSequence == 0 ? nil : .refused(.sequence(expected: 0)) }
        if let same = sent.last(where: { $0.first == batch.baseSequence && Int($0.count) == batch.recordCount }) {
            return .taken([same.base])
        }
        let expected = newest.first + newest.count
        if batch.baseSequence == expected { return nil }
        return .refused(batch.baseSequence < expected && sent.count == 5 ? .duplicate : .sequence(expected: expected))
    }

    private mutating func carryOut(_ submitted: SubmittedAppend) -> [Int64] {
        var offsets: [Int64] = []
        for ((log, batch), number) in zip(submitted.append.entries, submitted.batches) {
            let base = end(of: log)
            offsets.append(base)
            logs[log, default: []].append(Placed(batch: number, base: base, end: base + Int64(batch.recordCount)))
        }
        for change in submitted.append.marks { marks[change.name] = change.mark }
        for case .producer(let partition) in submitted.append.requirements {
            let batch = submitted.append.entries[0].batch
            let name = Producer(id: batch.producerID, partition: partition)
            var sent = (producers[name] ?? []).filter { $0.epoch == batch.producerEpoch }
            sent.append(
                Sent(
                    epoch: batch.producerEpoch, first: batch.baseSequence, count: Int32(clamping: batch.recordCount),
                    base: offsets[0]))
            producers[name] = sent.suffix(5)
        }
        if let key = submitted.key, let offset = offsets.first { keys[key.name] = offset }
        return offsets
    }
}

/// A table of keys, kept by a room above: where the newest record of each lies. What is undecided is taken back if nothing comes of it.
final class KeyTable: @unchecked Sendable {
    private var offsets: [Int: Int64]
    private var undecided: [(key: Int, before: Int64?)] = []

    init(_ offsets: [Int: Int64]) { self.offsets = offsets }

    func rule(_ key: Int, expected: Int64) -> any CommitRule { Rule(table: self, key: key, expected: expected) }

    private final class Rule: CommitRule, @unchecked Sendable {
        let table: KeyTable
        let key: Int
        let expected: Int64
        init(table: KeyTable, key: Int, expected: Int64) {
            self.table = table
            self.key = key
            self.expected = expected
        }

        func decide(offsets: [Int64], arrival: Int64) -> String? {
            let actual = table.offsets[key] ?? -1
            guard actual == expected, let offset = offsets.first else { return "\(actual)" }
            table.undecided.append((key, table.offsets[key]))
            table.offsets[key] = offset
            return nil
        }

        func settle(isCommitted: Bool) {
            if isCommitted { table.undecided.removeFirst() } else { table.takeBack() }
        }
    }

    /// The last one first: several can be of one key.
    private func takeBack() {
        guard let last = undecided.popLast() else { return }
        offsets[last.key] = last.before
    }
}

/// A place that runs its work when it is told to, as an event loop does that is busy.
final class QueuedPlace: AnswerPlace, @unchecked Sendable {
    private var work: [@Sendable () -> Void] = []
    /// How often it was woken.
    private(set) var wakes = 0

    func run(_ work: @escaping @Sendable () -> Void) {
        wakes += 1
        self.work.append(work)
    }

    func catchUp() {
        let due = work
        work = []
        for one in due { one() }
    }
}
