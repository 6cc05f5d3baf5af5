/// Which splits and merges make a stream's open shards into so many of the same size.

import StreamStore

/// UNIFORM_SCALING (Kinesis API, UpdateShardCount): the hash space is cut anew into equal parts, by splits where a cut is missing and merges where one
/// is too many. A cut that lies within rounding of a wanted one stays.
enum UniformScaling {
    /// One step, decided from the shards as they are then.
    enum Step: Hashable {
        case split(ShardID, at: UInt128)
        case merge(ShardID, ShardID)
    }

    /// The next step from the lowest hash key up; nil when the shards are as they should be. Whoever takes the steps one after the other comes to an
    /// end: each makes one cut that is wanted or takes one away that is not.
    /// - Parameters:
    ///   - shards: a stream's, closed ones too.
    ///   - count: how many there are to be; at least 1.
    static func next(_ shards: [ShardDescription], count: Int) -> Step? {
        let open = shards.filter { $0.endOffset == nil }.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
        let wanted = HashKeyRange.even(count).dropFirst().map(\.start)
        var place = 0
        for (index, shard) in open.enumerated() {
            // Cuts are looked at by rising hash key: first those inside a shard, then the one at its end.
            let range = shard.hashKeyRange
            if place < wanted.count, isInside(wanted[place], range, tolerance: UInt128(count)) {
                return .split(shard.id, at: wanted[place])
            }
            guard index + 1 < open.count else { return nil }
            let cut = open[index + 1].hashKeyRange.start
            if place < wanted.count, isNear(cut, wanted[place], UInt128(count)) {
                place += 1
            } else {
                return .merge(shard.id, open[index + 1].id)
            }
        }
        return nil
    }

    /// What there is to do in all.
    struct Extent: Hashable {
        var steps = 0
        /// How many shards are open at most on the way.
        var peak: Int
    }

    /// How many steps `next` will give, without taking them.
    static func extent(_ shards: [ShardDescription], count: Int) -> Extent {
        let cuts = shards.filter { $0.endOffset == nil }.map(\.hashKeyRange.start).sorted().dropFirst()
        let wanted = HashKeyRange.even(count).dropFirst().map(\.start)
        let tolerance = UInt128(count)
        var (open, place) = (cuts.count + 1, 0)
        var extent = Extent(peak: open)
        func step(_ growth: Int) {
            extent.steps += 1
            open += growth
            extent.peak = max(extent.peak, open)
        }
        for cut in cuts {
            while place < wanted.count, wanted[place] < cut, !isNear(cut, wanted[place], tolerance) {
                step(1)
                place += 1
            }
            if place < wanted.count, isNear(cut, wanted[place], tolerance) { place += 1 } else { step(-1) }
        }
        while place < wanted.count {
            step(1)
            place += 1
        }
        return extent
    }

    /// How far apart cuts may lie that differ by rounding only.
    private static func isNear(_ cut: UInt128, _ other: UInt128, _ tolerance: UInt128) -> Bool {
        max(cut, other) - min(cut, other) <= tolerance
    }

    /// Whether a cut would leave more than rounding on both sides, which a split needs.
    private static func isInside(_ cut: UInt128, _ range: HashKeyRange, tolerance: UInt128) -> Bool {
        cut > range.start && cut < range.end && cut - range.start > tolerance + 1 && range.end - cut > tolerance + 1
    }
}
