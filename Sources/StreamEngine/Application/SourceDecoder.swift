/// Collects the records of a source into pieces and decodes them to rows of the in-application streams.

import AggregatedRecords
import RecordBatch
import StreamSQL
import StreamStore

/// Batches on their way to rows: a part of a source's input, up to a place.
struct InputPiece: Sendable {
    /// What a record costs beside its data while it is held, about.
    private static let recordOverhead = 64

    /// A batch, with the shard that it is of.
    fileprivate struct Part: Sendable {
        var item: InputMerge.Item
        /// No row of it gets a ROWTIME before this.
        var floor: Int64
        var shard: ShardFacts
    }

    /// What the records of a shard have in common.
    fileprivate struct ShardFacts: Sendable {
        /// A part of its records' sequence numbers.
        var createdSecond: Int64 = 0
        var hashKeyRange = HashKeyRange.all
    }

    /// Up to where it goes.
    var positions: [ShardID: Int64] = [:]
    fileprivate let form: SourceForm
    fileprivate private(set) var parts: [Part] = []
    /// What is held, in bytes, the records' own cost included.
    private(set) var byteCount = 0

    fileprivate init(_ form: SourceForm) { self.form = form }

    fileprivate mutating func append(_ part: Part) {
        let batch = part.item.batch.batch
        parts.append(part)
        byteCount += batch.bytes.count + Self.recordOverhead * max(0, Int(batch.recordCount) - part.item.skip)
        // What is held is bounded by what it becomes. One that cannot be decompressed is told of when it is decoded.
        guard batch.codec != .none, let plain = try? batch.decompressed() else { return }
        parts[parts.count - 1].item.batch = StoredBatch(
            baseOffset: part.item.batch.baseOffset, arrivalMilliseconds: part.item.batch.arrivalMilliseconds, batch: plain)
        byteCount += plain.bytes.count - batch.bytes.count
    }

    /// Whether another run decodes the same source in the same way.
    var isShared: Bool { form.reader?.isShared ?? false }

    /// The rows of everything, in order. Pure: it may run anywhere.
    func decoded() -> DecodedPiece { Self.decode(parts[...], form) }

    /// The same; what another run has decoded is taken from there.
    func decodedOnce() async -> DecodedPiece {
        guard let reader = form.reader, reader.isShared else { return decoded() }
        var whole = DecodedPiece()
        for unit in units() {
            // The least ROWTIME is a run's own; where it plays a part, so are the rows.
            guard unit.allSatisfy({ $0.floor <= $0.item.batch.arrivalMilliseconds }) else {
                whole.append(Self.decode(unit, form))
                continue
            }
            let key = DecodeCache.Key(
                form: reader.form,
                batches: unit.map { .init(shard: $0.item.shard, offset: $0.item.batch.baseOffset, skip: $0.item.skip) })
            // Columns take about twice the bytes of their text.
            let byteCount = 2 * unit.reduce(0) { $0 + $1.item.batch.batch.bytes.count }
            whole.append(await reader.cache.decoded(key, byteCount: byteCount) { [form] in Self.decode(unit, form) })
        }
        return whole
    }

    /// The parts as they are decoded for several: a large batch by itself, for runs cut their pieces differently; small ones together.
    private func units() -> [ArraySlice<Part>] {
        var units: [ArraySlice<Part>] = []
        var first = 0
        for (index, part) in parts.enumerated() where part.item.batch.batch.bytes.count >= RecordGathering.smallBatchBytes {
            if first < index { units.append(parts[first..<index]) }
            units.append(parts[index...index])
            first = index + 1
        }
        if first < parts.count { units.append(parts[first...]) }
        return units
    }

    private static func decode(_ parts: ArraySlice<Part>, _ form: SourceForm) -> DecodedPiece {
        var gathering = RecordGathering(form)
        for part in parts {
            do {
                try gathering.append(part)
            } catch {
                // It was stored as it came and will never be readable: the records before the bad one count, every time it is read.
                gathering.undecodable.append(part.item)
            }
        }
        return DecodedPiece(parts: [gathering.rows()], undecodable: gathering.undecodable)
    }
}

/// What came of a piece.
struct DecodedPiece: Sendable {
    /// Played one after the other.
    var parts: [InterleavedRows] = []
    /// Batches that cannot be read to their end.
    var undecodable: [InputMerge.Item] = []

    fileprivate mutating func append(_ other: DecodedPiece) {
        parts += other.parts
        undecodable += other.undecodable
    }
}

