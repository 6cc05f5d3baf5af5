/// Files that are to be deleted and stay as long as somebody reads a snapshot.

/// Which files a snapshot keeps. A value under the node's lock.
struct KeptFiles: Sendable {
    /// How many snapshots there are.
    private var holders = 0
    private var segments: [String] = []
    /// Removed logs that still have files.
    private(set) var logs: Set<LogID> = []

    /// One snapshot more.
    mutating func hold() { holders += 1 }

    /// Takes segments over that are to be deleted.
    /// - Returns: false when nobody needs them.
    mutating func keep(_ paths: [String]) -> Bool {
        if holders > 0 { segments += paths }
        return holders > 0
    }

    /// The same for all files of a log.
    mutating func keep(_ log: LogID) -> Bool {
        if holders > 0 { logs.insert(log) }
        return holders > 0
    }

    /// The files of a log were deleted.
    mutating func forget(_ log: LogID) { logs.remove(log) }

    /// One snapshot less.
    /// - Returns: what is to be deleted now; nil while there is another snapshot, or nothing to delete.
    mutating func release() -> [SegmentJob.Work]? {
        holders -= 1
        guard holders == 0, !segments.isEmpty || !logs.isEmpty else { return nil }
        defer { segments = [] }
        return [.removeSegments(segments)] + logs.sorted().map { .removeFiles($0) }
    }
}
