/// FILL: gives rows for the windows in which a known key has none.

import StreamSQL

/// A key is known from its first window with rows until it has had none for as many windows as may be filled. When a window has closed, keys without a row in
/// it get one behind its rows. Where a value is that of a line, rows wait for the key's next window with rows and leave before it, with its ROWTIME. Rows of a
/// window that is over already (of rows that came late) are handed on and fill nothing.
struct FillOperator: WholeStateOperator {
    private let fill: WindowFill
    private let columns: [ColumnDefinition]
    private let keyCount: Int
    let state: OperatorState?

    private struct Key: Sendable {
        var values: [SQLValue]
        /// The aggregates of its last window with rows.
        var last: [SQLValue]
        /// The end of that window.
        var end: Int64
        /// How many windows it has left out since.
        var missed = 0
    }

    private var search: PeriodEnd
    private var numbers: [[UInt8]: Int] = [:]
    private var keys: [Key?] = []
    private var keyBytes = 0
    /// The end of the last window that has been filled.
    private var current: Int64?
    var frozen = WholeState()

    init(_ fill: WindowFill, inputColumns: [ColumnDefinition], below: [ColumnDefinition], queryStart: Int64?) {
        self.fill = fill
        columns = inputColumns
        keyCount = fill.aggregate.keys.count
        search = PeriodEnd(fill.aggregate.window, queryStart: queryStart)
        let values = fill.values.map(\.text).joined(separator: ", ")
        state = OperatorState(
            kind: "fill", version: 1, signature: "\(fill.aggregate.signature(over: below)); fill \(values) for \(fill.most)")
    }

    /// Rows that leave.
    private struct Output {
        var rows: ColumnBatchBuilder
        var keys: [EventKey] = []
    }

    var deadline: Int64? {
        guard !fill.waits, !numbers.isEmpty, let current else { return nil }
        var search = search
        return search.end(after: current)
    }

