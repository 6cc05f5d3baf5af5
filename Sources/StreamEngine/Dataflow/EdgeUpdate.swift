/// What travels between operators: rows, how far the clock has come, and the end of the input.

import StreamSQL

/// How far the clock has come on an edge: no later row appears in an event at or before it.
enum Watermark: Comparable, Sendable {
    /// Milliseconds since 1970-01-01 UTC.
    case time(Int64)
    /// No row comes any more.
    case end

    /// Whether a window whose deadline is `deadline` (nil: none) closes.
    func passes(_ deadline: Int64?) -> Bool {
        switch self {
        case .time(let time): deadline.map { $0 <= time } ?? false
        case .end: true
        }
    }
}

/// What is new on an edge: first the rows, in the order of their events, then the watermark.
struct EdgeUpdate: Sendable {
    var rows: KeyedBatch
    var watermark: Watermark

    init(_ rows: KeyedBatch, watermark: Watermark) {
        self.rows = rows
        self.watermark = watermark
    }

    /// The same watermark behind other rows.
    func with(_ rows: KeyedBatch) -> EdgeUpdate { EdgeUpdate(rows, watermark: watermark) }
}

extension [EdgeUpdate] {
    /// What holds for all of an operator's inputs together: the lowest.
    var watermark: Watermark { map(\.watermark).min() ?? .end }
}

/// What is known of the ROWTIMEs on an edge.
enum RowtimeOrder: Sendable {
    /// A row's ROWTIME is the clock of its event.
    case clock
    /// It never decreases.
    case ascending
    case unknown
}
