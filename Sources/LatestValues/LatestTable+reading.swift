/// Reads by key and by range: the index tells where the values lie, the log has them.

import RecordBatch
import StreamStore
import Synchronization

extension LatestTable {
    /// Ends the walk through a batch.
    private struct AllFound: Error {}

    /// Where an entry's value lies.
    private struct Wanted: Sendable {
        var place: Int
        var location: Int64
        var revision: Int64
    }

    /// How often a read that finds its record gone, compacted meanwhile, looks again.
    private static let mostAttempts = 100

    /// A key's latest value; nil when it has none.
    /// - Throws: `.store` when the log cannot be read.
    public func value(of key: [UInt8]) async throws(LatestError) -> LatestValue? {
        for _ in 0..<Self.mostAttempts {
            let found = state.withLock { state in
                key.withUnsafeBytes { state.index.find($0) }.map { state.index[$0] }
            }
            guard let found else { return nil }
            let wanted = [Wanted(place: 0, location: found.location, revision: found.revision)]
            if let value = try await values(wanted).first { return LatestValue(bytes: value.bytes, revision: found.revision) }
        }
        throw .store(.failed("the value of a key of table \(name) moves faster than it can be read"))
    }

    /// A key that is text, in UTF-8.
    public func value(of key: String) async throws(LatestError) -> LatestValue? { try await value(of: Array(key.utf8)) }

    /// The keys of a range in order with their revisions, at most `limit`. Nothing is read for it.
    public func keys(in range: KeyRange, limit: Int) -> [(key: [UInt8], revision: Int64)] {
        state.withLock { state in
            state.order.numbers(in: range, limit: limit, of: state.index).map { (state.index.key($0), state.index[$0].revision) }
        }
    }

    /// The entries of a range in the order of their keys, at most `limit`. Each is as it was at some moment during the call.
    /// - Throws: `.store` when the log cannot be read.
    public func entries(in range: KeyRange, limit: Int) async throws(LatestError) -> [LatestEntry] {
        let (keys, wanted) = state.withLock { state in
            let numbers = state.order.numbers(in: range, limit: limit, of: state.index)
            let wanted = numbers.enumerated().map { place, number in
                Wanted(place: place, location: state.index[number].location, revision: state.index[number].revision)
            }
            return (numbers.map { state.index.key($0) }, wanted)
        }
        return try await entries(keys, wanted)
    }

    /// The entries of keys in their order; those that are gone meanwhile are left out.
    private func entries(_ keys: [[UInt8]], _ wanted: [Wanted]) async throws(LatestError) -> [LatestEntry] {
        var entries: [LatestEntry?] = Array(repeating: nil, count: keys.count)
        for found in try await values(wanted) {
            entries[found.place] = LatestEntry(
                key: keys[found.place], value: LatestValue(bytes: found.bytes, revision: wanted[found.place].revision))
        }
        // Those that were changed or moved meanwhile, one by one.
        for place in entries.indices where entries[place] == nil {
            if let value = try await value(of: keys[place]) { entries[place] = LatestEntry(key: keys[place], value: value) }
        }
        return entries.compactMap { $0 }
    }

    /// Some entries of a range, in order from its start, or from its end backwards: at most `limit`, and no more than take about `maxBytes`, but one.
    ///
    /// `LatestPage.last` is where the next page goes on. Each entry is as it was at some moment during the call.
    /// - Throws: `.store` when the log cannot be read.
    public func page(
        in range: KeyRange, limit: Int, maxBytes: Int, isDescending: Bool = false
    ) async throws(LatestError) -> LatestPage {
        let (keys, wanted) = state.withLock { state in
            var units = 0
            let numbers = state.order.numbers(in: range, limit: limit, isDescending: isDescending, of: state.index) { number in
                units += Int(state.index[number].units)
                return units * 64 >= maxBytes
            }
            let wanted = numbers.enumerated().map { place, number in
                Wanted(place: place, location: state.index[number].location, revision: state.index[number].revision)
            }
            return (numbers.map { state.index.key($0) }, wanted)
        }
        return LatestPage(entries: try await entries(keys, wanted), last: keys.last)
    }

