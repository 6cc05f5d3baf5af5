/// The rows of a sliding window: what their functions need of them, in the order of their arrival.

import StreamSQL

/// Rows get positions that count from 0 for ever; those in front of `head` have left.
struct FrameRows: Sendable {
    private(set) var rowtimes: [Int64] = []
    private(set) var partitions: [Int] = []
    private(set) var columns: [Column]
    /// The position of the first row stored.
    private(set) var base = 0
    /// The first row that has not left, where rows leave in their order.
    var head = 0

    init(_ types: [SQLType]) { columns = types.map { .empty($0) } }

    var end: Int { base + rowtimes.count }
    func rowtime(_ position: Int) -> Int64 { rowtimes[position - base] }
    func partition(_ position: Int) -> Int { partitions[position - base] }

    mutating func append(_ rowtimes: [Int64], _ partitions: [Int], _ columns: [Column]) {
        self.rowtimes.append(contentsOf: rowtimes)
        self.partitions.append(contentsOf: partitions)
        for index in columns.indices { self.columns[index].append(contentsOf: columns[index]) }
    }

    /// The values of consecutive rows.
    func slice(_ positions: Range<Int>, _ column: Int) -> Column {
        columns[column].slice(positions.lowerBound - base..<positions.upperBound - base)
    }

    func gather(_ positions: [Int], _ column: Int) -> Column { columns[column].gather(rows: positions.map { $0 - base }) }

    /// Gives up the memory of rows that have left, when they are more than the others.
    mutating func trim() {
        let gone = head - base
        guard gone > 1024, gone * 2 > rowtimes.count else { return }
        rowtimes.removeFirst(gone)
        partitions.removeFirst(gone)
        for index in columns.indices { columns[index] = columns[index].slice(gone..<columns[index].count) }
        base = head
    }

    /// Keeps the rows of these positions, which get new ones, from 0 on.
    mutating func keep(_ positions: [Int]) {
        let rows = positions.map { $0 - base }
        rowtimes = rows.map { rowtimes[$0] }
        partitions = rows.map { partitions[$0] }
        for index in columns.indices { columns[index] = columns[index].gather(rows: rows) }
        (base, head) = (0, 0)
    }

    /// Gives the partitions new numbers.
    mutating func renumber(_ numbers: [Int]) {
        for index in partitions.indices { partitions[index] = numbers[partitions[index]] }
    }

    /// About how much memory the rows take.
    var byteCount: Int { rowtimes.count * 16 + ColumnBatch(rowtimes: [], columns: columns).byteCount }
}
