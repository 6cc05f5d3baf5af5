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

    /// The entries of a range, at most `limit`, the last one first if `isDescending`; `isEnough` is asked after each whether more are wanted.
    func numbers(
        in range: KeyRange, limit: Int, isDescending: Bool, of index: KeyIndex, until isEnough: (UInt32) -> Bool
    ) -> [UInt32] {
        var found: [UInt32] = []
        var (block, position) = (0, 0)
        if !isDescending {
            (block, position) = range.start.withUnsafeBytes { place(of: $0, in: index) }
        } else if let end = range.end {
            (block, position) = end.withUnsafeBytes { place(of: $0, in: index) }
        } else {
            block = blocks.count
        }
        while found.count < limit {
            if isDescending {
                if position == 0 {
                    guard block > 0 else { return found }
                    block -= 1
                    position = blocks[block].count
                }
                position -= 1
            } else if block < blocks.count, position == blocks[block].count {
                (block, position) = (block + 1, 0)
            }
            guard block < blocks.count else { return found }
            let number = blocks[block][position]
            guard isInside(number, range, isDescending, index) else { return found }
            found.append(number)
            if isEnough(number) { return found }
            if !isDescending { position += 1 }
        }
        return found
    }

    /// Whether an entry that a walk through a range has come to is still within it.
    private func isInside(_ number: UInt32, _ range: KeyRange, _ isDescending: Bool, _ index: KeyIndex) -> Bool {
        index.withKey(number) { key in
            if isDescending { return range.start.withUnsafeBytes { KeyIndex.compare(key, $0) >= 0 } }
            return range.end.map { end in end.withUnsafeBytes { KeyIndex.compare(key, $0) < 0 } } ?? true
        }
    }

    /// How many entries a range has; the keys are not looked at, but for those at its ends.
    func count(in range: KeyRange, of index: KeyIndex) -> Int {
        let start = range.start.withUnsafeBytes { place(of: $0, in: index) }
        let end: (block: Int, position: Int) =
            range.end.map { end in end.withUnsafeBytes { place(of: $0, in: index) } } ?? (blocks.count, 0)
        guard (start.block, start.position) < (end.block, end.position) else { return 0 }
        return blocks[start.block..<end.block].reduce(0) { $0 + $1.count } + end.position - start.position
    }
}
