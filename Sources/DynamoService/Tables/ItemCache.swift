/// Items that were read or written lately, so that most reads need not go to the log.

import Synchronization

/// Two generations: what is found in the old one moves to the young one, and when that is full the old one is let go of.
final class ItemCache: Sendable {
    struct Entry: Sendable {
        /// Of the value in the table: an entry with another one is out of date.
        var revision: Int64
        var item: Item
    }

    private struct State {
        var young: [[UInt8]: Entry] = [:]
        var old: [[UInt8]: Entry] = [:]
        var youngBytes = 0
    }

    private let generationBytes: Int
    private let state = Mutex(State())

    /// - Parameter bytes: what both generations may take, about.
    init(bytes: Int) { generationBytes = bytes / 2 }

    func item(_ key: [UInt8], revision: Int64) -> Item? {
        state.withLock { state in
            if let entry = state.young[key] { return entry.revision == revision ? entry.item : nil }
            guard let entry = state.old[key], entry.revision == revision else { return nil }
            insert(key, entry, &state)
            return entry.item
        }
    }

    func insert(_ key: [UInt8], _ item: Item, revision: Int64) {
        state.withLock { insert(key, Entry(revision: revision, item: item), &$0) }
    }

    private func insert(_ key: [UInt8], _ entry: Entry, _ state: inout State) {
        let bytes = Self.bytes(key, entry.item)
        guard bytes <= generationBytes / 4 else { return }
        if let known = state.young[key] {
            guard known.revision <= entry.revision else { return }
            state.youngBytes -= Self.bytes(key, known.item)
        }
        state.young[key] = entry
        state.youngBytes += bytes
        guard state.youngBytes > generationBytes else { return }
        (state.old, state.young, state.youngBytes) = (state.young, [:], 0)
    }

    /// What an entry takes, about: a dictionary's slots and an allocation for each name and value.
    private static func bytes(_ key: [UInt8], _ item: Item) -> Int {
        240 + key.count + item.reduce(0) { $0 + 160 + $1.key.count + $1.value.memoryBytes }
    }
}

extension AttributeValue {
    /// What it takes in memory besides its own place, about.
    var memoryBytes: Int {
        switch self {
        case .string(let bytes), .binary(let bytes): bytes.count + 32
        case .number, .bool, .null: 0
        case .list(let elements): elements.reduce(32) { $0 + 64 + $1.memoryBytes }
        case .map(let members): members.reduce(64) { $0 + 160 + $1.key.count + $1.value.memoryBytes }
        case .stringSet(let elements), .binarySet(let elements): elements.reduce(32) { $0 + 40 + $1.count }
        case .numberSet(let numbers): 32 + numbers.count * 48
        }
    }
}
