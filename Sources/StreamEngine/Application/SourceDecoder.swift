/// Collects the records of a source into pieces and decodes them to rows of the in-application streams.

import RecordBatch
import StreamSQL
import StreamStore

/// Decoded rows of one in-application stream, with the records that gave none.
struct DecodedRows: Sendable {
    var stream: String
    var batch: ColumnBatch
    var errors: [RecordError]
}

/// Batches on their way to rows: a part of a source's input, up to a place.
struct InputPiece: Sendable {
    /// What a record costs beside its data while it is held, about.
    private static let recordOverhead = 64

    /// A batch, with the shard that it is of.
    fileprivate struct Part: Sendable {
        var item: InputMerge.Item
        /// No row of it gets a ROWTIME before this.
        var floor: Int64
        /// The shard's, a part of its records' sequence numbers.
        var createdSecond: Int64
    }

    /// Up to where it goes.
    var positions: [ShardID: Int64] = [:]
    fileprivate let form: SourceForm
    fileprivate private(set) var parts: [Part] = []
    /// What is held, in bytes, the records' own cost included.
    private(set) var byteCount = 0

    fileprivate init(_ form: SourceForm) { self.form = form }

    fileprivate mutating func append(_ part: Part) {
        var part = part
        // What is held is bounded by what it becomes. One that cannot be decompressed is told of when it is decoded.
        if part.item.batch.batch.codec != .none, let plain = try? part.item.batch.batch.decompressed() {
            part.item.batch = StoredBatch(
                baseOffset: part.item.batch.baseOffset, arrivalMilliseconds: part.item.batch.arrivalMilliseconds, batch: plain)
        }
        parts.append(part)
        byteCount +=
            part.item.batch.batch.bytes.count + Self.recordOverhead
            * max(0, Int(part.item.batch.batch.recordCount) - part.item.skip)
    }

    /// Whether another run decodes the same source in the same way.
    var isShared: Bool { form.reader?.isShared ?? false }

    /// The rows of everything, in order. Pure: it may run anywhere.
    func decoded() -> DecodedPiece { Self.decode(parts[...], form) }

    /// The same; what another run has decoded is taken from there.
    func decodedOnce() async -> DecodedPiece {
        guard let reader = form.reader, reader.isShared else { return decoded() }
        var whole = DecodedPiece(rows: [], undecodable: [])
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
        return DecodedPiece(rows: gathering.rows(), undecodable: gathering.undecodable)
    }
}

/// What came of a piece.
struct DecodedPiece: Sendable {
    var rows: [DecodedRows]
    /// Batches that cannot be read to their end.
    var undecodable: [InputMerge.Item]