    var stateBytes: Int { keyBytes + keys.count * 64 }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        var output = Output(rows: ColumnBatchBuilder(columns.map(\.type)))
        let rows = inputs[0].rows
        var start = 0
        while start < rows.count {
            let (event, end) = (rows.keys[start], rows.batch.rowtime(start))
            var next = start + 1
            while next < rows.count, rows.keys[next] == event, rows.batch.rowtime(next) == end { next += 1 }
            add(rows, start..<next, end: end, under: event, to: &output, &context)
            start = next
        }
        if case .time(let clock) = inputs[0].watermark { fill(through: clock, under: nil, to: &output, &context) }
        let batch = output.rows.finish()
        return inputs[0].with(KeyedBatch(batch, keys: output.keys))
    }

    /// Hands on the rows of a window, and fills what was left out before them and beside them.
    private mutating func add(
        _ rows: KeyedBatch, _ range: Range<Int>, end: Int64, under event: EventKey, to output: inout Output,
        _ context: inout OperatorContext
    ) {
        let isLate = current.map { end <= $0 } ?? false || event.time > end
        // Events before this one have had their windows.
        let before = event.step > EventKey.closingStep ? event.time : event.time - 1
        fill(through: isLate ? before : end - 1, under: isLate ? nil : event, to: &output, &context)
        for row in range {
            if !isLate { note(rows.batch, row, end: end, under: event, to: &output) }
            output.rows.rowtimes.append(end)
            for index in columns.indices { output.rows.columns[index].append(row, of: rows.batch.columns[index]) }
            output.keys.append(event)
        }
        if !isLate {
            current = end
            fillWindow(ending: end, under: event, to: &output)
        }
    }

    private mutating func note(_ batch: ColumnBatch, _ row: Int, end: Int64, under event: EventKey, to output: inout Output) {
        var key: [UInt8] = []
        for column in batch.columns.prefix(keyCount) { column.appendKeyBytes(row, into: &key) }
        let last = batch.columns.dropFirst(keyCount + 1).map { $0.value(at: row) }
        if let number = numbers[key], let known = keys[number] {
            if fill.waits { interpolate(known, to: last, end: end, under: event, to: &output) }
            keys[number]?.last = last
            keys[number]?.end = end
            keys[number]?.missed = 0
            return
        }
        numbers[key] = keys.count
        keyBytes += key.count * 2 + 160
        keys.append(Key(values: batch.columns.prefix(keyCount).map { $0.value(at: row) }, last: last, end: end))
    }

    // MARK: Windows that are left out

    /// Fills the windows that end after the last one and by a time.
    private mutating func fill(
        through time: Int64, under event: EventKey?, to output: inout Output, _ context: inout OperatorContext
    ) {
        while !fill.waits, !numbers.isEmpty, let last = current, let end = search.end(after: last), end <= time {
            if context.outgrows(output.keys.count * 32 * columns.count) { return }
            current = end
            let closing = EventKey.closing(at: end)
            fillWindow(ending: end, under: event.map { min($0, closing) } ?? closing, to: &output)
        }
        if numbers.isEmpty { current = nil }
    }

    /// Gives a row for each key that has none in a window.
    private mutating func fillWindow(ending end: Int64, under event: EventKey, to output: inout Output) {
        if fill.waits { return }
        var isAnyForgotten = false
        for number in keys.indices {
            guard let key = keys[number], key.end < end else { continue }
            if key.missed >= fill.most {
                keys[number] = nil
                isAnyForgotten = true
                continue
            }
            keys[number]?.missed += 1
            let values = zip(fill.values, key.last).map { value, last in
                switch value {
                case .null, .linear: SQLValue.null
                case .previous: last
                case .constant(let constant): constant
                }
            }
            append(key.values, windowEnding: end, values, rowtime: end, under: event, to: &output)
        }
        if isAnyForgotten { forget() }
    }

    private mutating func forget() {
        let kept = keys.compactMap(\.self)
        keys = []
        numbers = [:]
        keyBytes = 0
        for key in kept {
            var bytes: [UInt8] = []
            for (place, value) in key.values.enumerated() {
                Column(columns[place].type, values: [value]).appendKeyBytes(0, into: &bytes)
            }
            numbers[bytes] = keys.count
            keyBytes += bytes.count * 2 + 160
            keys.append(key)
        }
    }

    /// Gives the rows between a key's last window and the one that has come.
    private mutating func interpolate(
        _ key: Key, to next: [SQLValue], end: Int64, under event: EventKey, to output: inout Output
    ) {
        var (ends, last) = ([Int64](), key.end)
        while ends.count <= fill.most, let following = search.end(after: last), following < end {
            ends.append(following)
            last = following
        }
        // A gap that is too long is none: the key is new.
        if ends.count > fill.most { return }
        for (place, missing) in ends.enumerated() {
            let values = fill.values.indices.map { index in
                switch fill.values[index] {
                case .null: SQLValue.null
                case .previous: key.last[index]
                case .constant(let constant): constant
                case .linear: key.last[index].between(next[index], place + 1, of: ends.count + 1)
                }
            }
            append(key.values, windowEnding: missing, values, rowtime: end, under: event, to: &output)
        }
    }

    private func append(
        _ key: [SQLValue], windowEnding end: Int64, _ values: [SQLValue], rowtime: Int64, under event: EventKey,
        to output: inout Output
    ) {
        output.rows.rowtimes.append(rowtime)
        for (place, value) in key.enumerated() { output.rows.columns[place].append(value) }
        output.rows.columns[keyCount].append(window(ending: end))
        for (place, value) in values.enumerated() { output.rows.columns[keyCount + 1 + place].append(value) }
        output.keys.append(event)
    }

    /// The window's value in rows that would be in it.
    private func window(ending end: Int64) -> SQLValue {
        if let hop = fill.aggregate.window.hop { return .integer(end - hop.size) }
        return (try? search.value(at: end - 1))?.value(at: 0) ?? .null
    }

    // MARK: State

    func write(to writer: inout StateWriter) {
        writer.write(current)
        let live = keys.compactMap(\.self)
        writer.write(count: live.count)
        for place in 0..<keyCount { writer.write(plain: Column(columns[place].type, values: live.map { $0.values[place] })) }
        for place in fill.values.indices {
            writer.write(plain: Column(columns[keyCount + 1 + place].type, values: live.map { $0.last[place] }))
        }
        for key in live {
            writer.write(key.end)
            writer.write(count: key.missed)
        }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        current = try reader.optionalInt64()
        let count = try reader.count(of: 16)
        var values: [Column] = []
        for place in 0..<keyCount { values.append(try reader.column(columns[place].type, rows: count)) }
        var last: [Column] = []
        for place in fill.values.indices { last.append(try reader.column(columns[keyCount + 1 + place].type, rows: count)) }
        for row in 0..<count {
            keys.append(
                Key(
                    values: values.map { $0.value(at: row) }, last: last.map { $0.value(at: row) }, end: try reader.int64(),
                    missed: try reader.number()))
        }
        forget()
        guard numbers.count == count else { throw .damaged("a key appears twice") }
    }
}

extension WindowFill.Value {
    fileprivate var text: String {
        switch self {
        case .null: "NULL"
        case .previous: "PREVIOUS"
        case .linear: "LINEAR"
        case .constant(let value): "\(value)"
        }
    }
}

extension SQLValue {
    /// The value at a place of so many on the line to another; NULL where one of them is NULL. Integers are rounded, half away from zero.
    fileprivate func between(_ other: SQLValue, _ place: Int, of count: Int) -> SQLValue {
        switch (self, other) {
        case (.integer(let a), .integer(let b)):
            let step = (Int128(b) - Int128(a)) * Int128(place)
            let (quotient, rest) = step.quotientAndRemainder(dividingBy: Int128(count))
            let rounded = quotient + (rest.magnitude * 2 >= UInt128(count) ? (step < 0 ? -1 : 1) : 0)
            return .integer(Int64(clamping: Int128(a) + rounded))
        case (.double(let a), .double(let b)): return .double(a + (b - a) * Double(place) / Double(count))
        default: return .null
        }
    }
}
