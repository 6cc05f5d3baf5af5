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

    /// Whether nothing waits.
    var isEmpty: Bool { cuts.isEmpty && outgoing.isEmpty }

    /// Takes out the next append to make; nil when nothing waits. Appends must become durable in the order in which they were taken.
    mutating func next() -> Step? {
        if let (output, rows) = outgoing.next(bytes: appendBytes) {
            outgoing.leave(rows.count, of: output)
            return Step(rows: [(output, rows)], records: [.sent(outgoing.sent)])
        }
        guard let cut = cuts.first else { return nil }
        if parts.isEmpty {
            let byOutput = cut.rows.sorted { $0.key < $1.key }.map { (output: $0.key, rows: $0.value) }
            guard cut.byteCount > appendBytes else {
                cuts.removeFirst()
                return Step(rows: byOutput, records: [.commit(cut.progress)])
            }
            parts = byOutput.flatMap { output, rows in rows.split(bytes: partBytes).map { (output, $0) } }
            writtenParts = 0
        }
        return nextParts(of: cut)
    }

    private mutating func nextParts(of cut: Cut) -> Step {
        let count = max(1, appendBytes / partBytes)
        let group = writtenParts..<min(parts.count, writtenParts + count)
        writtenParts = group.upperBound
        var records = group.map { StateRecord.outgoing(part: $0, output: parts[$0].output, parts[$0].rows) }
        guard writtenParts == parts.count else { return Step(records: records) }
        records.append(.commit(cut.progress))
        cuts.removeFirst()
        // From here on its rows are copied.
        outgoing = OutgoingQueue(parts)
        parts = []
        return Step(records: records)
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
