/// What is handed to the log in one go: batches, small values set with them, and what must hold for all of it inside the commit.

public import RecordBatch

/// An append: batches for one or several logs, all or nothing.
public struct LogAppend: Sendable {
    public var entries: [(log: LogID, batch: RecordBatch)]
    /// Must hold inside the commit, or nothing is appended.
    public var requirements: [LogRequirement]
    /// Small durable values that are set with the batches, or alone.
    public var marks: [MarkChange]

    public init(
        _ entries: [(log: LogID, batch: RecordBatch)], requirements: [LogRequirement] = [], marks: [MarkChange] = []
    ) {
        self.entries = entries
        self.requirements = requirements
        self.marks = marks
    }

    /// Shows all logs that it has to do with.
    func forEachLog<Failure: Error>(_ body: (LogID) throws(Failure) -> Void) throws(Failure) {
        for (log, _) in entries { try body(log) }
        for case .nextOffset(let log, _) in requirements { try body(log) }
    }

    var isConditional: Bool { !requirements.isEmpty || !marks.isEmpty }
}

/// What an append may ask for. It is decided inside the commit, after every append that was handed in before.
public enum LogRequirement: Sendable {
    /// The next record of the log gets this offset.
    case nextOffset(LogID, Int64)
    /// The append's one batch is the next of its idempotent producer in a partition (Kafka's rules: KIP-98, KIP-360).
    ///
    /// A batch that is there already is not appended again; the answer is that of the first time. The log that a partition's batches go to may change;
    /// the partition that the producer addressed is what its sequence numbers count in.
    case producer(partition: LogID)
    /// What a room above decides.
    case rule(any CommitRule)
}

/// A condition of a room above the log, asked within the commit by whoever has the journal: one call at a time, in the order of the commits.
///
/// Whoever implements it changes its own state in `decide` as if the append took place, so that the next one is decided rightly, and takes that back
/// in `settle` if it did not. What the state is rebuilt from after a start are the records themselves.
public protocol CommitRule: AnyObject, Sendable {
    /// Whether the append may take place. Is quick, waits for nothing and does not call the log.
    /// - Parameters:
    ///   - offsets: that the append's batches get, in their order.
    ///   - arrival: of the append, milliseconds since 1970-01-01 UTC.
    /// - Returns: nil for yes, else why not.
    func decide(offsets: [Int64], arrival: Int64) -> String?
    /// Follows each `decide` that said yes, in the same order: whether the append is durable.
    func settle(isCommitted: Bool)
}

/// A small durable value of the journal, by name, with a version that its writers choose.
public struct Mark: Sendable, Hashable {
    /// Above that of every value it had before.
    public var version: UInt64
    public var value: [UInt8]
    public init(version: UInt64, value: [UInt8]) {
        self.version = version
        self.value = value
    }
}

/// A change of a mark: takes place only if the mark has the version expected.
public struct MarkChange: Sendable, Hashable {
    /// At most 255 bytes.
    public var name: [UInt8]
    /// 0: there is no such mark.
    public var expected: UInt64
    /// Nil removes it.
    public var mark: Mark?
    public init(name: [UInt8], expected: UInt64, mark: Mark?) {
        self.name = name
        self.expected = expected
        self.mark = mark
    }
}

/// Why an append's condition does not hold.
public enum ConditionRefusal: Error, Sendable, Hashable {
    /// Another offset is next.
    case nextOffset(LogID, actual: Int64)
    /// The mark has another version; 0 when there is none.
    case version(name: [UInt8], actual: UInt64)
    /// A newer epoch of the producer has appended.
    case producerFenced(current: Int16)
    /// The batch does not follow the producer's last one.
    case sequence(expected: Int32)
    /// The batch lies before those that are remembered: it was appended, at an offset that is not known any more.
    case duplicate
    /// A room above said no.
    case rule(String)
    /// The append cannot be held to what it asks for, in words.
    case misuse(String)
}
