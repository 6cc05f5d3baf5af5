/// Reads a run's source in pieces, in the order in which every restart reads it again.

import RecordBatch
import StreamStore

/// A source as it was when a run began.
struct RunSource: Sendable {
    /// Of the stream that holds its records.
    var key: StreamKey
    var stream: StreamDescription
}

/// The input side of a run: merges the shards of all inputs, keeps ROWTIME from falling, notes what is missing.
struct SourceReader {
    private let store: any StreamStore
    /// In the order of the inputs.
    private let keys: [StreamKey]
    private let sources: [StreamID]
    private let pieceBytes: Int
    private var merge: InputMerge
    private var decoder: SourceDecoder
    /// Taken from the merge, but to be read only after the floor has risen.
    private var held: InputMerge.Item?
    /// No row gets a ROWTIME before this: the clock of the state that computing again would begin from.
    private var floor: Int64
    /// The clock after everything that was handed out.
    private var clock: Int64

    /// - Parameter sources: of the inputs, in their order; each is another stream.
    init(
        _ compiled: CompiledApplication, sources: [RunSource], positions: [InputShard: Int64], clock: Int64, pieceBytes: Int,
        decompressedBytes: Int = RecordDecompression.mostBytes, store: any StreamStore, cache: DecodeCache? = nil
    ) throws {
        self.store = store
        keys = sources.map(\.key)
        self.sources = sources.map(\.stream.id)
        self.pieceBytes = pieceBytes
        self.clock = clock
        floor = clock
        merge = InputMerge(store: store, positions: Self.references(positions, in: self.sources))
        decoder = try SourceDecoder(
            compiled, sources: sources.map(\.stream), decompression: RecordDecompression(mostBytes: decompressedBytes), cache: cache
        )
    }

    /// The same for one source.
    init(
        _ compiled: CompiledApplication, source: StreamDescription, key: StreamKey, positions: [ShardID: Int64], clock: Int64,
        pieceBytes: Int, store: any StreamStore
    ) throws {
        let positions = InputProgress(positions: positions, clockMilliseconds: clock).positions
        try self.init(
            compiled, sources: [RunSource(key: key, stream: source)], positions: positions, clock: clock, pieceBytes: pieceBytes,
            store: store)
    }

    static func references(_ positions: [ShardID: Int64], in stream: StreamID) -> [ShardReference: Int64] {
        Dictionary(uniqueKeysWithValues: positions.map { (ShardReference(stream, $0.key), $0.value) })
    }

    /// - Parameter streams: of the inputs, in their order.
    static func references(_ positions: [InputShard: Int64], in streams: [StreamID]) -> [ShardReference: Int64] {
        var references: [ShardReference: Int64] = [:]
        for (place, offset) in positions where streams.indices.contains(place.input) {
            references[ShardReference(streams[place.input], place.shard)] = offset
        }
        return references
    }

    /// The next offset of each shard.
    var positions: [InputShard: Int64] {
        var positions: [InputShard: Int64] = [:]
        for (shard, offset) in merge.positions { positions[place(of: shard)] = offset }
        if let held { positions[place(of: held.shard)] = held.batch.baseOffset + Int64(held.skip) }
        return positions
    }

    private func place(of shard: ShardReference) -> InputShard {
        InputShard(sources.firstIndex(of: shard.stream) ?? 0, shard.shard)
    }

    /// The next offset of each shard to read from the store, past what was read but is not settled yet.
    var readPositions: [ShardReference: Int64] { merge.readPositions }

    /// Whether something was read that is not settled yet.
    var hasPending: Bool { merge.hasPending }

    /// Whether the next record arrived before the clock, so that `raiseFloor` must come before it is read. Only a node that starts again with its
    /// wall clock set back can bring that about.
    var mustRaiseFloor: Bool { held != nil }

    /// Makes the clock the least ROWTIME of what follows. A snapshot must have been written at the present positions, so that computing
    /// again does the same.
    mutating func raiseFloor() { floor = clock }

    mutating func takeGaps() -> [InputMerge.Gap] { merge.takeGaps() }

    /// Notes batches of a piece that could not be read to their end.
    mutating func noteUndecodable(_ items: [InputMerge.Item]) { for item in items { merge.noteUndecodable(item) } }

    /// The clock has moved without input.
    mutating func advance(to milliseconds: Int64) { clock = max(clock, milliseconds) }

    /// Begins to read shards that a split or a merge made, and forgets those of which nothing is left.
    /// - Throws: `RunFailure.sourceReplaced`, `StoreError`.
    mutating func followReshards() async throws {
        for (input, key) in keys.enumerated() {
            let source = sources[input]
            let current = try await store.stream(key)
            guard current.id == source else { throw RunFailure.sourceReplaced }
            for shard in current.shards where !merge.knows(ShardReference(source, shard.id)) {
                merge.add(ShardReference(source, shard.id), at: shard.startOffset)
                decoder.add(shard, of: source)
            }
            merge.noteGone(from: current, of: source)
            merge.forget { $0.stream == source && current.shard($0.shard) == nil }
        }
    }

    /// The next piece of what arrived at or before `settled`; nil when there is none left, or none before the floor is raised.
    /// - Parameters:
    ///   - limits: when given, what lies at or past a shard's limit stays unread.
    ///   - bytesRead: the size of the batches that were read.
    mutating func nextPiece(
        through settled: Int64, limits: [ShardReference: Int64]? = nil, bytesRead: inout Int
    ) async throws -> InputPiece? {
        while decoder.byteCount < pieceBytes {
            let isHeld = held != nil
            guard let item = isHeld ? held.take() : try await merge.next(through: settled, limits: limits) else { break }
            if item.batch.arrivalMilliseconds < clock, floor < clock {
                held = item
                break
            }
            clock = max(clock, item.batch.arrivalMilliseconds)
            bytesRead += item.batch.batch.bytes.count
            decoder.append(item, floor: floor)
        }
        return decoder.byteCount > 0 ? decoder.takePiece(upTo: positions) : nil
    }
}