    /// How many keys a range has, and about how many bytes their records take. Past `mostCounted` keys the bytes are worked out from the first of them.
    public func extent(of range: KeyRange, mostCounted: Int = 100_000) -> (keys: Int, bytes: Int) {
        state.withLock { state in
            let keys = state.order.count(in: range, of: state.index)
            let numbers = state.order.numbers(in: range, limit: mostCounted, of: state.index)
            let units = numbers.reduce(0) { $0 + Int(state.index[$1].units) }
            let bytes = units * 64
            return (keys, numbers.count < keys ? Int(Double(bytes) / Double(max(1, numbers.count)) * Double(keys)) : bytes)
        }
    }

    /// How many parts of a range are read at the same time.
    private static let readsAtOnce = 4

    /// The values that can be found where they are said to lie, in any order.
    private func values(_ wanted: [Wanted]) async throws(LatestError) -> [(place: Int, bytes: [UInt8])] {
        if wanted.count < 8 { return try await readInOrder(wanted.sorted { $0.location < $1.location }) }
        let sorted = wanted.sorted { $0.location < $1.location }
        let share = (sorted.count + Self.readsAtOnce - 1) / Self.readsAtOnce
        let parts = stride(from: 0, to: sorted.count, by: share).map { Array(sorted[$0..<min($0 + share, sorted.count)]) }
        let results = await withTaskGroup(of: Result<[(place: Int, bytes: [UInt8])], LatestError>.self) { group in
            for part in parts {
                group.addTask {
                    do throws(LatestError) { return .success(try await self.readInOrder(part)) } catch { return .failure(error) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var found: [(place: Int, bytes: [UInt8])] = []
        for result in results { found += try result.get() }
        return found
    }

    /// How many values are read before their bytes are copied: until then each holds the part of the log's file that it was found in.
    private static let valuesAtOnce = 64

    private func readInOrder(_ wanted: [Wanted]) async throws(LatestError) -> [(place: Int, bytes: [UInt8])] {
        var found: [(place: Int, bytes: [UInt8])] = []
        for first in stride(from: 0, to: wanted.count, by: Self.valuesAtOnce) {
            try await read(wanted[first..<min(first + Self.valuesAtOnce, wanted.count)], into: &found)
        }
        return found
    }

    private func read(_ wanted: ArraySlice<Wanted>, into found: inout [(place: Int, bytes: [UInt8])]) async throws(LatestError) {
        let batches: [StoredBatch]
        do throws(StoreError) {
            batches = try await store.batches(shard, holding: wanted.map(\.location))
        } catch {
            throw .store(error)
        }
        var next = wanted.startIndex
        for batch in batches {
            // What a compaction has let go of meanwhile.
            while next < wanted.endIndex, wanted[next].location < batch.baseOffset { next += 1 }
            var end = next
            while end < wanted.endIndex, wanted[end].location < batch.endOffset { end += 1 }
            if end > next { found += try values(wanted[next..<end], in: batch) }
            next = end
        }
    }

    private func values(_ wanted: ArraySlice<Wanted>, in batch: StoredBatch) throws(LatestError) -> [(place: Int, bytes: [UInt8])] {
        var found: [(place: Int, bytes: [UInt8])] = []
        var next = wanted.startIndex
        do {
            try batch.batch.forEachRecord { view in
                let offset = batch.baseOffset &+ Int64(view.offsetDelta)
                guard next < wanted.endIndex, offset == wanted[next].location else { return }
                let record = try LatestRecord(view, in: name)
                if let value = view.value { found.append((wanted[next].place, [UInt8](value[record.valueStart...]))) }
                next += 1
                // The rest of the batch is not looked at.
                if next == wanted.endIndex { throw AllFound() }
            }
        } catch is AllFound {
            return found
        } catch let error as LatestError {
            throw error
        } catch {
            throw .damaged(table: name, from: batch.baseOffset, through: batch.endOffset - 1)
        }
        return found
    }
}
