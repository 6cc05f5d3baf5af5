/// Puts the records of a piece's batches together, as the decoders want them.

import AggregatedRecords
import Codecs
import RecordBatch
import StreamSQL
import StreamStore

/// The records of a piece's batches, put together for the decoders: those of each in-application stream by themselves, however often shards take turns.
struct RecordGathering {
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
        streams = form.inputs.flatMap { input in
            input.streams.map { _ in StreamRecords(input.wanted, form.decompression) }
        }
    }

    /// Adds the records of a batch. Shards are dealt out to the in-application streams in turn (Developer Guide, "Parallelizing Input
    /// Streams").
    /// - Throws: `RecordBatchError` for a batch that cannot be read to its end; the records before the bad one are added.
    mutating func append(_ part: InputPiece.Part) throws {
        let input = form.inputs[part.input]
        let stream = input.firstStream + Int(part.item.shard.shard.index) % input.streams.count
        defer {
            let end = streams[stream].records.count
            if turns.last?.stream == stream { turns.removeLast() }
            turns.append((stream, end))
        }
        try streams[stream].append(part, input.wanted)
    }

    /// No batch comes any more.
    mutating func endGathered() { for index in streams.indices { streams[index].endGathered() } }

    /// Sends the records of inputs with a function through it.
    mutating func process(with processing: RecordProcessing) async throws(ProcessingFailure) {
        for input in form.inputs {
            guard let function = input.processor else { continue }
            for stream in input.firstStream..<input.firstStream + input.streams.count where streams[stream].records.count > 0 {
                let answers = try await processing.answers(
                    to: streams[stream].records, memory: streams[stream].memory, failed: Set(streams[stream].outcomes.keys),
                    function)
                streams[stream] = streams[stream].replaced(by: answers, input.wanted)
            }
        }
    }

    /// The rows of all records.
    mutating func decoded() -> DecodedPiece { DecodedPiece(parts: [rows()], undecodable: undecodable) }

    private func rows() -> InterleavedRows {
        var inputs: [InputRows] = []
        var rowEnds = [(input: Int, ends: [Int])](repeating: (0, []), count: streams.count)
        for input in form.inputs {
            for (name, index) in zip(input.streams, input.firstStream...) {
                let stream = streams[index]
                rowEnds[index] = (inputs.count, [])
                if stream.records.count == 0 { continue }
                let (batch, errors, ends) = input.decoder.decodeByRecord(stream.records) { part, body in
                    stream.memory[part].withUnsafeBytes(body)
                }
                inputs.append(
                    InputRows(stream: name, batch: batch, errors: stream.errors(errors, rowEnds: ends)))
                rowEnds[index].ends = ends
            }
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
struct StreamRecords {
    private(set) var records: RecordList
    /// The memory of each part of the records.
    private(set) var memory: [BatchBytes] = []
    /// Records that give no rows for a reason that lies before decoding, by their numbers.
    private(set) var outcomes: [Int: RecordOutcome] = [:]
    /// The memory of the part at hand, where it is of records that were copied one after the other.
    private var gathered: [UInt8] = []
    /// The memory of the batch in which the part at hand lies; nil where records are copied.
    private var inPlace: BatchBytes?
    private let decompression: RecordDecompression

    init(_ wanted: Set<MetadataColumn>, _ decompression: RecordDecompression) {
        records = RecordList(wanted)
        self.decompression = decompression
    }

    /// What the decoder says of records, with what was known of some before.
    func errors(_ errors: [RecordError], rowEnds: [Int]) -> [RecordError] {
        if outcomes.isEmpty { return errors }
        var all = errors.filter { outcomes[$0.record] == nil }
        for (record, outcome) in outcomes {
            guard case .failed(let failure, let data) = outcome else { continue }
            all.append(
                RecordError(
                    record: record, rowsBefore: record > 0 ? rowEnds[record - 1] : 0, rowtime: records.record(record).rowtime,
                    failure: failure, data: data))
        }
        return all.sorted { $0.record < $1.record }
    }

    /// The records with what a function has made of them.
    func replaced(by answers: [RecordAnswer], _ wanted: Set<MetadataColumn>) -> StreamRecords {
        var others = StreamRecords(wanted, decompression)
        for (index, answer) in answers.enumerated() {
            let record = records.record(index)
            others.records.begin(
                rowtime: record.rowtime, arrivalMilliseconds: record.arrivalMilliseconds, shardID: record.shardID)
            var data: [UInt8] = []
            switch answer {
            case .data(let bytes): data = bytes
            case .outcome(let outcome): others.outcomes[index] = outcome
            case .unchanged: others.outcomes[index] = outcomes[index]
            }
            let start = others.gathered.count
            others.gathered += data
            others.records.append(
                data: start..<others.gathered.count, partitionKey: { $0.append(contentsOf: record.partitionKey.utf8) },
                sequenceNumber: { record.sequenceNumber })
        }
        others.endGathered()
        return others
    }

    /// - Throws: as `RecordGathering.append`.
    mutating func append(_ part: InputPiece.Part, _ wanted: Set<MetadataColumn>) throws {
        let batch = part.item.batch
        records.begin(
            rowtime: max(batch.arrivalMilliseconds, part.floor), arrivalMilliseconds: batch.arrivalMilliseconds,
            shardID: wanted.contains(.shardID) ? part.item.shard.shard.description : "")
        // What is compressed is in no memory that would last.
        let staysInPlace = batch.batch.codec == .none && batch.batch.bytes.count >= RecordGathering.smallBatchBytes
        if staysInPlace {
            endGathered()
            inPlace = batch.batch.bytes
        }
        defer { if staysInPlace { endInPlace() } }
        try batch.batch.bytes.withUnsafeBytes { memory in
            try Self.forEachRecord(of: part.item) { record, index in
                append(record, index, in: memory, of: part)
            }
        }
    }

    private static func forEachRecord(of item: InputMerge.Item, _ body: (RecordView, _ index: Int) -> Void) throws {
        var index = 0
        try item.batch.batch.forEachRecord { record in
            if index >= item.skip { body(record, index) }
            index += 1
        }
    }

    /// Adds a record, or those of which the Kinesis Producer Library has made it.
    @inline(__always)
    private mutating func append(
        _ record: RecordView, _ index: Int, in memory: UnsafeRawBufferPointer, of part: InputPiece.Part
    ) {
        let value = record.value ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if AggregatedRecord.mayBe(value) { return appendAggregated(record, index, value, in: memory, of: part) }
        append(record.key, index, value, in: memory, of: part)
    }

    private mutating func appendAggregated(
        _ record: RecordView, _ index: Int, _ value: UnsafeRawBufferPointer, in memory: UnsafeRawBufferPointer,
        of part: InputPiece.Part
    ) {
        let isAggregated = AggregatedRecord.forEachPart(of: value, in: part.shard.hashKeyRange) { user in
            append(user.partitionKey, index, UnsafeRawBufferPointer(rebasing: value[user.data]), in: memory, of: part)
        }
        if !isAggregated { append(record.key, index, value, in: memory, of: part) }
    }

    /// Adds data: where it lies if the part at hand is a batch, else as a copy.
    @inline(__always)
    private mutating func append(
        _ key: UnsafeRawBufferPointer?, _ index: Int, _ data: UnsafeRawBufferPointer, in memory: UnsafeRawBufferPointer,
        of part: InputPiece.Part
    ) {
        if let codec = decompression.codec(of: data) { return appendDecompressed(key, index, data, codec, of: part) }
        if inPlace != nil {
            let place = data.baseAddress.flatMap { start in memory.baseAddress.map { start - $0 } } ?? 0
            append(key, index, place..<place + data.count, of: part)
        } else {
            let start = gathered.count
            gathered.append(contentsOf: data)
            append(key, index, start..<gathered.count, of: part)
        }
    }

    private mutating func appendDecompressed(
        _ key: UnsafeRawBufferPointer?, _ index: Int, _ data: UnsafeRawBufferPointer, _ codec: CompressionCodec,
        of part: InputPiece.Part
    ) {
        // From here on the records of this batch are copied.
        endInPlace()
        let start = gathered.count
        do throws(CodecError) {
            gathered += try decompression.decompress(data, codec)
        } catch {
            outcomes[records.count] = .failed(
                RowFailure("Coercion error", "The record cannot be decompressed: \(error)."),
                data: Array(data.prefix(RecordOutcome.mostData)))
        }
        append(key, index, start..<gathered.count, of: part)
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

    /// Ends the part that lies in a batch, if there is one.
    private mutating func endInPlace() {
        guard let bytes = inPlace else { return }
        inPlace = nil
        end(bytes)
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
