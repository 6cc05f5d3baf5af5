/// Numbers rows by their grouping terms: column by column, each value as a word.

package import StreamSQL

/// The groups of GROUP BY in the order of their first rows. NULLs are alike, as are 0.0 and -0.0.
package struct GroupTable: Sendable {
    private let types: [SQLType]
    /// The columns whose word cannot say that they are NULL: of all but texts. A bit each does, in words after those of the columns.
    private let flagged: [Int]
    /// How many words a key has.
    private let width: Int
    private var texts: [TextNumbers?]
    /// The words of all groups, group by group.
    private var keys: [UInt64] = []
    /// Groups are numbered from 1 in them.
    private var slots = HashSlots()
    package private(set) var count = 0
    /// The words of the rows at hand, column by column.
    private var words: [UInt64] = []
    /// Their hashes.
    private var hashes: [UInt32] = []

    package init(_ types: [SQLType]) {
        self.types = types
        texts = types.map { $0.storage == .bytes ? TextNumbers() : nil }
        flagged = types.indices.filter { types[$0].storage != .bytes }
        width = types.count + (flagged.count + 63) / 64
    }

    /// Whether waiting for memory is most of a look-up's time.
    var isLarge: Bool { slots.isLarge }

    package var byteCount: Int { texts.reduce(keys.count * 8 + slots.byteCount) { $0 + ($1?.byteCount ?? 0) } }

    /// Writes the group of each row; new keys make new groups.
    package mutating func number(_ rows: Range<Int>, of columns: [Column], into groups: inout [Int]) {
        groups.removeAll(keepingCapacity: true)
        guard width > 0 else {
            count = max(count, rows.isEmpty ? 0 : 1)
            groups.append(contentsOf: repeatElement(0, count: rows.count))
            return
        }
        writeWords(rows, columns)
        hash(rows.count)
        groups.append(contentsOf: repeatElement(0, count: rows.count))
        var first = 0
        // The slots may grow in between, so that rows are taken in turns.
        while first < rows.count {
            let turn = min(rows.count - first, max(32, slots.capacity - count))
            slots.grow(toHold: count + turn)
            find(first..<(first + turn), of: rows.count, into: &groups)
            first += turn
        }
    }

    // MARK: Words

    private mutating func writeWords(_ rows: Range<Int>, _ columns: [Column]) {
        let size = rows.count
        if words.count < size * width { words = [UInt64](repeating: 0, count: size * width) }
        // Taken out, so that texts are numbered in place while words are written.
        var texts = self.texts
        self.texts = []
        let isWide = size >= Self.rowsWorthCores && texts.contains { $0?.isLarge ?? false }
        words.withUnsafeMutableBufferPointer { words in
            Cores.forEach(&texts, isWorthIt: isWide) { texts, index in
                let target = UnsafeMutableBufferPointer(rebasing: words[(index * size)..<((index + 1) * size)])
                Self.write(columns[index], rows, numbering: &texts, to: target)
            }
            for word in (columns.count * size)..<(width * size) { words[word] = 0 }
            for (place, index) in flagged.enumerated() {
                guard let nulls = columns[index].nulls else { continue }
                let flags = (columns.count + place / 64) * size
                for (offset, row) in rows.enumerated() where nulls[row] {
                    words[index * size + offset] = 0
                    words[flags + offset] |= 1 << UInt64(place % 64)
                }
            }
        }
        self.texts = texts
    }

    /// For fewer rows the others are not asked.
    static let rowsWorthCores = 1024

    /// Writes the words of one column, NULL left aside where it is no text.
    private static func write(
        _ column: Column, _ rows: Range<Int>, numbering texts: inout TextNumbers?, to target: UnsafeMutableBufferPointer<UInt64>
    ) {
        switch column.values {
        case .bytes(let values): texts?.number(rows, of: values, nulls: column.nulls, into: target)
        case .integers(let values):
            for (offset, row) in rows.enumerated() { target[offset] = UInt64(bitPattern: values[row]) }
        case .booleans(let values): for (offset, row) in rows.enumerated() { target[offset] = values[row] ? 1 : 0 }
        case .doubles(let values):
            for (offset, row) in rows.enumerated() {
                let value = values[row]
                target[offset] = value == 0 ? 0 : value.isNaN ? Double.nan.bitPattern : value.bitPattern
            }
        }
    }

    // MARK: Groups

    private mutating func hash(_ size: Int) {
        if hashes.count < size { hashes = [UInt32](repeating: 0, count: size) }
        let (width, seed) = (width, KeyHash.processSeed)
        hashes.withUnsafeMutableBufferPointer { hashes in
            words.withUnsafeBufferPointer { words in
                for row in 0..<size {
                    var state = seed
                    for index in 0..<width {
                        state = KeyHash.fold(state ^ words[index &* size &+ row], 0xe703_7ed1_a0b4_28db ^ UInt64(index))
                    }
                    hashes[row] = UInt32(truncatingIfNeeded: KeyHash.fold(state, 0x8ebc_6af0_9c88_c6e3))
                }
            }
        }
    }

    private mutating func find(_ turn: Range<Int>, of size: Int, into groups: inout [Int]) {
        keys.makeRoom(for: (count + turn.count) * width)
        // Taken out, so that each has one owner.
        var (keys, slots) = (self.keys, self.slots)
        self.keys = []
        self.slots = HashSlots.none
        let (mask, isLarge) = (slots.mask, slots.isLarge)
        slots.withSlots { slots in
            groups.withUnsafeMutableBufferPointer { groups in
                for row in turn {
                    if isLarge, row &+ HashSlots.ahead < turn.upperBound {
                        HashSlots.fetch(slots.baseAddress, Int(hashes[row &+ HashSlots.ahead]) & mask)
                        let next = slots[Int(hashes[row &+ HashSlots.ahead / 2]) & mask]
                        if next != 0 {
                            keys.withUnsafeBufferPointer { HashSlots.fetch($0.baseAddress, (HashSlots.number(next) &- 1) &* width) }
                        }
                    }
                    groups[row] = find(row, of: size, in: slots, &keys)
                }
            }
        }
        self.keys = keys
        self.slots = slots
    }

    /// The group of a row.
    /// - Precondition: there is room for one more.
    @inline(__always)
    private mutating func find(_ row: Int, of size: Int, in slots: UnsafeMutableBufferPointer<UInt64>, _ keys: inout [UInt64])
        -> Int
    {
        let (hash, mask) = (hashes[row], slots.count &- 1)
        var slot = Int(hash) & mask
        while slots[slot] != 0 {
            let group = HashSlots.number(slots[slot]) &- 1
            if HashSlots.hash(slots[slot]) == hash {
                let base = group &* width
                var index = 0
                while index < width, keys[base &+ index] == words[index &* size &+ row] { index &+= 1 }
                if index == width { return group }
            }
            slot = (slot &+ 1) & mask
        }
        for index in 0..<width { keys.append(words[index &* size &+ row]) }
        count += 1
        slots[slot] = HashSlots.slot(number: count, hash: hash)
        return count - 1
    }

    // MARK: What the groups are

    /// The grouping terms of all groups, in their order.
    package var terms: [Column] { terms(of: 0..<count) }

    /// The grouping terms of some groups.
    package func terms(of groups: some Collection<Int>) -> [Column] {
        types.indices.map { index in
            let type = types[index]
            let words = groups.map { keys[$0 * width + index] }
            if let texts = texts[index] {
                let numbers = words.map { UInt32(truncatingIfNeeded: $0) }
                let nulls = numbers.contains(0) ? numbers.map { $0 == 0 } : nil
                return Column(type, .bytes(texts.texts(numbers)), nulls: nulls)
            }
            let nulls = nulls(of: index, groups)
            switch type.storage {
            case .booleans: return Column(type, .booleans(words.map { $0 != 0 }), nulls: nulls)
            case .doubles: return Column(type, .doubles(words.map { Double(bitPattern: $0) }), nulls: nulls)
            default: return Column(type, .integers(words.map { Int64(bitPattern: $0) }), nulls: nulls)
            }
        }
    }

    private func nulls(of index: Int, _ groups: some Collection<Int>) -> [Bool]? {
        guard let place = flagged.firstIndex(of: index) else { return nil }
        let bit: UInt64 = 1 << UInt64(place % 64)
        let flags = groups.map { keys[$0 * width + types.count + place / 64] & bit != 0 }
        return flags.contains(true) ? flags : nil
    }

    /// Forgets all groups; keeps memory for about as many again.
    package mutating func removeAll() {
        if count * 16 < slots.capacity * 2 {
            self = GroupTable(types)
            return
        }
        count = 0
        keys.removeAll(keepingCapacity: true)
        slots.removeAll()
        for index in texts.indices { texts[index]?.removeAll() }
    }
}
