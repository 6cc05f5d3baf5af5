/// The rows of one side of a join that wait for rows of the other.

import StreamSQL

/// Rows leave in the order in which they came. Of a side without a window none waits.
struct JoinRows: Sendable {
    private let side: JoinSide
    private let columns: [ColumnDefinition]
    private var rows: FrameRows
    /// Of each stored row: its key, nil for one that matches nothing; the clock at which it leaves; whether it has had a match.
    private var keys: [[UInt8]?] = []
    private var deadlines: [Int64] = []
    private var matched: [Bool] = []
    /// The first row that has not arrived yet: those of the batch at hand are stored before their turn.
    private var arrived = 0
    /// The waiting rows of each key, the oldest first.
    private var index: [[UInt8]: Waiting] = [:]
    private var keyBytes = 0

    private struct Waiting: Sendable {
        var positions: [Int] = []
        var first = 0
    }

    init(_ side: JoinSide, _ columns: [ColumnDefinition]) {
        self.side = side
        self.columns = columns
        rows = FrameRows(columns.map(\.type))
    }

    var byteCount: Int { rows.byteCount + keyBytes * 3 + keys.count * 96 }

    func rowtime(_ position: Int) -> Int64 { rows.rowtime(position) }

    // MARK: Arrival

    /// Stores a batch's rows.
    /// - Returns: the key of each; nil for one that matches nothing.
    mutating func enter(_ batch: KeyedBatch, _ terms: [PreparedExpression], _ context: inout OperatorContext) -> [[UInt8]?] {
        if batch.isEmpty { return [] }
        // Columns and widened columns cannot fail.
        var errors: [RowError] = []
        let values = terms.map { context.evaluate($0, over: batch, errors: &errors) }
        rows.append(batch.batch.rowtimes, [Int](repeating: 0, count: batch.count), batch.batch.columns)
        matched.append(contentsOf: repeatElement(false, count: batch.count))
        let new = (0..<batch.count).map { Self.key($0, values) }
        keys += new
        keyBytes += new.reduce(0) { $0 + ($1?.count ?? 0) }
        deadlines.append(contentsOf: repeatElement(.max, count: batch.count))
        return new
    }

    /// NULL is equal to nothing; CHAR is compared without its trailing blanks.
    private static func key(_ row: Int, _ values: [Column]) -> [UInt8]? {
        var key: [UInt8] = []
        for column in values {
            if column.isNull(row) { return nil }
            guard column.type.isCharacter else {
                column.appendKeyBytes(row, into: &key)
                continue
            }
            let texts = column.byteColumn
            var text = texts.bytes[texts.range(row)]
            while text.last == UInt8(ascii: " ") { text = text.dropLast() }
            withUnsafeBytes(of: UInt32(text.count).littleEndian) { key.append(contentsOf: $0) }
            key += text
        }
        return key
    }

    /// The position of the next row to arrive.
    mutating func next() -> Int {
        arrived += 1
        return arrived - 1
    }

    /// The waiting rows of a key that lie in the window as of a ROWTIME, the oldest first.
    func matches(_ key: [UInt8]?, at rowtime: Int64) -> [Int] {
        guard let key, let waiting = index[key] else { return [] }
        let positions = waiting.positions[waiting.first...]
        guard case .range(let length)? = side.window else { return Array(positions) }
        let (oldest, overflow) = rowtime.subtractingReportingOverflow(length)
        return overflow ? Array(positions) : positions.filter { rows.rowtime($0) >= oldest }
    }

    /// Lets a row wait.
    /// - Returns: the rows that leave the window by that: itself, where there is none.
    mutating func wait(_ position: Int, _ key: [UInt8]?, _ event: EventKey) -> [Int] {
        guard let window = side.window else {
            rows.head = position + 1
            return [position]
        }
        if let key { index[key, default: Waiting()].positions.append(position) }
        switch window {
        case .range(let length):
            let (end, overflow) = rows.rowtime(position).addingReportingOverflow(length)
            // Rows of the time at which its window ends can still match it. A row whose window is over already leaves with the next move of the
            // clock.
            let (after, isLast) = end.addingReportingOverflow(1)
            deadlines[position - rows.base] = overflow || isLast ? .max : max(after, event.time == .max ? .max : event.time + 1)
            return []
        case .rows(let count):
            // The last so many of its side, itself among them.
            guard arrived - rows.head > max(1, count) else { return [] }
            return [leave()]
        case .endless: return []
        }
    }

