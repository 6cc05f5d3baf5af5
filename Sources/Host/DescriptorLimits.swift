/// How many descriptors the process may have, and how they are shared out.

internal import Glibc

/// The process's limit of open descriptors (RLIMIT_NOFILE), divided between the node's own files and the connections of its clients.
///
/// Connections come from outside, files are what a put needs: if the former could take all, a client that only connects would stop every put.
public struct DescriptorLimits: Sendable, Hashable {
    /// Descriptors that the process may have.
    public var total: Int
    /// Kept for the node's own files: segments that are read and written, the journal, the catalog, objects, pipes and event loops.
    public var files: Int
    /// What is left for connections, at least 1. Whoever listens takes no more of them, all listeners together.
    public var connections: Int { max(1, total - files) }

    /// What a node uses whatever its size: standard streams, the journal, SQLite, event loops, directories.
    private static let fixed = 64
    /// More files than this are of no use.
    private static let mostFiles = 1_024

    /// Half of the descriptors for files, but no more than they can use.
    public init(total: Int) {
        self.total = max(1, total)
        files = min(max(min(DescriptorLimits.fixed, self.total / 2), self.total / 2), DescriptorLimits.mostFiles)
    }

    /// Segments kept open for reading, at least 1.
    public var openSegments: Int { max(1, min(256, (files - DescriptorLimits.fixed) / 2)) }
    /// Segments written by one flush before any of them is closed, at least 1.
    public var flushedSegments: Int { max(1, min(256, (files - DescriptorLimits.fixed) / 4)) }

    /// Raises the process's soft limit to its hard one, which needs no privilege, and tells what there is.
    ///
    /// The soft limit is low only for programs that use `select`; this one does not.
    public static func raised() -> DescriptorLimits {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return DescriptorLimits(total: 1_024) }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return DescriptorLimits(total: Int(clamping: limit.rlim_cur))
    }
}