/// How the records of a source become rows.
struct SourceForm: Sendable {
    fileprivate let decoder: RecordDecoder
    fileprivate let streams: [String]
    /// Which facts about a record are wanted; texts cost more than the rest of a record.
    fileprivate let wanted: Set<MetadataColumn>
    /// Set where runs may share what they decode.
    fileprivate let reader: DecodeCache.Reader?
}

/// Makes pieces of a source's batches.
struct SourceDecoder {
    private let form: SourceForm
    private var facts: [ShardID: InputPiece.ShardFacts] = [:]
    /// That of the last batch's shard: most come from the same one as the batch before.
    private var last: (shard: ShardID, facts: InputPiece.ShardFacts)?
    private var piece: InputPiece

    /// - Parameter cache: where runs share what they decode.
    init(_ compiled: CompiledApplication, source: StreamDescription, cache: DecodeCache?) throws {
        guard let decoder = compiled.decoder else { throw RunFailure.configuration("the application has no input") }
        form = SourceForm(
            decoder: decoder, streams: compiled.inputs.map(\.name),
            wanted: Set(compiled.inputs.first?.columns.filter(\.isHidden).compactMap { MetadataColumn(rawValue: $0.name) } ?? []),
            reader: cache?.reader(DecodeCache.Form(reading: compiled.decodeForm, source: source.id)))
        piece = InputPiece(form)
        for shard in source.shards { add(shard) }
    }

    /// What is held, in bytes, the records' own cost included.
    var byteCount: Int { piece.byteCount }

    /// Makes a shard known.
    mutating func add(_ shard: ShardDescription) {
        facts[shard.id] = InputPiece.ShardFacts(createdSecond: shard.createdSecond, hashKeyRange: shard.hashKeyRange)
    }

    /// Adds a batch.
    /// - Parameter floor: no row gets a ROWTIME before it.
    mutating func append(_ item: InputMerge.Item, floor: Int64) {
        let shard = item.shard.shard
        let known = if let last, last.shard == shard { last.facts } else { facts[shard] ?? InputPiece.ShardFacts() }
        last = (shard, known)
        piece.append(InputPiece.Part(item: item, floor: floor, shard: known))
    }

    /// Everything added since the last call.
    /// - Parameter positions: up to where that goes.
    mutating func takePiece(upTo positions: [ShardID: Int64]) -> InputPiece {
        var taken = piece
        taken.positions = positions
        piece = InputPiece(form)
        return taken
    }
}

/// The records of a piece's batches, put together for the decoder: those of each in-application stream by themselves, however often shards take turns.
private struct RecordGathering {
    /// Batches of fewer bytes are copied together: the decoder is fastest on many records at once.
    static let smallBatchBytes = 16 << 10

    private let form: SourceForm
    /// One for each in-application stream.
    private var streams: [StreamRecords]
    /// In which order they came: up to so many of that stream.
    private var turns: [(stream: Int, recordEnd: Int)] = []
    var undecodable: [InputMerge.Item] = []

    init(_ form: SourceForm) {
        self.form = form
        streams = form.streams.map { _ in StreamRecords(form.wanted) }
    }

    /// Adds the records of a batch. Shards are dealt out to the in-application streams in turn (Developer Guide, "Parallelizing Input
    /// Streams").
    /// - Throws: `RecordBatchError` for a batch that cannot be read to its end; the records before the bad one are added.
    mutating func append(_ part: InputPiece.Part) throws {
        let stream = Int(part.item.shard.shard.index) % streams.count
        defer {
            let end = streams[stream].records.count
            if turns.last?.stream == stream { turns.removeLast() }
            turns.append((stream, end))
        }
        try streams[stream].append(part, form.wanted)
    }

    /// The rows of all records.
    mutating func rows() -> InterleavedRows {
        var inputs: [InputRows] = []
        var rowEnds: [(input: Int, ends: [Int])] = []
        for index in streams.indices {
            streams[index].endGathered()
            let stream = streams[index]
            rowEnds.append((inputs.count, []))
            if stream.records.count == 0 { continue }
            let (batch, errors, ends) = form.decoder.decodeByRecord(stream.records) { part, body in
                stream.memory[part].withUnsafeBytes(body)
            }
            inputs.append(InputRows(stream: form.streams[index], batch: batch, errors: errors))
            rowEnds[index].ends = ends
        }
        if inputs.count == 1 { return InterleavedRows(inputs) }
        let filled = turns.filter { $0.recordEnd > 0 }.map { turn in
            InterleavedRows.Turn(
                input: rowEnds[turn.stream].input, recordEnd: turn.recordEnd,
                rowEnd: rowEnds[turn.stream].ends[turn.recordEnd - 1])
        }
        return InterleavedRows(inputs, turns: filled)
    }
}

