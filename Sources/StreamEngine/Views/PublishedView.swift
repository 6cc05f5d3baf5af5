/// A materialized view as its readers see it, while the application goes on.

package import StreamSQL
import Synchronization

/// The rows of a view as of a cut of the input: all of it up to some time and nothing after. The run shows what has changed piece by piece, each piece at
/// once; readers wait for as long as that takes, and never for a computation or an append.
package final class PublishedView: Sendable {
    /// Rows that were asked for.
    package struct Answer: Sendable {
        package var rows: ColumnBatch
        /// Rows that have no values, and why the first of them has none.
        package var failures = 0
        package var firstFailure: String?
    }

    private struct State {
        var pages: [ViewPage] = []
        var count = 0
        /// The first group of a key as it is looked up, and for each group the next of the same.
        var firsts: [[UInt8]: Int] = [:]
        var next: [Int] = []
    }

    package let view: MaterializedView
    package let schema: StreamSchema
    private let state = Mutex(State())

    package init(_ view: MaterializedView) {
        self.view = view
        schema = view.schema
    }

    /// How many groups there are.
    package var count: Int { state.withLock { $0.count } }

    /// Shows rows instead of those that their groups had.
    package func show(_ changes: ViewRows) {
        if changes.groups.isEmpty { return }
        state.withLock { state in
            var key: [UInt8] = []
            for (row, group) in changes.groups.enumerated() {
                // New groups come in the order of their numbers.
                while state.count <= group {
                    if state.count % ViewPage.size == 0 { state.pages.append(ViewPage(schema.columns)) }
                    state.pages[state.count / ViewPage.size].grow()
                    state.next.append(-1)
                    state.count += 1
                }
                if !state.pages[group / ViewPage.size].isKnown[group % ViewPage.size] {
                    key.removeAll(keepingCapacity: true)
                    for column in changes.keys { column.appendLookupBytes(row, into: &key) }
                    state.next[group] = state.firsts[key] ?? -1
                    state.firsts[key] = group
                }
                state.pages[group / ViewPage.size].set(group % ViewPage.size, row, of: changes)
            }
        }
    }

    /// The rows of a key.
    /// - Parameter values: one for each key of the groups, one row each; texts that differ in blanks at their end find each other.
    package func rows(of values: [Column]) -> Answer {
        var key: [UInt8] = []
        for value in values { value.appendLookupBytes(0, into: &key) }
        return state.withLock { state in
            var places: [Int] = []
            var group = state.firsts[key] ?? -1
            while group >= 0 {
                places.append(group)
                group = state.next[group]
            }
            var answer = Answer(rows: .empty(schema.columns))
            for group in places.reversed() {
                state.pages[group / ViewPage.size].append(group % ViewPage.size..<group % ViewPage.size + 1, to: &answer)
            }
            return answer
        }
    }

    /// All rows, in the order of their groups' first rows. What is read is a copy of the moment.
    package func all() -> Answer {
        let pages = state.withLock { $0.pages }
        var answer = Answer(rows: .empty(schema.columns))
        for page in pages { page.append(0..<page.isKnown.count, to: &answer) }
        return answer
    }
}

/// Some consecutive groups' rows: what is copied when a reader holds it while it changes.
private struct ViewPage: Sendable {
    static let size = 1024

    private(set) var isKnown: [Bool] = []
    private var isPresent: [Bool] = []
    private var rowtimes: [Int64] = []
    private var columns: [ScatteredColumn]
    private var failures: [Int: String] = [:]

    init(_ columns: [ColumnDefinition]) { self.columns = columns.map { ScatteredColumn($0.type, count: 0) } }

    mutating func grow() {
        isKnown.append(false)
        isPresent.append(false)
        rowtimes.append(0)
        for index in columns.indices { columns[index].grow(to: isKnown.count) }
    }

    mutating func set(_ place: Int, _ row: Int, of changes: ViewRows) {
        isKnown[place] = true
        isPresent[place] = changes.isPresent[row]
        rowtimes[place] = changes.rows.rowtime(row)
        for index in columns.indices { columns[index].set(place, to: row, of: changes.rows.columns[index]) }
        if changes.failures[row] != nil || failures[place] != nil { failures[place] = changes.failures[row] }
    }

    func append(_ places: Range<Int>, to answer: inout PublishedView.Answer) {
        for (place, reason) in failures where places.contains(place) && isPresent[place] {
            answer.failures += 1
            if answer.firstFailure == nil { answer.firstFailure = reason }
        }
        let rows = places.filter { isPresent[$0] && failures[$0] == nil }
        if rows.isEmpty { return }
        answer.rows.append(
            contentsOf: ColumnBatch(rowtimes: rows.map { rowtimes[$0] }, columns: columns.map { $0.column(of: rows) }))
    }
}

extension Column {
    /// As `appendKeyBytes`, where texts that differ in blanks at their end are alike: comparisons with CHAR say so.
    fileprivate func appendLookupBytes(_ row: Int, into key: inout [UInt8]) {
        guard case .bytes = type.storage, type.isCharacter, !isNull(row), case .text(let text) = value(at: row) else {
            return appendKeyBytes(row, into: &key)
        }
        let bytes = Array(text.utf8)
        let end = bytes.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
        key.append(1)
        withUnsafeBytes(of: UInt64(end).littleEndian) { key.append(contentsOf: $0) }
        key.append(contentsOf: bytes[..<end])
    }
}
