/// What can go wrong with the simulated disk: the names of its operations, how the power goes, and what survives.

internal import Host

/// The operations of a disk, as faults and counts name them.
public enum DiskOperation: String, CaseIterable, Sendable {
    case open, read, write, sync, truncate, list, createDirectory, rename, remove, syncDirectory

    /// Its place in tables.
    var index: Int {
        switch self {
        case .open: 0
        case .read: 1
        case .write: 2
        case .sync: 3
        case .truncate: 4
        case .list: 5
        case .createDirectory: 6
        case .rename: 7
        case .remove: 8
        case .syncDirectory: 9
        }
    }
}

/// Which of the changes that were not synced survive a crash.
public enum Survival: Sendable {
    /// The process died, the system did not: all is there, and what was not synced can still be lost by the next crash.
    case everything
    /// The power failed and nothing had been written on its own account.
    case nothing
    /// The power failed; any subset of 4 KB pages and directory entries had been written. The seed decides which.
    case some(seed: UInt64)
    /// As `some`, and of a page that was being written any subset of its 512-byte sectors may be there.
    case sectors(seed: UInt64)
}

/// A failure that was ordered: the calls of one operation from the `first` through the `last`.
struct DiskFault: Sendable {
    var first: Int
    var last: Int
    var kind: DiskError.Kind
}

/// The moment at which the power goes.
struct PowerCut: Sendable {
    /// The operation whose calls are counted; nil counts all that change something.
    var operation: DiskOperation?
    /// How many more such calls are still carried out.
    var remaining: Int
}

/// A bit that a read gives wrong.
struct ReadFlip: Sendable {
    var call: Int
    /// Any number: the bit is this, modulo the bits that are read.
    var bit: UInt64
}
