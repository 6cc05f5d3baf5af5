/// Decides conditions inside the commit, against small states that commits change and that recovery rebuilds from the journal.

internal import RecordBatch

/// The states that conditions are decided against: idempotent producers and marks. A value; whoever has the journal asks it.
///
/// `decide` judges an append after all that were decided before it, those of the group under way included; `commit` and `rollBack` say what became
/// of the group. What a decided append changes is a note, which stands in the same frame; each journal file begins with all states as one note,
/// so that older files may go.
package struct CommitLedger: Sendable {
    package enum Verdict: Equatable, Sendable {
        /// Append it, with this note if there is one.
        case append(note: [UInt8]?)
        /// It took place before: this was the answer.
        case present([LogAppended])
        case refuse(ConditionRefusal)
    }

    struct ProducerName: Hashable, Sendable, Comparable {
        var id: Int64
        var partition: LogID
        static func < (left: Self, right: Self) -> Bool { (left.partition, left.id) < (right.partition, right.id) }
    }

    /// A producer that has sent nothing for so long is forgotten, milliseconds (Kafka: producer.id.expiration.ms).
    package static let producerExpiry: Int64 = 86_400_000
    /// Beyond, those that have sent nothing for longest are forgotten earlier.
    package static let mostProducers = 20_000
    /// Names and values of all marks together: they are written anew with each journal file. Large tables are logs of their own.
    package static let mostMarkBytes = 4 << 20
    private static let markOverhead = 16

    private(set) var producers: [ProducerName: ProducerBook] = [:]
    private(set) var marks: [[UInt8]: Mark] = [:]
    private var markBytes = 0
    /// What the group under way would change.
    private var pendingProducers: [ProducerName: ProducerBook] = [:]
    private var pendingMarks: [[UInt8]: Mark?] = [:]
    private var pendingMarkBytes = 0

    package init() {}

    /// A mark as of the last commit.
    package func mark(_ name: [UInt8]) -> Mark? { marks[name] }

    // MARK: Deciding

    /// Judges an append, and takes its changes into the group under way if it may take place.
    /// - Parameters:
    ///   - arrival: of the group.
    ///   - next: the offset that a log's next record gets, the group under way included.
    ///   - ask: asks the rules of rooms above, when nothing else says no.
    package mutating func decide(
        _ append: LogAppend, arrival: Int64, next: (LogID) -> Int64, ask: () -> ConditionRefusal? = { nil }
    ) -> Verdict {
        for requirement in append.requirements {
            switch requirement {
            case .nextOffset(let log, let offset):
                guard next(log) == offset else { return .refuse(.nextOffset(log, actual: next(log))) }
            case .producer(let partition):
                switch judge(append, partition) {
                case .append: break
                case .present(let place): return .present([place])
                case .refuse(let refusal): return .refuse(refusal)
                }
            case .rule: break
            }
        }
        if let refusal = judge(append.marks) ?? ask() { return .refuse(refusal) }
        // Nothing says no: only now may anything be changed.
        let note = change(append, arrival: arrival, next: next)
        return .append(note: note.isEmpty ? nil : note)
    }

    /// Takes an append's changes into the group under way, and tells them as a note.
    private mutating func change(_ append: LogAppend, arrival: Int64, next: (LogID) -> Int64) -> [UInt8] {
        var note: [UInt8] = []
        for case .producer(let partition) in append.requirements {
            let (log, batch) = append.entries[0]
            let place = LogAppended(baseOffset: next(log), arrivalMilliseconds: arrival)
            let name = ProducerName(id: batch.producerID, partition: partition)
            let sent = ProducerBook.Sent(first: batch.baseSequence, last: CommitLedger.lastSequence(of: batch), place: place)
            var book = producer(name) ?? ProducerBook(epoch: batch.producerEpoch, sent: [])
            book.add(epoch: batch.producerEpoch, sent)
            pendingProducers[name] = book
            CommitNote.add(name, epoch: batch.producerEpoch, [sent], isWhole: false, to: &note)
        }
        for change in append.marks {
            pendingMarkBytes += bytes(of: change.name, change.mark) - bytes(of: change.name, mark(decided: change.name))
            pendingMarks[change.name] = .some(change.mark)
            CommitNote.add(change.name, change.mark, to: &note)
        }
        return note
    }

    private func judge(_ append: LogAppend, _ partition: LogID) -> ProducerBook.Verdict {
        guard append.entries.count == 1, append.requirements.count == 1, append.marks.isEmpty else {
            return .refuse(.misuse("a producer's sequence is kept by appends of one batch, and nothing else"))
        }
        let batch = append.entries[0].batch
        guard batch.producerID >= 0, batch.producerEpoch >= 0, batch.baseSequence >= 0 else {
            return .refuse(.misuse("the batch names no idempotent producer"))
        }
        let name = ProducerName(id: batch.producerID, partition: partition)
        // Of a producer that is not known any sequence is accepted (KIP-360).
        guard let book = producer(name) else { return .append }
        return book.judge(epoch: batch.producerEpoch, first: batch.baseSequence, last: CommitLedger.lastSequence(of: batch))
    }

    private func judge(_ changes: [MarkChange]) -> ConditionRefusal? {
        var seen: Set<[UInt8]> = []
        var growth = 0
        for change in changes {
            let actual = mark(decided: change.name)
            guard actual?.version ?? 0 == change.expected else { return .version(name: change.name, actual: actual?.version ?? 0) }
            guard change.name.count <= 255, !change.name.isEmpty else { return .misuse("a mark's name has 1 to 255 bytes") }
            guard change.mark.map({ $0.version > change.expected }) ?? true else {
                return .misuse("a mark's new version is above the one before")
            }
            guard seen.insert(change.name).inserted else { return .misuse("an append changes a mark once") }
            growth += bytes(of: change.name, change.mark) - bytes(of: change.name, actual)
        }
        if growth > 0, markBytes + pendingMarkBytes + growth > CommitLedger.mostMarkBytes {
            return .misuse("all marks together have at most \(CommitLedger.mostMarkBytes) bytes")
        }
        return nil
    }

    private func producer(_ name: ProducerName) -> ProducerBook? { pendingProducers[name] ?? producers[name] }

    private func mark(decided name: [UInt8]) -> Mark? {
        if let pending = pendingMarks[name] { return pending }
        return marks[name]
    }

    private func bytes(of name: [UInt8], _ mark: Mark?) -> Int {
        mark.map { CommitLedger.markOverhead + name.count + $0.value.count } ?? 0
    }

    /// Sequences wrap after 2147483647.
    private static func lastSequence(of batch: RecordBatch) -> Int32 {
        let last = Int64(batch.baseSequence) + Int64(batch.lastOffsetDelta)
        return Int32(truncatingIfNeeded: last > Int64(Int32.max) ? last - Int64(Int32.max) - 1 : last)
    }

    // MARK: The group's end

    /// The group is durable.
    package mutating func commit() {
        producers.merge(pendingProducers) { _, new in new }
        for (name, mark) in pendingMarks { marks[name] = mark }
        markBytes += pendingMarkBytes
        clearPending()
        if producers.count > CommitLedger.mostProducers { forgetIdleProducers() }
    }

    /// The group left no trace, or nobody knows.
    package mutating func rollBack() { clearPending() }

    private mutating func clearPending() {
        pendingProducers.removeAll(keepingCapacity: true)
        pendingMarks.removeAll(keepingCapacity: true)
        pendingMarkBytes = 0
    }

    /// The log is removed.
    package mutating func drop(_ log: LogID) {
        for name in producers.keys where name.partition == log { producers[name] = nil }
    }

    /// Forgets producers that have long sent nothing. As of a new journal file.
    package mutating func expire(at arrival: Int64) {
        for (name, book) in producers where book.lastArrival < arrival &- CommitLedger.producerExpiry { producers[name] = nil }
    }

    /// A tenth at once, so that it is seldom done.
    private mutating func forgetIdleProducers() {
        let names = producers.sorted { ($0.value.lastArrival, $0.key) < ($1.value.lastArrival, $1.key) }.map(\.key)
        for name in names.prefix(producers.count - CommitLedger.mostProducers * 9 / 10) { producers[name] = nil }
    }

    // MARK: Notes

    /// All states as a note; nil when there are none.
    package func snapshot() -> [UInt8]? {
        if producers.isEmpty, marks.isEmpty { return nil }
        var note: [UInt8] = []
        // Sorted, so that the same calls give the same bytes.
        for (name, book) in producers.sorted(by: { $0.key < $1.key }) {
            CommitNote.add(name, epoch: book.epoch, book.sent, isWhole: true, to: &note)
        }
        for (name, mark) in marks.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) { CommitNote.add(name, mark, to: &note) }
        return note
    }

    /// Takes in a note that recovery found, in the order of the journal.
    /// - Returns: false for a note that no version of ours writes.
    package mutating func replay(_ note: UnsafeRawBufferPointer) -> Bool {
        guard let items = CommitNote.items(note) else { return false }
        for item in items {
            switch item {
            case .producer(let name, let epoch, let sent, let isWhole):
                var book = isWhole ? ProducerBook(epoch: epoch, sent: []) : producers[name] ?? ProducerBook(epoch: epoch, sent: [])
                for batch in sent { book.add(epoch: epoch, batch) }
                producers[name] = book
            case .mark(let name, let mark):
                markBytes += bytes(of: name, mark) - bytes(of: name, marks[name])
                marks[name] = mark
            }
        }
        return true
    }
}
