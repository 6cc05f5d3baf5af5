/// A group of appends as it becomes a frame: what is decided about each, the frame's entries, and what each is answered.

internal import RecordBatch

/// The appends of one commit, in order.
struct CommitGroup {
    /// What becomes of an append if the group becomes durable.
    enum Fate {
        /// Its batches are in the frame; the number of its first one.
        case written(first: Int)
        /// Logs end with it; the number of the first entry that tells so.
        case succeeded(firstEntry: Int)
        /// It was decided without writing. Told at the group's end: it may rest on what the group holds.
        case decided(Result<[LogAppended], LogError>)
    }

    struct Member {
        var id: AppendID
        var request: AppendRequest
        var fate: Fate
    }

    let arrival: Int64
    private(set) var members: [Member] = []
    private(set) var entries: [JournalEntry] = []
    /// Those of the entries that are batches, with the places that they get.
    private(set) var batches: [RecordBatch] = []
    private(set) var logs: [LogID] = []
    private(set) var notes: [[UInt8]] = []
    /// Rules that said yes and are owed the outcome.
    private var rules: [any CommitRule] = []
    /// What the written members count for.
    private(set) var bytes = 0
    private var writtenCount: UInt32 = 0
    /// The offset that the next record of a log gets.
    private var ends: [LogID: Int64]

    /// - Parameter ends: for all logs that appear, the offset of the next record.
    init(arrival: Int64, ends: [LogID: Int64]) {
        self.arrival = arrival
        self.ends = ends
    }

    /// The ids of those that are written.
    var written: [AppendID] {
        members.compactMap { if case .decided = $0.fate { nil } else { $0.id } }
    }

    /// Bytes of batches and notes, for the size of the frame.
    var payloadBytes: Int { entries.reduce(0) { $1.kind.hasBytes ? $0 + Int($1.length) : $0 } }

    /// Decides about an append and takes it in.
    mutating func add(_ id: AppendID, _ request: AppendRequest, _ ledger: inout CommitLedger) {
        let append = request.append
        guard append.isConditional else { return add(id, request) }
        var agreed: [any CommitRule] = []
        let verdict = ledger.decide(append, arrival: arrival, next: { ends[$0] ?? 0 }, ask: { ask(append, &agreed) })
        switch verdict {
        case .append(let note):
            rules += agreed
            add(id, request, note: note)
        case .present(let places): decide(id, request, .success(places))
        case .refuse(let refusal): decide(id, request, .failure(.conditionFailed(refusal)))
        }
    }

    /// Takes in an append about which there is nothing to decide any more.
    mutating func add(_ id: AppendID, _ request: AppendRequest, note: [UInt8]? = nil) {
        if let succession = request.succession { return add(id, request, succession) }
        members.append(Member(id: id, request: request, fate: .written(first: batches.count)))
        bytes += request.bytes
        if let note {
            entries.append(JournalEntry(note: note, append: writtenCount))
            notes.append(note)
        }
        for (log, batch) in request.append.entries { write(batch, to: log) }
        writtenCount += 1
    }

    private mutating func write(_ batch: RecordBatch, to log: LogID) {
        let offset = ends[log] ?? 0
        entries.append(
            JournalEntry(
                kind: .batch, log: log, offset: offset, recordCount: UInt32(clamping: batch.recordCount),
                length: UInt32(clamping: batch.bytes.count), checksum: batch.crc, append: writtenCount))
        batches.append(batch.settingBaseOffset(offset))
        logs.append(log)
        ends[log] = offset + Int64(batch.recordCount)
    }

    private mutating func add(_ id: AppendID, _ request: AppendRequest, _ succession: LogSuccession) {
        members.append(Member(id: id, request: request, fate: .succeeded(firstEntry: entries.count)))
        bytes += request.bytes
        entries += succession.entries(append: writtenCount) { ends[$0] ?? 0 }
        writtenCount += 1
    }

    /// Takes in an append of which it is known already what it is to be told.
    mutating func decide(_ id: AppendID, _ request: AppendRequest, _ result: Result<[LogAppended], LogError>) {
        members.append(Member(id: id, request: request, fate: .decided(result)))
    }

    /// Asks the rules of rooms above; those that said yes before one that says no are told that nothing came of it.
    private func ask(_ append: LogAppend, _ agreed: inout [any CommitRule]) -> ConditionRefusal? {
        var next = ends
        let offsets = append.entries.map { log, batch in
            let offset = next[log] ?? 0
            next[log] = offset + Int64(batch.recordCount)
            return offset
        }
        for case .rule(let rule) in append.requirements {
            if let refusal = rule.decide(offsets: offsets, arrival: arrival) {
                for rule in agreed { rule.settle(isCommitted: false) }
                return .rule(refusal)
            }
            agreed.append(rule)
        }
        return nil
    }

    /// Tells the rules what became of the group.
    func settleRules(isCommitted: Bool) {
        for rule in rules { rule.settle(isCommitted: isCommitted) }
    }

    /// What all are told when the group is durable.
    var answers: [Answers.AppendAnswer] {
        members.map { member in
            switch member.fate {
            case .decided(let result): return (member.request, result)
            case .written(let first):
                let places = member.request.append.entries.indices.map { index in
                    LogAppended(baseOffset: batches[first + index].baseOffset, arrivalMilliseconds: arrival)
                }
                return (member.request, .success(places))
            case .succeeded(let first):
                let ends = (member.request.succession?.ending ?? []).indices.map { index in
                    LogAppended(baseOffset: entries[first + index].offset, arrivalMilliseconds: arrival)
                }
                return (member.request, .success(ends))
            }
        }
    }

    /// What all are told when it is not.
    func answers(_ error: LogError) -> [Answers.AppendAnswer] { members.map { ($0.request, .failure(error)) } }
}