    // MARK: Leaving

    var deadline: Int64? {
        guard rows.head < arrived, case .range? = side.window else { return nil }
        let deadline = deadlines[rows.head - rows.base]
        return deadline == .max ? nil : deadline
    }

    /// The ROWTIME at which a row leaves its window.
    func end(of position: Int) -> Int64 {
        guard case .range(let length)? = side.window else { return rows.rowtime(position) }
        let (end, overflow) = rows.rowtime(position).addingReportingOverflow(length)
        return overflow ? .max : end
    }

    mutating func expire(at deadline: Int64) -> [Int] {
        var gone: [Int] = []
        while let next = self.deadline, next <= deadline { gone.append(leave()) }
        return gone
    }

    mutating func expireAll() -> [Int] {
        var gone: [Int] = []
        while rows.head < arrived { gone.append(leave()) }
        return gone
    }

    private mutating func leave() -> Int {
        let position = rows.head
        rows.head += 1
        guard let key = keys[position - rows.base], var waiting = index.removeValue(forKey: key) else { return position }
        waiting.first += 1
        if waiting.first == waiting.positions.count { return position }
        if waiting.first > 32, waiting.first * 2 > waiting.positions.count {
            waiting.positions.removeFirst(waiting.first)
            waiting.first = 0
        }
        index[key] = waiting
        return position
    }

    /// Gives up the rows that have left.
    mutating func trim() {
        let before = rows.base
        rows.trim()
        let gone = rows.base - before
        if gone == 0 { return }
        for key in keys[..<gone] { keyBytes -= key?.count ?? 0 }
        keys.removeFirst(gone)
        deadlines.removeFirst(gone)
        matched.removeFirst(gone)
    }

    // MARK: Matches

    mutating func noteMatch(_ position: Int) { matched[position - rows.base] = true }
    func isMatched(_ position: Int) -> Bool { matched[position - rows.base] }

    /// The rows at these positions and their ROWTIMEs; NULLs where there is none.
    func gather(_ positions: [Int?]) -> [Column] {
        let isMissing = positions.map { $0 == nil }
        let rowtimes = Column(.timestamp, .integers(positions.map { $0.map { rows.rowtime($0) } ?? 0 }))
        guard isMissing.contains(true) else {
            let all = positions.compactMap(\.self)
            return rows.columns.indices.map { rows.gather(all, $0) } + [rowtimes]
        }
        // Any row stands in for one that is missing.
        guard let any = positions.lazy.compactMap(\.self).first else {
            return columns.map { .nulls($0.type, count: positions.count) } + [.nulls(.timestamp, count: positions.count)]
        }
        let all = positions.map { $0 ?? any }
        return (rows.columns.indices.map { rows.gather(all, $0) } + [rowtimes]).map { column in
            Column(column.type, column.values, nulls: isMissing.indices.map { isMissing[$0] || column.isNull($0) })
        }
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        let positions = Array(rows.head..<arrived)
        writer.write(Column(.timestamp, .integers(positions.map { rows.rowtime($0) })))
        for column in rows.columns.indices { writer.write(plain: rows.gather(positions, column)) }
        writer.write(Column(.bigint, .integers(positions.map { deadlines[$0 - rows.base] })))
        writer.write(Column(.boolean, .booleans(positions.map { matched[$0 - rows.base] })))
        for position in positions {
            let key = keys[position - rows.base]
            writer.write(key != nil)
            if let key { writer.write(key) }
        }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        let batch = try reader.batch(columns)
        deadlines = try reader.column(.bigint, rows: batch.count).integers
        matched = try reader.column(.boolean, rows: batch.count).booleans
        rows.append(batch.rowtimes, [Int](repeating: 0, count: batch.count), batch.columns)
        arrived = batch.count
        for position in 0..<batch.count {
            keys.append(try reader.bool() ? try reader.byteString() : nil)
            guard let key = keys[position] else { continue }
            keyBytes += key.count
            index[key, default: Waiting()].positions.append(position)
        }
    }
}