/// The records of a piece for one in-application stream, and the memory in which they lie.
private struct StreamRecords {
    private(set) var records: RecordList
    /// The memory of each part of the records.
    private(set) var memory: [BatchBytes] = []
    /// The memory of the part at hand, where it is of small batches' records one after the other.
    private var gathered: [UInt8] = []

    init(_ wanted: Set<MetadataColumn>) { records = RecordList(wanted) }

    /// - Throws: as `RecordGathering.append`.
    mutating func append(_ part: InputPiece.Part, _ wanted: Set<MetadataColumn>) throws {
        let batch = part.item.batch
        records.begin(
            rowtime: max(batch.arrivalMilliseconds, part.floor), arrivalMilliseconds: batch.arrivalMilliseconds,
            shardID: wanted.contains(.shardID) ? part.item.shard.shard.description : "")
        // What is compressed is in no memory that would last.
        if batch.batch.codec == .none, batch.batch.bytes.count >= RecordGathering.smallBatchBytes {
            try appendInPlace(part)
        } else {
            try appendCopies(part)
        }
    }

    /// The data stays in the batch.
    private mutating func appendInPlace(_ part: InputPiece.Part) throws {
        let bytes = part.item.batch.batch.bytes
        endGathered()
        defer { end(bytes) }
        try bytes.withUnsafeBytes { memory in
            try Self.forEachRecord(of: part.item) { record, index in
                guard let value = record.value, let start = value.baseAddress, let base = memory.baseAddress else {
                    return append(record.key, index, 0..<0, of: part)
                }
                let offset = start - base
                append(record, index, value, at: offset, of: part)
            }
        }
    }

    private mutating func appendCopies(_ part: InputPiece.Part) throws {
        try Self.forEachRecord(of: part.item) { record, index in
            let start = gathered.count
            if let value = record.value { gathered.append(contentsOf: value) }
            append(record, index, record.value ?? UnsafeRawBufferPointer(start: nil, count: 0), at: start, of: part)
        }
    }

    private static func forEachRecord(of item: InputMerge.Item, _ body: (RecordView, _ index: Int) -> Void) throws {
        var index = 0
        try item.batch.batch.forEachRecord { record in
            if index >= item.skip { body(record, index) }
            index += 1
        }
    }

    /// Adds a record whose data is at a place of the memory at hand, or those of which the Kinesis Producer Library has made it.
    @inline(__always)
    private mutating func append(
        _ record: RecordView, _ index: Int, _ value: UnsafeRawBufferPointer, at place: Int, of part: InputPiece.Part
    ) {
        if AggregatedRecord.mayBe(value) { return appendAggregated(record, index, value, at: place, of: part) }
        append(record.key, index, place..<place + value.count, of: part)
    }

    private mutating func appendAggregated(
        _ record: RecordView, _ index: Int, _ value: UnsafeRawBufferPointer, at place: Int, of part: InputPiece.Part
    ) {
        let isAggregated = AggregatedRecord.forEachPart(of: value, in: part.shard.hashKeyRange) { user in
            append(user.partitionKey, index, place + user.data.lowerBound..<place + user.data.upperBound, of: part)
        }
        if !isAggregated { append(record.key, index, place..<place + value.count, of: part) }
    }

    @inline(__always)
    private mutating func append(_ key: UnsafeRawBufferPointer?, _ index: Int, _ data: Range<Int>, of part: InputPiece.Part) {
        records.append(
            data: data,
            partitionKey: { text in
                guard let key else { return }
                if key.isASCII {
                    text.append(contentsOf: key)
                } else {
                    text.append(contentsOf: String(decoding: key, as: UTF8.self).utf8)
                }
            },
            sequenceNumber: {
                SequenceNumber(
                    offset: part.item.batch.baseOffset + Int64(index), shardIndex: part.item.shard.shard.index,
                    shardCreatedSecond: part.shard.createdSecond, arrivalSecond: part.item.batch.arrivalMilliseconds / 1000
                ).description
            })
    }

    /// All records since the last part lie in this memory.
    private mutating func end(_ bytes: BatchBytes) {
        records.endPart()
        memory.append(bytes)
    }

    /// Ends a part of copied records, if one was begun.
    mutating func endGathered() {
        guard records.count > records.countInParts else { return }
        end(BatchBytes(gathered))
        gathered.removeAll(keepingCapacity: true)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var isASCII: Bool { allSatisfy { $0 < 0x80 } }
}
