/// ORDER BY and LIMIT of rows with an end.

import StreamSQL

/// Without terms rows leave as they come, as many as may. With terms they leave at the end of the input; where their number is bounded, only those that can
/// still be among the first are held. Rows whose terms are equal keep their order.
struct SelectOperator: Operator {
    private let selection: RowSelection
    private let terms: [PreparedExpression]
    private let columns: [ColumnDefinition]
    private var held: KeyedBatch
    private var values: [Column]
    private var heldBytes = 0
    /// How many rows have passed, where they leave as they come.
    private var passed = 0
    private var hasEnded = false

    init(_ selection: RowSelection, columns: [ColumnDefinition]) {
        self.selection = selection
        self.columns = columns
        terms = selection.keys.map { PreparedExpression($0.expression) }
        held = .empty(columns)
        values = selection.keys.map { .empty($0.expression.type) }
    }

    var stateBytes: Int { heldBytes }
    var isSatisfied: Bool { terms.isEmpty && most.map { passed >= $0 } ?? false }

    /// How many rows can be among those that leave; nil for all.
    private var most: Int? { selection.count.map { $0.addingReportingOverflow(selection.offset) }.flatMap { $1 ? nil : $0 } }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        if terms.isEmpty { return inputs[0].with(cut(inputs[0].rows)) }
        if !inputs[0].rows.isEmpty { hold(inputs[0].rows, &context) }
        guard inputs[0].watermark == .end, !hasEnded else { return inputs[0].with(.empty(columns)) }
        hasEnded = true
        let order = RowOrder(selection.keys, values).sorted(atMost: most)
        var rows = held.batch.gather(rows: Array(order.dropFirst(selection.offset)))
        if let count = selection.count, rows.count > count { rows = rows.slice(0..<count) }
        held = .empty(columns)
        values = []
        heldBytes = 0
        return inputs[0].with(KeyedBatch(rows, keys: [EventKey](repeating: .closing(at: .max), count: rows.count)))
    }

    private mutating func cut(_ rows: KeyedBatch) -> KeyedBatch {
        let first = max(0, min(rows.count, selection.offset - passed))
        let end = most.map { max(first, min(rows.count, $0 - passed)) } ?? rows.count
        passed += rows.count
        return rows.slice(first..<end)
    }

    private mutating func hold(_ input: KeyedBatch, _ context: inout OperatorContext) {
        var errors: [RowError] = []
        var (rows, terms) = (input, terms.map { context.evaluate($0, over: input, errors: &errors) })
        if let keep = context.reject(errors, of: input, columns: columns) {
            rows = input.filtered(by: keep)
            terms = terms.map { $0.filtered(by: keep) }
        }
        held.append(rows)
        for index in values.indices { values[index].append(contentsOf: terms[index]) }
        heldBytes += rows.batch.byteCount + rows.count * 24
        guard let most, held.count >= max(16_384, most.multipliedReportingOverflow(by: 2).partialValue) else { return }
        prune(to: most)
    }

    private mutating func prune(to count: Int) {
        // In their order of arrival, which settles equal terms.
        let kept = RowOrder(selection.keys, values).sorted(atMost: count).sorted()
        held = held.gather(rows: kept)
        values = values.map { $0.gather(rows: kept) }
        heldBytes = held.batch.byteCount + held.count * 24
    }
}

/// The order of rows by some terms.
struct RowOrder {
    private let keys: [SortKey]
    private let values: [Column]

    /// - Parameter values: those of each term in all rows.
    init(_ keys: [SortKey], _ values: [Column]) {
        self.keys = keys
        // Written out once: a row's value is then where the row is.
        self.values = values.map { $0.runEnds == nil ? $0 : Column($0.type, $0.values, nulls: $0.nulls) }
    }

    /// A row with the beginning of its first term's value, as a word that sorts as the values do.
    private struct Entry {
        var word: UInt64
        var row: Int
    }

    /// The rows in their order, or the first of them.
    func sorted(atMost most: Int?) -> [Int] {
        guard let first = keys.first, let column = values.first else { return [] }
        var entries = Self.words(column, first).enumerated().map { Entry(word: $0.element, row: $0.offset) }
        func precedes(_ a: Entry, _ b: Entry) -> Bool {
            if a.word != b.word { return a.word < b.word }
            for (key, column) in zip(keys, values) {
                let order = key.compare(a.row, b.row, in: column)
                if order != 0 { return order < 0 }
            }
            return a.row < b.row
        }
        if let most, most < entries.count {
            // What cannot be among the first is let go of before the sort: all after an entry at about that place of a sample.
            entries = Self.first(most, of: entries, precedes)
        }
        entries.sort(by: precedes)
        return entries.prefix(most ?? .max).map(\.row)
    }

    /// Entries among which are the first so many, and few others.
    private static func first(_ count: Int, of entries: [Entry], _ precedes: (Entry, Entry) -> Bool) -> [Entry] {
        guard count > 0 else { return [] }
        var rest = entries
        while rest.count > 4 * count + 64 {
            let stride = max(1, rest.count / 1024)
            let sample = Swift.stride(from: 0, to: rest.count, by: stride).map { rest[$0] }.sorted(by: precedes)
            let place = min(sample.count - 1, count / stride + 16)
            let bound = sample[place]
            let kept = rest.filter { !precedes(bound, $0) }
            if kept.count < count || kept.count == rest.count { break }
            rest = kept
        }
        return rest
    }

    private static func words(_ column: Column, _ key: SortKey) -> [UInt64] {
        var words: [UInt64] =
            switch column.values {
            case .integers(let values): values.map { UInt64(bitPattern: $0) ^ (1 << 63) }
            case .booleans(let values): values.map { $0 ? 1 : 0 }
            case .doubles(let values):
                values.map { value in
                    let bits = (value == 0 ? 0 : value).bitPattern
                    return value.isNaN ? 0 : bits >> 63 == 1 ? ~bits : bits | 1 << 63
                }
            case .bytes(let values): (0..<values.count).map { word(values.bytes, values.range($0)) }
            }
        // NaN compares with nothing, so that its word must not tell it apart.
        if case .doubles(let values) = column.values, values.contains(where: \.isNaN) { words = words.map { _ in 0 } }
        if key.isDescending { words = words.map { ~$0 } }
        guard let nulls = column.nulls else { return words }
        return words.indices.map { row in
            nulls[row] ? (key.nullsFirst ? 0 : .max) : key.nullsFirst ? 1 << 63 | words[row] >> 1 : words[row] >> 1
        }
    }

    private static func word(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
        var word: UInt64 = 0
        for (place, byte) in bytes[range.prefix(8)].enumerated() { word |= UInt64(byte) << UInt64(56 - 8 * place) }
        return word
    }
}
