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

/// Records on their way to rows: a part of a source's input, up to a place.
struct InputPiece: Sendable {
    fileprivate struct Run: Sendable {
        var stream: Int
        var records: RecordList
        /// The memory of each part of the records.
        var memory: [BatchBytes] = []
        /// The memory of the part at hand, where it is of small batches' records one after the other.
        var gathered: [UInt8] = []
        /// How long the data of all records is.
        var dataBytes = 0
    }

    /// Up to where it goes.
    var positions: [ShardID: Int64] = [:]
    fileprivate let decoder: RecordDecoder
    fileprivate let streams: [String]
    /// Consecutive records of the same in-application stream.
    fileprivate var runs: [Run] = []
    /// What is held, in bytes, the records' own cost included.
    fileprivate(set) var byteCount = 0

    /// The rows of everything, in order. Pure: it may run anywhere.
    func decoded() -> [DecodedRows] {
        runs.map { run in
            let (batch, errors) = decoder.decode(run.records) { part, body in run.memory[part].withUnsafeBytes(body) }
            return DecodedRows(stream: streams[run.stream], batch: batch, errors: errors)
        }
    }
}

/// Makes pieces of a source's batches.
struct SourceDecoder {
    /// What a record costs beside its data while it is held, about.
    private static let recordOverhead = 64
    /// Batches of fewer bytes are copied together: the decoder is fastest on many records at once.
    private static let smallBatchBytes = 16 << 10

    private let decoder: RecordDecoder
    private let streams: [String]
    /// Which facts about a record are wanted; texts cost more than the rest of a record.
    private let wanted: Set<MetadataColumn>
    private var createdSeconds: [ShardID: Int64] = [:]
    private var piece: InputPiece

    init(_ compiled: CompiledApplication, source: StreamDescription) throws {
        guard let decoder = compiled.decoder else { throw RunFailure.configuration("the application has no input") }
        self.decoder = decoder
        streams = compiled.inputs.map(\.name)
        wanted = Set(compiled.inputs.first?.columns.filter(\.isHidden).compactMap { MetadataColumn(rawValue: $0.name) } ?? [])
        piece = InputPiece(decoder: decoder, streams: streams)
        for shard in source.shards { add(shard) }
    }

    /// What is held, in bytes, the records' own cost included.
    var byteCount: Int { piece.byteCount }

    /// Makes a shard known: its time of creation is part of its records' sequence numbers.
    mutating func add(_ shard: ShardDescription) {
        createdSeconds[shard.id] = shard.createdSecond
    }

    /// Adds the records of a batch. Shards are dealt out to the in-application streams in turn (Developer Guide, "Parallelizing Input
    /// Streams").
    /// - Parameter floor: no row gets a ROWTIME before it.
    /// - Throws: `RecordBatchError` for a batch that cannot be read to its end; the records before the bad one are added.
    mutating func append(_ item: InputMerge.Item, floor: Int64) throws {
        let stream = Int(item.shard.shard.index) % streams.count
        if piece.runs.last?.stream != stream { piece.runs.append(InputPiece.Run(stream: stream, records: RecordList(wanted))) }
        // Taken out, so that it grows in place.
        guard var run = piece.runs.popLast() else { return }
        defer { piece.runs.append(run) }
        let arrival = item.batch.arrivalMilliseconds
        run.records.begin(
            rowtime: max(arrival, floor), arrivalMilliseconds: arrival,
            shardID: wanted.contains(.shardID) ? item.shard.shard.description : "")
        let (firstBytes, firstCount) = (run.dataBytes, run.records.count)
        defer { piece.byteCount += run.dataBytes - firstBytes + Self.recordOverhead * (run.records.count - firstCount) }
        // What is compressed is in no memory that would last.
        if item.batch.batch.codec == .none, item.batch.batch.bytes.count >= Self.smallBatchBytes {
            try appendInPlace(item, to: &run)
        } else {
            try appendCopies(item, to: &run)
        }
    }

    /// The data stays in the batch.
    private func appendInPlace(_ item: InputMerge.Item, to run: inout InputPiece.Run) throws {
        let bytes = item.batch.batch.bytes
        run.endGathered()
        defer { run.end(bytes) }
        try bytes.withUnsafeBytes { memory in
            try forEachRecord(of: item) { record, index in
                guard let value = record.value, let start = value.baseAddress, let base = memory.baseAddress else {
                    return append(record, index, 0..<0, of: item, to: &run)
                }
                let offset = start - base
                append(record, index, offset..<(offset + value.count), of: item, to: &run)
            }
        }
    }

    private func appendCopies(_ item: InputMerge.Item, to run: inout InputPiece.Run) throws {
        try forEachRecord(of: item) { record, index in
            let start = run.gathered.count
            if let value = record.value { run.gathered.append(contentsOf: value) }
            append(record, index, start..<run.gathered.count, of: item, to: &run)
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
        _ record: RecordView, _ index: Int, _ data: Range<Int>, of item: InputMerge.Item, to run: inout InputPiece.Run
    ) {
        run.dataBytes += data.count
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
                    offset: item.batch.baseOffset + Int64(index), shardIndex: item.shard.shard.index,
                    shardCreatedSecond: createdSeconds[item.shard.shard] ?? 0,
                    arrivalSecond: item.batch.arrivalMilliseconds / 1000
                ).description
            })
    }

    /// Everything added since the last call.
    /// - Parameter positions: up to where that goes.
    mutating func takePiece(upTo positions: [ShardID: Int64]) -> InputPiece {
        var taken = piece
        taken.positions = positions
        for index in taken.runs.indices { taken.runs[index].endGathered() }
        piece = InputPiece(decoder: decoder, streams: streams)
        return taken
    }
}

extension InputPiece.Run {
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
