/// Reads a run's source in pieces, in the order in which every restart reads it again.

import RecordBatch
import StreamStore

/// The input side of a run: merges the shards, keeps ROWTIME from falling, notes what is missing.
struct SourceReader {
    private let store: any StreamStore
    private let key: StreamKey
    private let source: StreamID
    private let pieceBytes: Int
    private var merge: InputMerge
    private var decoder: SourceDecoder
    /// Taken from the merge, but to be read only after the floor has risen.
    private var held: InputMerge.Item?
    /// No row gets a ROWTIME before this: the clock of the state that computing again would begin from.
    private var floor: Int64
    /// The clock after everything that was handed out.
    private var clock: Int64

    init(
        _ compiled: CompiledApplication, source: StreamDescription, key: StreamKey, positions: [ShardID: Int64], clock: Int64,
        pieceBytes: Int, store: any StreamStore, cache: DecodeCache? = nil
    ) throws {
        self.store = store
        self.key = key
        self.source = source.id
        self.pieceBytes = pieceBytes
        self.clock = clock
        floor = clock
        merge = InputMerge(store: store, positions: Self.references(positions, in: source.id))
        decoder = try SourceDecoder(compiled, source: source, cache: cache)
    }

    static func references(_ positions: [ShardID: Int64], in stream: StreamID) -> [ShardReference: Int64] {
        Dictionary(uniqueKeysWithValues: positions.map { (ShardReference(stream, $0.key), $0.value) })
    }

    /// The next offset of each shard.
    var positions: [ShardID: Int64] {
        var positions = Dictionary(uniqueKeysWithValues: merge.positions.map { ($0.key.shard, $0.value) })
        if let held { positions[held.shard.shard] = held.batch.baseOffset + Int64(held.skip) }
        return positions
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
        let current = try await store.stream(key)
        guard current.id == source else { throw RunFailure.sourceReplaced }
        for shard in current.shards where !merge.knows(ShardReference(source, shard.id)) {
            merge.add(ShardReference(source, shard.id), at: shard.startOffset)
            decoder.add(shard)
        }
        merge.noteGone(from: current)
        merge.forget { current.shard($0.shard) == nil }
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
