/// What an application's hidden stream says, record by record.

import StreamStore

/// What is known of the last run after its hidden stream was read.
struct RecoveredState: Sendable {
    var run: StateRecord.Run
    /// Where computing again begins, with the dataflow's state there: a whole one and what changed after it. None is the beginning of the run.
    var base: InputProgress
    var layers: [SnapshotLayer] = []
    /// The state in one piece, where records of version 1 or 2 have it.
    var snapshot: [UInt8]?
    /// Bytes of the last whole snapshot, and of all records from its beginning on.
    var wholeBytes = 0
    var logBytes = 0
    /// Up to where rows are durable.
    var last: InputProgress
    /// Rows of the last commit that are not in their destinations yet.
    var outgoing = OutgoingQueue()

    /// Whether its records are of version 1.
    var isFirst: Bool { base.appendedRows != nil }
    /// Whether the state is in a form that is not written any more.
    var isOld: Bool { isFirst || snapshot != nil }
}

/// Rows that are durable in the hidden stream, on their way to their destinations.
struct OutgoingQueue: Sendable {
    /// In the order in which they leave.
    private(set) var parts: [(output: String, rows: OutgoingRows)] = []
    /// How many rows of the first part have left.
    private var firstSent = 0
    /// How many rows have left since the commit, by output.
    private(set) var sent: [String: Int64] = [:]

    init(_ parts: [(output: String, rows: OutgoingRows)] = []) { self.parts = parts }

    var isEmpty: Bool { parts.isEmpty }

    /// The next rows to leave, of one output, about `bytes` of them.
    func next(bytes: Int) -> (output: String, rows: OutgoingRows)? {
        guard let output = parts.first?.output else { return nil }
        var taken = OutgoingRows()
        for (index, part) in parts.enumerated() {
            guard part.output == output, taken.byteCount < bytes else { break }
            let start = index == 0 ? firstSent : 0
            taken.append(start..<part.rows.end(from: start, bytes: bytes - taken.byteCount), of: part.rows)
        }
        return (output, taken)
    }

    /// Forgets the rows of other outputs.
    mutating func keep(_ outputs: Set<String>) {
        if let first = parts.first, !outputs.contains(first.output) { firstSent = 0 }
        parts.removeAll { !outputs.contains($0.output) }
    }

    /// Notes that rows have left.
    mutating func leave(_ count: Int, of output: String) {
        sent[output, default: 0] += Int64(count)
        skip(count, of: output)
    }

    /// Takes away what had left before a restart.
    mutating func leave(through counts: [String: Int64]) {
        for (output, count) in counts {
            let more = count - (sent[output] ?? 0)
            if more > 0 { leave(Int(clamping: more), of: output) }
        }
    }

    private mutating func skip(_ count: Int, of output: String) {
        var rest = count
        while rest > 0, let index = parts.firstIndex(where: { $0.output == output }) {
            let isFirst = index == 0
            let left = parts[index].rows.count - (isFirst ? firstSent : 0)
            if rest >= left {
                rest -= left
                parts.remove(at: index)
                if isFirst { firstSent = 0 }
            } else if isFirst {
                firstSent += rest
                rest = 0
            } else {
                var kept = OutgoingRows()
                kept.append(rest..<parts[index].rows.count, of: parts[index].rows)
                parts[index].rows = kept
                rest = 0
            }
        }
    }
}

/// Follows the records of a hidden stream.
struct StateReplay {
    /// A snapshot whose end has not come.
    private struct Writing {
        var run: StateRecord.Run
        var progress: InputProgress
        var isWhole: Bool
        var layer: SnapshotLayer
        var bytes = 0
        /// What was committed since its beginning, if anything: all before had left then.
        var last: InputProgress?
        var outgoing = OutgoingQueue()
        /// Bytes of all records since its beginning.
        var logBytes = 0
    }

    private(set) var state: RecoveredState?
    private var snapshotParts: [[UInt8]] = []
    private var outgoing: [(output: String, rows: OutgoingRows)] = []
    private var writing: Writing?

    /// - Parameter byteCount: the size of the record.
    mutating func apply(_ record: StateRecord, byteCount: Int) {
        switch record {
        case .begin(let run, let progress):
            self = StateReplay()
            state = RecoveredState(run: run, base: progress, last: progress)
        case .commit(let progress):
            let queue = OutgoingQueue(outgoing)
            outgoing = []
            state?.last = progress
            state?.outgoing = queue
            writing?.last = progress
            writing?.outgoing = queue
        case .outgoing(let part, let output, let rows):
            if part == 0 { outgoing = [] }
            // A part that does not follow belongs to a commit that was cut off.
            if part == outgoing.count { outgoing.append((output, rows)) }
        case .sent(let counts):
            state?.outgoing.leave(through: counts)
            writing?.outgoing.leave(through: counts)
        case .snapshot(let run, let progress, let part, let count, let bytes):
            if part == 0 { snapshotParts = [] }
            guard part == snapshotParts.count else { return }
            snapshotParts.append(bytes)
            if snapshotParts.count == count {
                let whole = Array(snapshotParts.joined())
                self = StateReplay()
                state = RecoveredState(run: run, base: progress, snapshot: whole, last: progress)
            }
        case .snapshotHead(let run, let progress, let isWhole, let bytes):
            writing = Writing(run: run, progress: progress, isWhole: isWhole, layer: SnapshotLayer(head: bytes), bytes: bytes.count)
        case .snapshotPiece(let bytes):
            writing?.layer.pieces.append(bytes)
            writing?.bytes += bytes.count
        case .snapshotEnd(let pieces): end(pieces)
        }
        state?.logBytes += byteCount
        writing?.logBytes += byteCount
    }

    private mutating func end(_ pieces: Int) {
        guard let done = writing, done.layer.pieces.count == pieces else { return }
        writing = nil
        var next = RecoveredState(
            run: done.run, base: done.progress, layers: [done.layer], last: done.last ?? done.progress, outgoing: done.outgoing)
        if done.isWhole {
            (next.wholeBytes, next.logBytes) = (done.bytes, done.logBytes)
        } else {
            // Changes of a state that is not there tell nothing.
            guard let state else { return }
            next.layers = state.layers + next.layers
            (next.wholeBytes, next.logBytes) = (state.wholeBytes, state.logBytes)
        }
        state = next
    }
}
