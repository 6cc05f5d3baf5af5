/// What a table takes and gives: keys, values, conditions, errors, sizes.

public import StreamStore

/// A key's latest value.
public struct LatestValue: Sendable, Hashable {
    public var bytes: [UInt8]
    /// Rises with each change of any key of the table; at least 1. It names this value of the key for conditions.
    public var revision: Int64

    public init(bytes: [UInt8], revision: Int64) {
        self.bytes = bytes
        self.revision = revision
    }
}

/// A key with its latest value.
public struct LatestEntry: Sendable, Hashable {
    public var key: [UInt8]
    public var value: LatestValue

    public init(key: [UInt8], value: LatestValue) {
        self.key = key
        self.value = value
    }
}

/// A part of a range of keys, in order.
public struct LatestPage: Sendable, Hashable {
    public var entries: [LatestEntry]
    /// The last key that was looked at, which may have been removed meanwhile; nil when the range had no more.
    public var last: [UInt8]?

    public init(entries: [LatestEntry], last: [UInt8]?) {
        self.entries = entries
        self.last = last
    }
}

/// A change of one key.
public struct LatestChange: Sendable {
    /// What must hold of the key when the change is decided, after all changes that were handed in before.
    public enum Condition: Sendable, Hashable {
        case none
        /// The key has no value.
        case absent
        /// The key has a value.
        case present
        /// The key's value is the one of this revision.
        case revision(Int64)
    }

    /// 1...`LatestTable.maxKeyBytes` bytes.
    public var key: [UInt8]
    /// Nil removes the key.
    public var value: [UInt8]?
    public var condition: Condition

    public init(_ key: [UInt8], to value: [UInt8]?, if condition: Condition = .none) {
        self.key = key
        self.value = value
        self.condition = condition
    }

    /// A key that is text, in UTF-8.
    public init(_ key: String, to value: [UInt8]?, if condition: Condition = .none) {
        self.init(Array(key.utf8), to: value, if: condition)
    }
}

/// A span of keys in the order of their bytes.
public struct KeyRange: Sendable, Hashable {
    /// The first key that may be in it.
    public var start: [UInt8]
    /// The first key behind it; nil for no end.
    public var end: [UInt8]?

    public init(from start: [UInt8] = [], to end: [UInt8]? = nil) {
        self.start = start
        self.end = end
    }

    /// All keys that begin so.
    public static func prefix(_ prefix: [UInt8]) -> KeyRange {
        var end = prefix
        while let last = end.last, last == .max { end.removeLast() }
        guard let last = end.popLast() else { return KeyRange(from: prefix) }
        return KeyRange(from: prefix, to: end + [last + 1])
    }

    /// What is left of it behind a key: for the next page.
    public func after(_ key: [UInt8]) -> KeyRange { KeyRange(from: key + [0], to: end) }
}

/// What a table refuses or fails with.
public enum LatestError: Error, Sendable, Hashable {
    /// The condition of a change does not hold, so none of the changes handed in with it was made.
    /// - Parameters:
    ///   - index: which of them.
    ///   - revision: of the key's value as it was then; nil when it had none.
    case conditionFailed(index: Int, revision: Int64?)
    /// A key or value breaks its rule, in words.
    case invalid(String)
    /// Too many changes wait; try again.
    case overloaded
    /// `close()` was called.
    case closed
    /// Records of the table are damaged: what keys had their latest values there is not known, so the table does not open.
    case damaged(table: String, from: Int64, through: Int64)
    /// The table was written by a version that this build does not know. Nothing was changed.
    case unknownFormat(table: String, found: Int, known: Int)
    case store(StoreError)
}

/// Sizes and bounds of a table.
public struct LatestOptions: Sendable {
    /// The bound of changes that wait to be written, in bytes of keys and values; past it they are refused with `.overloaded`.
    public var maxWaitingBytes = 32 << 20
    /// The most that goes into one append, in bytes of keys and values, unless a single transaction is larger.
    public var groupBytes = 1 << 20
    /// A batch is closed at this size: whoever reads one value reads its batch.
    public var batchBytes = 4 << 10
    /// Old records are let go of when they take as much as the live ones and this much more, in bytes.
    public var garbageBytes = 8 << 20
    /// How much of the log is compacted in one step, in bytes of batches; it is in memory meanwhile.
    public var compactionBytes = 4 << 20
    /// Where the table's own tasks run; nil: where tasks run. For a simulator, which wants them one after the other.
    package var executor: (any TaskExecutor)?

    public init() {}
}

/// Counts and sizes of a table.
public struct LatestStatistics: Sendable, Hashable {
    public var keys = 0
    /// Bytes of memory that the index takes.
    public var indexBytes = 0
    /// Bytes that the records of live values take, about.
    public var liveBytes = 0
    /// Bytes that all records of the stream take, about.
    public var logBytes = 0
    /// Changes made since the table was opened, and the appends that they took.
    public var changes = 0
    public var appends = 0
    /// Records copied by compactions since the table was opened.
    public var moved = 0
}
