/// Numbers rows by their grouping terms: column by column, each value as a word.

package import StreamSQL

/// The groups of GROUP BY, or the values of DISTINCT, in the order of their first rows. NULLs are alike, as are 0.0 and -0.0.
package struct GroupTable: Sendable {
    private let types: [SQLType]
    /// The columns whose word cannot say that they are NULL: of all but texts. A bit each does, in words after those of the columns.
    private let flagged: [Int]
    /// How many words a key has.
    private let width: Int
    private var texts: [TextNumbers?]
    /// The words of all groups, group by group.
    private var keys: [UInt64] = []
    /// Group + 1, 0 where free. A power of two, at most half full.
    private var slots = [UInt32](repeating: 0, count: 64)
    package private(set) var count = 0
    /// The words of the rows at hand, column by column.
    private var words: [UInt64] = []

    package init(_ types: [SQLType]) {
        self.types = types
        texts = types.map { $0.storage == .bytes ? TextNumbers() : nil }
        flagged = types.indices.filter { types[$0].storage != .bytes }
        width = types.count + (flagged.count + 63) / 64
    }

    package var byteCount: Int { texts.reduce(keys.count * 8 + slots.count * 4) { $0 + ($1?.byteCount ?? 0) } }

    /// Writes the group of each row; new keys make new groups.
    package mutating func number(_ rows: Range<Int>, of columns: [Column], into groups: inout [Int]) {
        groups.removeAll(keepingCapacity: true)
        guard width > 0 else {
            count = max(count, rows.isEmpty ? 0 : 1)
            groups.append(contentsOf: repeatElement(0, count: rows.count))
            return
        }
        writeWords(rows, columns)
        groups.append(contentsOf: repeatElement(0, count: rows.count))
        var first = 0
        // The slots may grow in between, so that rows are taken in turns.
        while first < rows.count {
            let turn = min(rows.count - first, max(32, slots.count / 2 - count))
            if (count + turn) * 2 > slots.count { grow(for: count + turn) }
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
        words.withUnsafeMutableBufferPointer { words in
            for (index, column) in columns.enumerated() {
                let target = UnsafeMutableBufferPointer(rebasing: words[(index * size)..<((index + 1) * size)])
                switch column.values {
                case .bytes(let values): texts[index]?.number(rows, of: values, nulls: column.nulls, into: target)
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

    // MARK: Groups

    private mutating func find(_ turn: Range<Int>, of size: Int, into groups: inout [Int]) {
        let width = width
        let mask = slots.count - 1
        let seed = KeyHash.processSeed
        var count = count
        // By doubling: room for just this turn would move all keys with every batch.
        let room = (count + turn.count) * width
        if keys.capacity < room { keys.reserveCapacity(max(room, keys.capacity * 2)) }
        var keys = self.keys
        self.keys = []
        words.withUnsafeBufferPointer { words in
            slots.withUnsafeMutableBufferPointer { slots in
                groups.withUnsafeMutableBufferPointer { groups in
                    for row in turn {
                        var slot = Self.hash(words, row, size, width, seed) & mask
                        while true {
                            let known = Int(slots[slot])
                            if known == 0 {
                                for index in 0..<width { keys.append(words[index &* size &+ row]) }
                                count += 1
                                slots[slot] = UInt32(count)
                                groups[row] = count - 1
                                break
                            }
                            let base = (known &- 1) &* width
                            var index = 0
                            while index < width, keys[base &+ index] == words[index &* size &+ row] { index &+= 1 }
                            if index == width {
                                groups[row] = known - 1
                                break
                            }
                            slot = (slot &+ 1) & mask
                        }
                    }
                }
            }
        }
        self.keys = keys
        self.count = count
    }

    @inline(__always)
    private static func hash(_ words: UnsafeBufferPointer<UInt64>, _ row: Int, _ size: Int, _ width: Int, _ seed: UInt64) -> Int {
        var state = seed
        for index in 0..<width { state = KeyHash.fold(state ^ words[index &* size &+ row], 0xe703_7ed1_a0b4_28db ^ UInt64(index)) }
        return Int(truncatingIfNeeded: KeyHash.fold(state, 0x8ebc_6af0_9c88_c6e3))
    }

    private mutating func grow(for groups: Int) {
        var capacity = slots.count
        while capacity < groups * 2 { capacity *= 2 }
        slots = [UInt32](repeating: 0, count: capacity)
        let mask = capacity - 1
        let seed = KeyHash.processSeed
        keys.withUnsafeBufferPointer { keys in
            for group in 0..<count {
                var slot =
                    Self.hash(UnsafeBufferPointer(rebasing: keys[(group * width)...]), 0, 1, width, seed) & mask
                while slots[slot] != 0 { slot = (slot + 1) & mask }
                slots[slot] = UInt32(group + 1)
            }
        }
    }

    // MARK: What the groups are

    /// The grouping terms of all groups, in their order.
    package var terms: [Column] {
        types.indices.map { index in
            let type = types[index]
            let words = (0..<count).map { keys[$0 * width + index] }
            if let texts = texts[index] {
                let numbers = words.map { UInt32(truncatingIfNeeded: $0) }
                let nulls = numbers.contains(0) ? numbers.map { $0 == 0 } : nil
                return Column(type, .bytes(texts.texts(numbers)), nulls: nulls)
            }
            let nulls = nulls(of: index)
            switch type.storage {
            case .booleans: return Column(type, .booleans(words.map { $0 != 0 }), nulls: nulls)
            case .doubles: return Column(type, .doubles(words.map { Double(bitPattern: $0) }), nulls: nulls)
            default: return Column(type, .integers(words.map { Int64(bitPattern: $0) }), nulls: nulls)
            }
        }
    }

    private func nulls(of index: Int) -> [Bool]? {
        guard let place = flagged.firstIndex(of: index) else { return nil }
        let bit: UInt64 = 1 << UInt64(place % 64)
        let flags = (0..<count).map { keys[$0 * width + types.count + place / 64] & bit != 0 }
        return flags.contains(true) ? flags : nil
    }

    /// Forgets all groups; keeps memory for about as many again.
    package mutating func removeAll() {
        if count * 16 < slots.count {
            self = GroupTable(types)
            return
        }
        count = 0
        keys.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = 0 }
        for index in texts.indices { texts[index]?.removeAll() }
    }
}
