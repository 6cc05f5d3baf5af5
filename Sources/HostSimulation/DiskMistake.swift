/// Mistakes of those who use a disk, made for them by the disk: syncs that are left out, writes to the wrong place.

public import Host

/// A call that is about to be carried out.
public struct DiskCall {
    public let operation: DiskOperation
    public let path: String
    /// How the file was opened.
    public let access: FileAccess
    /// Of a write; valid during the call.
    public let bytes: UnsafeRawBufferPointer?
    public let offset: UInt64

    init(
        _ operation: DiskOperation, _ path: String, _ access: FileAccess = .cached, _ bytes: UnsafeRawBufferPointer? = nil,
        at offset: UInt64 = 0
    ) {
        self.operation = operation
        self.path = path
        self.access = access
        self.bytes = bytes
        self.offset = offset
    }
}

/// What is done in place of what was asked for.
public enum DiskMistake: Equatable, Sendable {
    /// Nothing; the caller is told that it was done.
    case leaveOut
    /// A sync is done when the next call comes; the caller is told that it was done.
    case postpone
    /// A sync that fails is told as one that succeeded.
    case ignoreFailure
    /// A sync that fails is asked for again, and believed.
    case retry
    /// A write goes to this place.
    case move(UInt64)
}
