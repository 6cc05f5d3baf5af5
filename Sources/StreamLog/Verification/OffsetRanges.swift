/// Sets of offsets as sorted ranges, to tell what is missing from what is there.

/// Offsets as ranges that neither touch nor overlap, in order.
struct OffsetRanges: Hashable, Sendable {
    private(set) var ranges: [Range<Int64>] = []

    /// Adds a range. Cheap when it lies at the end, as ranges of a log mostly do.
    mutating func insert(_ range: Range<Int64>) {
        guard !range.isEmpty else { return }
        var (lower, upper) = (range.lowerBound, range.upperBound)
        let first = ranges.lastIndex { $0.upperBound < lower }.map { $0 + 1 } ?? 0
        var last = first
        while last < ranges.count, ranges[last].lowerBound <= upper {
            lower = min(lower, ranges[last].lowerBound)
            upper = max(upper, ranges[last].upperBound)
            last += 1
        }
        ranges.replaceSubrange(first..<last, with: [lower..<upper])
    }

    mutating func remove(_ range: Range<Int64>) {
        ranges = ranges.flatMap { held -> [Range<Int64>] in
            guard held.overlaps(range) else { return [held] }
            let before = held.lowerBound..<max(held.lowerBound, range.lowerBound)
            let after = min(held.upperBound, range.upperBound)..<held.upperBound
            return [before, after].filter { !$0.isEmpty }
        }
    }

    mutating func formUnion(_ other: OffsetRanges) {
        for range in other.ranges { insert(range) }
    }

    /// The parts of a range that are not in here.
    func missing(from range: Range<Int64>) -> [Range<Int64>] {
        var missing: [Range<Int64>] = []
        var next = range.lowerBound
        for held in ranges where held.upperBound > next {
            guard held.lowerBound < range.upperBound else { break }
            if held.lowerBound > next { missing.append(next..<held.lowerBound) }
            next = held.upperBound
        }
        if next < range.upperBound { missing.append(next..<range.upperBound) }
        return missing
    }

    /// Whether there is any offset at or after this one.
    func reaches(past offset: Int64) -> Bool { ranges.last.map { $0.upperBound > offset } ?? false }
}
