/// Decides what a run appends next: whole cuts, or the parts of one that is too large, or rows on their way.

import StreamStore

/// Cuts that were computed and are not durable yet, and rows that are durable but not in their destinations yet.
///
/// A cut that fits goes out in one append with its commit. One that does not is first written to the hidden stream in parts; its commit stands
/// with the last of them, and from there its rows are copied.
struct CommitQueue: Sendable {
    /// One append: records for the outputs and for the hidden stream.
    struct Step: Sendable {
        var rows: [(output: String, rows: OutgoingRows)] = []
        var records: [StateRecord]
        fileprivate var effect: Effect
    }

    fileprivate enum Effect: Sendable {
        /// The first cut is durable.
        case cut
        /// So many parts of the first cut are written.
        case parts(Int)
        /// The last parts are: the cut is durable, its rows are to be copied.
        case allParts
        /// So many rows of an output were copied.
        case copied(Int, of: String)
    }

    private let appendBytes: Int
    private let partBytes: Int
    private var cuts: [Cut] = []
    private var outgoing = OutgoingQueue()
    /// The first cut in parts, when it does not fit, and how many of them are written.
    private var parts: [(output: String, rows: OutgoingRows)] = []
    private var writtenParts = 0

    /// - Parameters:
    ///   - appendBytes: the most that one append carries, about.
    ///   - partBytes: the most of it in one record of the hidden stream, about.
    init(appendBytes: Int, partBytes: Int) {
        self.appendBytes = appendBytes
        self.partBytes = partBytes
    }

    /// Whether there is enough for an append.
    var isFull: Bool { !outgoing.isEmpty || cuts.count > 1 || (cuts.first?.byteCount ?? 0) >= appendBytes / 2 }

    /// Goes on copying where an earlier life of the run was. Outputs that are not there any more have nowhere to go.
    mutating func resume(_ queue: OutgoingQueue, outputs: Set<String>) {
        outgoing = queue
        outgoing.keep(outputs)
    }

    /// Adds what was computed after everything before. Small cuts join.
    mutating func add(_ cut: Cut) {
        if parts.isEmpty, let last = cuts.last, last.byteCount + cut.byteCount <= appendBytes {
            cuts[cuts.count - 1].merge(cut)
        } else {
            cuts.append(cut)
        }
    }

    /// Forgets the cuts: what is computed again is durable already.
    mutating func dropCuts() { cuts = [] }

    /// The next append to make; nil when nothing waits. The same again until `appended` is told.
    mutating func next() -> Step? {
        if let (output, rows) = outgoing.next(bytes: appendBytes) {
            var sent = outgoing.sent
            sent[output, default: 0] += Int64(rows.count)
            return Step(rows: [(output, rows)], records: [.sent(sent)], effect: .copied(rows.count, of: output))
        }
        guard let cut = cuts.first else { return nil }
        if parts.isEmpty {
            let byOutput = cut.rows.sorted { $0.key < $1.key }.map { (output: $0.key, rows: $0.value) }
            guard cut.byteCount > appendBytes else { return Step(rows: byOutput, records: [.commit(cut.progress)], effect: .cut) }
            parts = byOutput.flatMap { output, rows in rows.split(bytes: partBytes).map { (output, $0) } }
            writtenParts = 0
        }
        let count = max(1, appendBytes / partBytes)
        let group = writtenParts..<min(parts.count, writtenParts + count)
        var records = group.map { StateRecord.outgoing(part: $0, output: parts[$0].output, parts[$0].rows) }
        guard group.upperBound == parts.count else { return Step(records: records, effect: .parts(group.count)) }
        records.append(.commit(cut.progress))
        return Step(records: records, effect: .allParts)
    }

    /// A step is durable.
    mutating func appended(_ step: Step) {
        switch step.effect {
        case .cut: cuts.removeFirst()
        case .parts(let count): writtenParts += count
        case .allParts:
            cuts.removeFirst()
            outgoing = OutgoingQueue(parts)
            parts = []
        case .copied(let count, let output): outgoing.leave(count, of: output)
        }
    }
}

extension OutgoingRows {
    /// The rows in pieces of about `bytes`.
    fileprivate func split(bytes: Int) -> [OutgoingRows] {
        var pieces: [OutgoingRows] = []
        var start = 0
        while start < count {
            let stop = end(from: start, bytes: bytes)
            var piece = OutgoingRows()
            piece.append(start..<stop, of: self)
            pieces.append(piece)
            start = stop
        }
        return pieces
    }
}