    fileprivate mutating func append(_ other: DecodedPiece) {
        rows += other.rows
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
    private var createdSeconds: [ShardID: Int64] = [:]
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

    /// Makes a shard known: its time of creation is part of its records' sequence numbers.
    mutating func add(_ shard: ShardDescription) {
        createdSeconds[shard.id] = shard.createdSecond
    }

    /// Adds a batch.
    /// - Parameter floor: no row gets a ROWTIME before it.
    mutating func append(_ item: InputMerge.Item, floor: Int64) {
        piece.append(InputPiece.Part(item: item, floor: floor, createdSecond: createdSeconds[item.shard.shard] ?? 0))
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

/// The records of a piece's batches, put together for the decoder.
private struct RecordGathering {
    /// Batches of fewer bytes are copied together: the decoder is fastest on many records at once.
    static let smallBatchBytes = 16 << 10

    /// Consecutive records of the same in-application stream.
    struct Run {
        var stream: Int
        var records: RecordList
        /// The memory of each part of the records.
        var memory: [BatchBytes] = []
        /// The memory of the part at hand, where it is of small batches' records one after the other.
        var gathered: [UInt8] = []
    }

    private let form: SourceForm
    private var runs: [Run] = []
    var undecodable: [InputMerge.Item] = []

    init(_ form: SourceForm) { self.form = form }

    /// The rows of all records.
    mutating func rows() -> [DecodedRows] {
        for index in runs.indices { runs[index].endGathered() }
        return runs.map { run in
            let (batch, errors) = form.decoder.decode(run.records) { part, body in run.memory[part].withUnsafeBytes(body) }
            return DecodedRows(stream: form.streams[run.stream], batch: batch, errors: errors)
        }
    }

    /// Adds the records of a batch. Shards are dealt out to the in-application streams in turn (Developer Guide, "Parallelizing Input
    /// Streams").
    /// - Throws: `RecordBatchError` for a batch that cannot be read to its end; the records before the bad one are added.
    mutating func append(_ part: InputPiece.Part) throws {
        let item = part.item
        let stream = Int(item.shard.shard.index) % form.streams.count
        if runs.last?.stream != stream { runs.append(Run(stream: stream, records: RecordList(form.wanted))) }
        // Taken out, so that it grows in place.
        guard var run = runs.popLast() else { return }
        defer { runs.append(run) }
        let arrival = item.batch.arrivalMilliseconds
        run.records.begin(
            rowtime: max(arrival, part.floor), arrivalMilliseconds: arrival,
            shardID: form.wanted.contains(.shardID) ? item.shard.shard.description : "")
        // What is compressed is in no memory that would last.
        if item.batch.batch.codec == .none, item.batch.batch.bytes.count >= Self.smallBatchBytes {
            try appendInPlace(part, to: &run)
        } else {
            try appendCopies(part, to: &run)
        }
    }

    /// The data stays in the batch.
    private func appendInPlace(_ part: InputPiece.Part, to run: inout Run) throws {
        let bytes = part.item.batch.batch.bytes
        run.endGathered()
        defer { run.end(bytes) }
        try bytes.withUnsafeBytes { memory in
            try forEachRecord(of: part.item) { record, index in
                guard let value = record.value, let start = value.baseAddress, let base = memory.baseAddress else {
                    return append(record, index, 0..<0, of: part, to: &run)
                }
                let offset = start - base
                append(record, index, offset..<(offset + value.count), of: part, to: &run)
            }
        }
    }

    private func appendCopies(_ part: InputPiece.Part, to run: inout Run) throws {
        try forEachRecord(of: part.item) { record, index in
            let start = run.gathered.count
            if let value = record.value { run.gathered.append(contentsOf: value) }
            append(record, index, start..<run.gathered.count, of: part, to: &run)
        }
    }

    private func forEachRecord(of item: InputMerge.Item, _ body: (RecordView, _ index: Int) -> Void) throws {
        var index = 0
        try item.batch.batch.forEachRecord { record in
            if index >= item.skip { body(record, index) }
            index += 1
        }
    }

    @inline(__always)
    private func append(
        _ record: RecordView, _ index: Int, _ data: Range<Int>, of part: InputPiece.Part, to run: inout Run
    ) {
        run.records.append(
            data: data,
            partitionKey: { text in
                guard let key = record.key else { return }
                if key.isASCII {
                    text.append(contentsOf: key)
                } else {
                    text.append(contentsOf: String(decoding: key, as: UTF8.self).utf8)
                }
            },
            sequenceNumber: {
                SequenceNumber(
                    offset: part.item.batch.baseOffset + Int64(index), shardIndex: part.item.shard.shard.index,
                    shardCreatedSecond: part.createdSecond, arrivalSecond: part.item.batch.arrivalMilliseconds / 1000
                ).description
            })
    }
}

extension RecordGathering.Run {
    /// All records since the last part lie in this memory.
    fileprivate mutating func end(_ bytes: BatchBytes) {
        records.endPart()
        memory.append(bytes)
    }

    /// Ends a part of copied records, if one was begun.
    fileprivate mutating func endGathered() {
        guard records.count > records.countInParts else { return }
        end(BatchBytes(gathered))
        gathered.removeAll(keepingCapacity: true)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate var isASCII: Bool { allSatisfy { $0 < 0x80 } }
}
