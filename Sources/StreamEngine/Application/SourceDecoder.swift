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
        var records: [SourceRecord] = []
    }

    /// Up to where it goes.
    var positions: [ShardID: Int64] = [:]
    fileprivate let decoder: RecordDecoder
    fileprivate let streams: [String]
    fileprivate var bytes: [UInt8] = []
    /// Consecutive records of the same in-application stream.
    fileprivate var runs: [Run] = []
    /// What is held, in bytes, the records' own cost included.
    fileprivate(set) var byteCount = 0

    /// The rows of everything, in order. Pure: it may run anywhere.
    func decoded() -> [DecodedRows] {
        bytes.withUnsafeBytes { buffer in
            runs.map { run in
                let (batch, errors) = decoder.decode(run.records, in: buffer)
                return DecodedRows(stream: streams[run.stream], batch: batch, errors: errors)
            }
        }
    }
}

/// Makes pieces of a source's batches.
struct SourceDecoder {
    /// What a record costs beside its data while it is held, about.
    private static let recordOverhead = 64

    private let decoder: RecordDecoder
    private let streams: [String]
    /// Which texts of record metadata are wanted; they cost more than the rest of a record.
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
        if piece.runs.last?.stream != stream { piece.runs.append(InputPiece.Run(stream: stream)) }
        let last = piece.runs.count - 1
        let shard = item.shard.shard
        let shardName = wanted.contains(.shardID) ? shard.description : ""
        let arrival = item.batch.arrivalMilliseconds
        let rowtime = max(arrival, floor)
        var index = 0
        try item.batch.batch.forEachRecord { record in
            defer { index += 1 }
            guard index >= item.skip else { return }
            let start = piece.bytes.count
            if let value = record.value { piece.bytes.append(contentsOf: value) }
            piece.byteCount += piece.bytes.count - start + Self.recordOverhead
            var source = SourceRecord(
                data: start..<piece.bytes.count, rowtime: rowtime, arrivalMilliseconds: arrival, shardID: shardName)
            if wanted.contains(.partitionKey) {
                source.partitionKey = record.key.map { String(decoding: $0, as: UTF8.self) } ?? ""
            }
            if wanted.contains(.sequenceNumber) {
                source.sequenceNumber =
                    SequenceNumber(
                        offset: item.batch.baseOffset + Int64(index), shardIndex: shard.index,
                        shardCreatedSecond: createdSeconds[shard] ?? 0, arrivalSecond: arrival / 1000
                    ).description
            }
            piece.runs[last].records.append(source)
        }
    }

    /// Everything added since the last call.
    /// - Parameter positions: up to where that goes.
    mutating func takePiece(upTo positions: [ShardID: Int64]) -> InputPiece {
        var taken = piece
        taken.positions = positions
        piece = InputPiece(decoder: decoder, streams: streams)
        return taken
    }
}
