/// The keys of a table in memory: for each where its value lies in the log. Compact, for there may be millions.

internal import CInstructions
internal import Glibc

/// A hash table over packed keys. An entry takes 24 bytes, its key's length, and 11 to 23 bytes of the hash table.
package struct KeyIndex {
    package struct Entry {
        /// The offset of the record that has the value. Negative for a key that was removed and is remembered while the log is read.
        package var location: Int64
        /// See `LatestValue.revision`.
        var revision: Int64
        fileprivate var keyPlace: UInt32
        fileprivate var keyLength: UInt16
        /// What the record counts for: `LatestRecord.units`.
        var units: UInt16
    }

    /// A place of the hash table. The hash beside the number spares the memory of other keys, which is rarely in a cache, and lets the table grow
    /// without looking at any key.
    private struct Slot {
        /// Of an entry, plus 1; 0 where there is none.
        var number: UInt32 = 0
        var hash: UInt32 = 0
    }

    private var entries: ContiguousArray<Entry> = []
    private var keys: ContiguousArray<UInt8> = []
    private var deadKeyBytes = 0
    private var free: [UInt32] = []
    /// The length is a power of two.
    private var slots = ContiguousArray<Slot>(repeating: Slot(), count: 16)
    package private(set) var count = 0

    package init() {}

    /// All keys together must fit this many bytes, removed ones included until there are enough to be worth a sweep.
    static let maxKeyBytes = Int(UInt32.max)

    /// Bytes of memory.
    var memoryBytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + keys.capacity + slots.capacity * MemoryLayout<Slot>.stride
            + free.capacity * 4
    }

    /// Entries are known by numbers below this.
    var endNumber: UInt32 { UInt32(entries.count) }

    package subscript(number: UInt32) -> Entry {
        get { entries[Int(number)] }
        set { entries[Int(number)] = newValue }
    }

    /// Whether a number below `endNumber` is in use.
    func isUsed(_ number: UInt32) -> Bool { entries[Int(number)].keyLength > 0 }

    package func key(_ number: UInt32) -> [UInt8] { withKey(number) { [UInt8]($0) } }

    /// The key is never empty.
    @inline(__always)
    func withKey<Result>(_ number: UInt32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let entry = entries[Int(number)]
        let start = Int(entry.keyPlace)
        return keys.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start..<start + Int(entry.keyLength)])) }
    }

    /// The order of two keys' bytes: negative, 0 or positive.
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        guard let first = left.baseAddress, let second = right.baseAddress else { return left.count - right.count }
        let order = memcmp(first, second, min(left.count, right.count))
        return order != 0 ? Int(order) : left.count - right.count
    }

    /// Seeded by the process: who chooses keys cannot make them collide.
    static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    private func holds(_ number: Int, _ key: UnsafeRawBufferPointer) -> Bool {
        let entry = entries[number]
        guard Int(entry.keyLength) == key.count else { return false }
        let start = Int(entry.keyPlace)
        return keys.withUnsafeBytes { Self.compare(UnsafeRawBufferPointer(rebasing: $0[start..<start + key.count]), key) == 0 }
    }

    /// The slot of a key, or the free one where it would go.
    private func slot(of key: UnsafeRawBufferPointer, _ hash: UInt32) -> Int {
        let mask = slots.count - 1
        var place = Int(hash) & mask
        while true {
            let slot = slots[place]
            if slot.number == 0 || slot.hash == hash && holds(Int(slot.number) - 1, key) { return place }
            place = (place + 1) & mask
        }
    }

    /// Begins to fetch what `set` will look at for the keys with these hashes: far apart in memory, each would be waited for otherwise.
    func prefetch(_ hashes: [UInt32]) {
        let mask = slots.count - 1
        slots.withUnsafeBufferPointer { slots in
            guard let first = slots.baseAddress else { return }
            for hash in hashes { prefetch_line(first + (Int(hash) & mask)) }
            entries.withUnsafeBufferPointer { entries in
                guard let firstEntry = entries.baseAddress else { return }
                for hash in hashes where slots[Int(hash) & mask].hash == hash {
                    prefetch_line(firstEntry + Int(max(slots[Int(hash) & mask].number, 1)) - 1)
                }
                keys.withUnsafeBufferPointer { keys in
                    guard let firstKey = keys.baseAddress else { return }
                    for hash in hashes where slots[Int(hash) & mask].hash == hash {
                        prefetch_line(firstKey + Int(entries[Int(max(slots[Int(hash) & mask].number, 1)) - 1].keyPlace))
                    }
                }
            }
        }
    }

    /// The number of a key's entry.
    package func find(_ key: UnsafeRawBufferPointer) -> UInt32? {
        let number = slots[slot(of: key, Self.hash(key))].number
        return number == 0 ? nil : number - 1
    }

    /// Sets what is known of a key.
    /// - Parameters:
    ///   - hash: the key's, where it is known already.
    ///   - isNewer: whether what was known before gives way.
    /// - Returns: its entry's number and whether the key is new; nil when there is no room for another key.
    package mutating func set(
        _ key: UnsafeRawBufferPointer, hash: UInt32? = nil, location: Int64, revision: Int64, units: Int,
        if isNewer: (Entry) -> Bool = { _ in true }
    ) -> (number: UInt32, isNew: Bool)? {
        let hash = hash ?? Self.hash(key)
        let place = slot(of: key, hash)
        let units = UInt16(clamping: units)
        if slots[place].number != 0 {
            let number = slots[place].number - 1
            guard isNewer(entries[Int(number)]) else { return (number, false) }
            entries[Int(number)].location = location
            entries[Int(number)].revision = revision
            entries[Int(number)].units = units
            return (number, false)
        }
        guard keys.count + key.count <= Self.maxKeyBytes, entries.count < Int(UInt32.max) - 1 else { return nil }
        let entry = Entry(
            location: location, revision: revision, keyPlace: UInt32(keys.count), keyLength: UInt16(key.count), units: units)
        keys.append(contentsOf: key)
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
            entries[Int(number)] = entry
        } else {
            number = UInt32(entries.count)
            entries.append(entry)
        }
        slots[place] = Slot(number: number + 1, hash: hash)
        count += 1
        if count * 10 > slots.count * 7 { grow() }
        return (number, true)
    }

    /// Forgets a key.
    package mutating func remove(_ number: UInt32) {
        var hole = withKey(number) { slot(of: $0, Self.hash($0)) }
        let mask = slots.count - 1
        // Those behind it that would not be found over the hole move up.
        var next = (hole + 1) & mask
        while slots[next].number != 0 {
            let home = Int(slots[next].hash) & mask
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot()
        deadKeyBytes += Int(entries[Int(number)].keyLength)
        entries[Int(number)].keyLength = 0
        free.append(number)
        count -= 1
        if deadKeyBytes > 1 << 20, deadKeyBytes * 2 > keys.count { sweepKeys() }
    }

    private mutating func grow() {
        var grown = ContiguousArray(repeating: Slot(), count: slots.count * 2)
        let mask = grown.count - 1
        for slot in slots where slot.number != 0 {
            var place = Int(slot.hash) & mask
            while grown[place].number != 0 { place = (place + 1) & mask }
            grown[place] = slot
        }
        slots = grown
    }

    /// Packs the keys anew, without those that were removed.
    private mutating func sweepKeys() {
        var packed: ContiguousArray<UInt8> = []
        packed.reserveCapacity(keys.count - deadKeyBytes)
        for number in 0..<endNumber where isUsed(number) {
            let place = UInt32(packed.count)
            withKey(number) { packed.append(contentsOf: $0) }
            entries[Int(number)].keyPlace = place
        }
        keys = packed
        deadKeyBytes = 0
    }
}
