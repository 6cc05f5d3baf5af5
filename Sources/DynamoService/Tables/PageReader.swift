/// Pages of queries and scans: walks a range of keys until there is a page, within the memory that the call has.

import AWSWire
import LatestValues

/// What a page is made of.
struct PageReader: Sendable {
    var table: KnownTable
    /// Nil for the items themselves.
    var index: KnownIndex?
    var range: KeyRange
    var isDescending = false
    var filter: Condition?
    /// Nil for all that is kept.
    var projection: Projection?
    /// Whether items are counted and not shown.
    var countsOnly = false
    /// The most items to look at; nil for as many as a page takes.
    var limit: Int?

    /// The most bytes of items that a page looks at (DynamoDB API, Query).
    static let pageBytes = 1 << 20
    /// How much is read at a time, in bytes.
    private static let stepBytes = 256 << 10

    struct Page: Sendable {
        var items: [Item] = []
        var count = 0
        var scanned = 0
        /// Bytes of items as the service counts them.
        var bytes = 0
        /// The key of the last item; nil where there are no more.
        var last: Item?
    }

    func page(_ tables: Tables, _ memory: MemoryLease) async throws(AWSError) -> Page {
        var (page, rest, reserved) = (Page(), range, 0)
        defer { memory.shrink(by: reserved) }
        while true {
            // What is read, and as much again for what is made of it.
            try reserve(3 * Self.stepBytes, memory, &reserved)
            let room = limit.map { $0 - page.scanned } ?? .max
            let step: LatestPage
            do throws(LatestError) {
                step = try await tables.latest.page(
                    in: rest, limit: min(room, 512), maxBytes: min(Self.stepBytes, Self.pageBytes - page.bytes),
                    isDescending: isDescending)
            } catch {
                throw error.awsError
            }
            guard let last = step.last else { return page }
            for entry in step.entries {
                let item = try Tables.item(entry.value.bytes)
                try take(item, into: &page, memory, &reserved)
                let isFull = page.bytes >= Self.pageBytes || limit.map { page.scanned >= $0 } ?? false
                if isFull {
                    page.last = key(of: item)
                    return page
                }
            }
            rest = isDescending ? KeyRange(from: rest.start, to: last) : rest.after(last)
        }
    }

    private func reserve(_ bytes: Int, _ memory: MemoryLease, _ reserved: inout Int) throws(AWSError) {
        guard reserved == 0 else { return }
        guard memory.extend(by: bytes) else {
            throw AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later.")
        }
        reserved += bytes
    }

    private func take(_ item: Item, into page: inout Page, _ memory: MemoryLease, _ reserved: inout Int) throws(AWSError) {
        page.scanned += 1
        page.bytes += item.itemSize
        if let filter, !filter.holds(of: item) { return }
        page.count += 1
        if countsOnly { return }
        let shown = projection?.of(item) ?? item
        // Once in memory and once in the answer.
        let bytes = shown.reduce(0) { $0 + 200 + 3 * $1.key.count + 3 * $1.value.memoryBytes }
        guard memory.extend(by: bytes) else {
            throw AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later.")
        }
        page.items.append(shown)
    }

    /// What the next page is asked for with.
    private func key(of item: Item) -> Item {
        let names = table.keys.map(\.name) + (index?.keys.map(\.name) ?? [])
        return item.filter { names.contains($0.key) }
    }

    // MARK: Going on

    /// Leaves of the range what lies behind a key that an earlier page ended with.
    mutating func start(after key: Item, of partition: AttributeValue?) throws(AWSError) {
        let invalid = AWSError.invalid("The provided starting key is invalid")
        let elements = table.keys + (index?.keys ?? [])
        guard key.count == Set(elements.map(\.name)).count, elements.allSatisfy({ key[$0.name]?.kind == $0.kind }) else {
            throw partition == nil
                ? .invalid("The provided starting key is invalid: The provided key element does not match the schema") : invalid
        }
        let itemKey = ItemKey(partition: key[table.partition.name] ?? .null, sort: table.sort.flatMap { key[$0.name] })
        let place: [UInt8]
        if let index {
            guard let indexKey = index.key(of: key) else { throw invalid }
            place = KeyCoding.key(table: table.number, index: index.definition.number, indexKey, of: itemKey)
        } else {
            place = KeyCoding.key(table: table.number, itemKey)
        }
        if let partition, key[index?.keys[0].name ?? table.partition.name] != partition {
            throw .invalid("The provided starting key is outside query boundaries based on provided conditions")
        }
        if isDescending {
            if range.end.map({ place.lexicographicallyPrecedes($0) }) ?? true { range.end = place }
        } else if !place.lexicographicallyPrecedes(range.start) {
            range.start = place + [0]
        }
    }
}

extension KeyRange {
    /// The keys of a partition whose sort keys are as a condition says.
    init(partition prefix: [UInt8], _ sort: KeyCondition.Sort) {
        let all = KeyRange.prefix(prefix)
        func range(_ value: AttributeValue) -> KeyRange { .prefix(prefix + KeyCoding.ordered(value)) }
        switch sort {
        case .all, .compare(.notEqual, _): self = all
        case .compare(.equal, let value): self = range(value)
        case .compare(.less, let value): self.init(from: prefix, to: range(value).start)
        case .compare(.atMost, let value): self.init(from: prefix, to: range(value).end)
        case .compare(.greater, let value): self.init(from: range(value).end ?? range(value).start, to: all.end)
        case .compare(.atLeast, let value): self.init(from: range(value).start, to: all.end)
        case .between(let low, let high): self.init(from: range(low).start, to: range(high).end)
        case .beginsWith(.string(let bytes)), .beginsWith(.binary(let bytes)): self = .prefix(prefix + KeyCoding.escaped(bytes))
        case .beginsWith: self.init(from: prefix, to: prefix)
        }
    }
}
