/// Records on their way to a decoder, in a form that costs little a record.

/// Records of one source: where each one's data lies, and what is known of them, mostly the same for many in a row.
///
/// Their data stays where it is, in one or several pieces of memory, which are lent to the decoder part by part.
public struct RecordList: Sendable {
    /// Lends the memory of a part.
    public typealias Memory = (_ part: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Void

    /// What consecutive records share.
    private struct Circumstances: Sendable {
        /// The number of the first record after them.
        var end: Int
        var rowtime: Int64
        var arrival: Int64
        var shardID: String
    }

    /// Where the records' data lies in the memory of their part.
    private(set) var spans: [RecordSpan] = []
    private var circumstances: [Circumstances] = []
    /// The number of the first record after each part.
    private var partEnds: [Int] = []
    /// One a record; none where they are not wanted.
    private var partitionKeys = ByteColumn()
    private var sequenceNumbers = ByteColumn()
    private let wantsPartitionKeys: Bool
    private let wantsSequenceNumbers: Bool

    /// - Parameter facts: what is kept of the records beside their times and shards.
    public init(_ facts: Set<MetadataColumn>) {
        wantsPartitionKeys = facts.contains(.partitionKey)
        wantsSequenceNumbers = facts.contains(.sequenceNumber)
    }

    /// Records whose data lies in one piece of memory.
    init(_ records: some Collection<SourceRecord>) {
        self.init([.partitionKey, .sequenceNumber])
        for record in records {
            begin(rowtime: record.rowtime, arrivalMilliseconds: record.arrivalMilliseconds, shardID: record.shardID)
            append(
                data: record.data, partitionKey: { $0.append(contentsOf: record.partitionKey.utf8) },
                sequenceNumber: { record.sequenceNumber })
        }
        endPart()
    }

    /// How many records there are.
    public var count: Int { spans.count }
    /// In how many pieces of memory they lie.
    public var partCount: Int { partEnds.count }

    /// How many records lie in parts that have ended.
    public var countInParts: Int { partEnds.last ?? 0 }

    /// Says what the records that are appended from here on share.
    public mutating func begin(rowtime: Int64, arrivalMilliseconds: Int64, shardID: String) {
        if let last = circumstances.last, last.rowtime == rowtime, last.arrival == arrivalMilliseconds, last.shardID == shardID {
            return
        }
        circumstances.append(Circumstances(end: count, rowtime: rowtime, arrival: arrivalMilliseconds, shardID: shardID))
    }

    /// Appends a record; `begin` was called before.
    /// - Parameters:
    ///   - data: in the memory of the part at hand; what does not lie in it will count as no data.
    ///   - partitionKey: appends the key, UTF-8; asked only where it is wanted.
    ///   - sequenceNumber: asked only where it is wanted.
    @inline(__always)
    public mutating func append(data: Range<Int>, partitionKey: (inout [UInt8]) -> Void, sequenceNumber: () -> String) {
        spans.append(RecordSpan(data))
        circumstances[circumstances.count - 1].end = spans.count
        if wantsPartitionKeys {
            partitionKey(&partitionKeys.bytes)
            partitionKeys.ends.append(partitionKeys.bytes.count)
        }
        if wantsSequenceNumbers {
            sequenceNumbers.bytes.append(contentsOf: sequenceNumber().utf8)
            sequenceNumbers.ends.append(sequenceNumbers.bytes.count)
        }
    }

    /// What is appended from here on lies in another piece of memory.
    public mutating func endPart() { partEnds.append(count) }

    /// The records of a part.
    package func records(ofPart part: Int) -> Range<Int> { (part == 0 ? 0 : partEnds[part - 1])..<partEnds[part] }

    /// Everything about a record.
    package func record(_ index: Int) -> SourceRecord {
        let shared = circumstances(of: index)
        let span = spans[index]
        return SourceRecord(
            data: Int(span.start)..<(Int(span.start) + Int(span.count)), rowtime: shared?.rowtime ?? 0,
            arrivalMilliseconds: shared?.arrival, partitionKey: wantsPartitionKeys ? partitionKeys.text(index) : "",
            sequenceNumber: wantsSequenceNumbers ? sequenceNumbers.text(index) : "", shardID: shared?.shardID ?? "")
    }

    private func circumstances(of index: Int) -> Circumstances? {
        var (low, high) = (0, circumstances.count)
        while low < high {
            let middle = (low + high) / 2
            if index < circumstances[middle].end { high = middle } else { low = middle + 1 }
        }
        return low < circumstances.count ? circumstances[low] : nil
    }

    // MARK: What rows have of their records

    /// ROWTIMEs of rows.
    /// - Parameter rowEnds: for each record, how many rows there are after it.
    func rowtime(_ rowEnds: [Int]) -> Column {
        shared(.timestamp, rowEnds) { .integers($0.map(\.rowtime)) }
    }

    /// A fact as a column of rows.
    func column(_ fact: MetadataColumn, _ rowEnds: [Int]) -> Column {
        switch fact {
        case .approximateArrivalTime: shared(fact.type, rowEnds) { .integers($0.map(\.arrival)) }
        case .shardID: shared(fact.type, rowEnds) { .bytes(Self.texts($0.map(\.shardID))) }
        case .partitionKey: Column(fact.type, .bytes(texts(partitionKeys, rowEnds)))
        case .sequenceNumber: Column(fact.type, .bytes(texts(sequenceNumbers, rowEnds)))
        }
    }

    /// What all records of a batch have: a run each.
    private func shared(_ type: SQLType, _ rowEnds: [Int], _ values: ([Circumstances]) -> ColumnValues) -> Column {
        var (filled, ends) = ([Circumstances](), [Int]())
        for shared in circumstances where shared.end > 0 && rowEnds[shared.end - 1] > ends.last ?? 0 {
            filled.append(shared)
            ends.append(rowEnds[shared.end - 1])
        }
        return ends.isEmpty ? .empty(type) : Column(type, values(filled)).repeated(ends)
    }

    private static func texts(_ texts: [String]) -> ByteColumn {
        var column = ByteColumn()
        for text in texts {
            column.bytes.append(contentsOf: text.utf8)
            column.ends.append(column.bytes.count)
        }
        return column
    }

    private func texts(_ texts: ByteColumn, _ rowEnds: [Int]) -> ByteColumn {
        guard texts.count == count else { return ByteColumn(ends: [Int](repeating: 0, count: rowEnds.last ?? 0)) }
        // Mostly each record is a row.
        if rowEnds.enumerated().allSatisfy({ $0.element == $0.offset + 1 }) { return texts }
        var rows: [Int] = []
        for (index, end) in rowEnds.enumerated() { rows.append(contentsOf: repeatElement(index, count: end - rows.count)) }
        return texts.gather(rows)
    }
}

/// A record's data within a piece of memory: laid out as C has it.
struct RecordSpan: Sendable {
    var start: UInt32
    var count: UInt32

    /// A range that 32 bits cannot say, or that begins before the memory, becomes one that lies in no memory.
    init(_ range: Range<Int>) {
        if let start = UInt32(exactly: range.lowerBound), let count = UInt32(exactly: range.count) {
            self.start = start
            self.count = count
        } else {
            start = .max
            count = .max
        }
    }

    /// Of no bytes.
    init() {
        start = 0
        count = 0
    }

    func isInside(_ byteCount: Int) -> Bool { UInt64(start) + UInt64(count) <= UInt64(byteCount) }
}
