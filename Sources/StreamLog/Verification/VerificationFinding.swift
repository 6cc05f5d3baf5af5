/// What a verification tells: findings as they are made, progress, and a sum at the end.

public import Host

/// One thing that is wrong, or worth knowing, in one file.
public struct VerificationFinding: Sendable, Hashable {
    /// Whether something is wrong.
    public enum Severity: String, Sendable, Codable {
        /// What was acknowledged is damaged or missing, or a file is not as we write it.
        case damage
        /// Nothing is lost by it that was not reported before.
        case notice
    }

    /// What it is about; stable words for programs.
    public enum Kind: String, Sendable, Codable {
        /// A batch of records with a wrong checksum, or with none of its frame to be found.
        case batch
        /// Acknowledged records that no file holds.
        case missing
        /// A file's or frame's own bytes: header, chain, index, trailer, start offset. The records can be read.
        case structure
        /// A file or directory that is not ours, or of a log that nobody knows.
        case unknown
        /// Set aside by an earlier recovery.
        case quarantine
        /// Records that an earlier recovery has reported as lost.
        case hole
        /// A file that cannot be read.
        case unreadable
        /// The catalog.
        case catalog
    }

    public var severity: Severity
    public var kind: Kind
    /// Below the data directory.
    public var file: String
    /// What is wrong, in words, without file and ranges.
    public var what: String
    public var log: LogID?
    /// The offsets concerned.
    public var offsets: Range<Int64>?
    /// The journal frames concerned.
    public var frames: ClosedRange<UInt64>?

    public init(
        _ severity: Severity, _ kind: Kind, file: String, _ what: String, log: LogID? = nil, offsets: Range<Int64>? = nil,
        frames: ClosedRange<UInt64>? = nil
    ) {
        self.severity = severity
        self.kind = kind
        self.file = file
        self.what = what
        self.log = log
        self.offsets = offsets
        self.frames = frames
    }
}

/// The sum of a verification.
public struct VerificationSummary: Sendable, Hashable {
    /// Batches looked at, in segments and in the journal.
    public var batches = 0
    /// Of those, how many are damaged; what stands where none can be told apart counts as one.
    public var corruptBatches = 0
    public var files = 0
    public var bytes: UInt64 = 0
    public var damages = 0
    public var notices = 0
    /// Something has a version that this build does not know: then nothing was verified.
    public var unknownFormat: UnknownFormat?

    public init() {}

    public mutating func count(_ finding: VerificationFinding) {
        if finding.severity == .damage { damages += 1 } else { notices += 1 }
    }
}
