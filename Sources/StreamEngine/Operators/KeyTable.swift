/// Dense numbers for byte strings: the groups of GROUP BY, the values of DISTINCT.

/// Numbers byte strings in the order of their first appearance. Hashes are seeded per process, so that chosen keys cannot make it slow; numbers
/// do not depend on them.
struct KeyTable: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var hashes: [Int] = []
    /// Number + 1, or 0 where free. A power of two, at most half full.
    private var slots: [UInt32]

    private static let firstCapacity = 16

    init() { slots = [UInt32](repeating: 0, count: Self.firstCapacity) }

    var count: Int { ends.count }
    var byteCount: Int { bytes.count + ends.count * 16 + slots.count * 4 }

    /// The key's number; the first unused one for a new key.
    mutating func number(of key: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        let hash = hasher.finalize()
        let mask = slots.count - 1
        var slot = hash & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if hashes[number] == hash && matches(number, key) { return number }
            slot = (slot + 1) & mask
        }
        bytes.append(contentsOf: key)
        ends.append(bytes.count)
        hashes.append(hash)
        slots[slot] = UInt32(ends.count)
        if ends.count * 2 > slots.count { rehash(to: slots.count * 2) }
        return ends.count - 1
    }

    private func matches(_ number: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        let start = number == 0 ? 0 : ends[number - 1]
        guard ends[number] - start == key.count else { return false }
        return bytes.withUnsafeBytes { bytes in
            for offset in 0..<key.count where bytes[start + offset] != key[offset] { return false }
            return true
        }
    }

    private mutating func rehash(to capacity: Int) {
        slots = [UInt32](repeating: 0, count: capacity)
        let mask = capacity - 1
        for number in hashes.indices {
            var slot = hashes[number] & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(number + 1)
        }
    }

    /// Forgets all keys; keeps memory for about as many again.
    mutating func removeAll() {
        if ends.count * 16 < slots.count {
            self = KeyTable()
            return
        }
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        hashes.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = 0 }
    }

    // MARK: State

    /// Writes some of the keys.
    func write(_ keys: Range<Int>, to writer: inout StateWriter) {
        writer.write(count: keys.count)
        var start = keys.lowerBound == 0 ? 0 : ends[keys.lowerBound - 1]
        for end in ends[keys] {
            writer.write(bytes[start..<end])
            start = end
        }
    }

    /// Adds keys that were written, all of them new.
    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        for _ in 0..<(try reader.count(of: 8)) {
            let key = try reader.byteString()
            let expected = count
            let number = key.withUnsafeBytes { self.number(of: $0) }
            guard number == expected else { throw .damaged("a group appears twice") }
        }
    }
}
