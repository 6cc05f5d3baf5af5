/// The keys of a table in the order of their bytes, for ranges: blocks of entry numbers.

/// A sorted list in blocks, so that a new key moves only its neighbours.
package struct KeyOrder {
    private static let blockLimit = 512

    /// None is empty.
    private var blocks: [[UInt32]] = []

    /// Bytes of memory.
    var memoryBytes: Int { blocks.reduce(blocks.capacity * 8) { $0 + $1.capacity * 4 + 32 } }

    /// Sorts all keys of an index.
    package init(of index: KeyIndex) {
        // Keys tend to begin alike. The eight bytes behind what is common to all decide nearly every comparison.
        let common = KeyOrder.commonPrefix(of: index)
        var sorted: ContiguousArray<(head: UInt64, number: UInt32)> = []
        sorted.reserveCapacity(index.count)
        for number in 0..<index.endNumber where index.isUsed(number) {
            sorted.append((index.withKey(number) { KeyOrder.head($0.dropFirst(common)) }, number))
        }
        sorted.sort { left, right in
            if left.head != right.head { return left.head < right.head }
            return index.withKey(left.number) { left in index.withKey(right.number) { KeyIndex.compare(left, $0) < 0 } }
        }
        // Blocks that are full would be split by the next key of theirs.
        let filling = Self.blockLimit * 3 / 4
        var start = 0
        while start < sorted.count {
            let end = min(start + filling, sorted.count)
            blocks.append(sorted[start..<end].map(\.number))
            start = end
        }
    }

    private static func commonPrefix(of index: KeyIndex) -> Int {
        guard let first = (0..<index.endNumber).first(where: index.isUsed) else { return 0 }
        let model = index.key(first)
        var length = model.count
        for number in first..<index.endNumber where index.isUsed(number) {
            index.withKey(number) { key in
                length = min(length, key.count)
                var same = 0
                while same < length, key[same] == model[same] { same += 1 }
                length = same
            }
            if length == 0 { break }
        }
        return length
    }

    /// The first eight bytes as a number that sorts as they do; what is missing counts as 0, so equal numbers decide nothing.
    private static func head(_ key: Slice<UnsafeRawBufferPointer>) -> UInt64 {
        var head: UInt64 = 0
        for byte in key.prefix(8) { head = head << 8 | UInt64(byte) }
        return head << UInt64(8 * (8 - min(8, key.count)))
    }

    /// The first place whose key is not before `key`.
    private func place(of key: UnsafeRawBufferPointer, in index: KeyIndex) -> (block: Int, position: Int) {
        var (lower, upper) = (0, blocks.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if index.withKey(blocks[middle][blocks[middle].count - 1], { KeyIndex.compare($0, key) < 0 }) {
                lower = middle + 1
            } else {
                upper = middle
            }
        }
        guard lower < blocks.count else { return (lower, 0) }
        let block = lower
        (lower, upper) = (0, blocks[block].count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if index.withKey(blocks[block][middle], { KeyIndex.compare($0, key) < 0 }) {
                lower = middle + 1
            } else {
                upper = middle
            }
        }
        return (block, lower)
    }

    /// Takes in a key that the index has just got.
    package mutating func insert(_ number: UInt32, in index: KeyIndex) {
        var (block, position) = index.withKey(number) { place(of: $0, in: index) }
        if block == blocks.count {
            // Behind all: keys that come in order fill block after block.
            if blocks.isEmpty || blocks[block - 1].count >= Self.blockLimit { return blocks.append([number]) }
            block -= 1
            position = blocks[block].count
        }
        blocks[block].insert(number, at: position)
        guard blocks[block].count > Self.blockLimit else { return }
        let half = blocks[block].count / 2
        let second = Array(blocks[block][half...])
        blocks[block].removeSubrange(half...)
        blocks.insert(second, at: block + 1)
    }

    /// Forgets a key that the index still has.
    package mutating func remove(_ number: UInt32, in index: KeyIndex) {
        let (block, position) = index.withKey(number) { place(of: $0, in: index) }
        precondition(blocks[block][position] == number, "an entry stands where its key belongs")
        blocks[block].remove(at: position)
        if blocks[block].isEmpty { blocks.remove(at: block) }
    }

    /// The entries of a range in order, at most `limit`.
    package func numbers(in range: KeyRange, limit: Int, of index: KeyIndex) -> [UInt32] {
        var found: [UInt32] = []
        var (block, position) = range.start.withUnsafeBytes { place(of: $0, in: index) }
        while block < blocks.count, found.count < limit {
            while position < blocks[block].count, found.count < limit {
                let number = blocks[block][position]
                if let end = range.end {
                    let isBehind = end.withUnsafeBytes { end in index.withKey(number) { KeyIndex.compare($0, end) >= 0 } }
                    if isBehind { return found }
                }
                found.append(number)
                position += 1
            }
            (block, position) = (block + 1, 0)
        }
        return found
    }
}
