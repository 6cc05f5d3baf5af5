/// Collects the records of a source into pieces and decodes them to rows of the in-application streams.

import RecordBatch
import StreamSQL
import StreamStore

/// Batches on their way to rows: a part of a source's input, up to a place.
struct InputPiece: Sendable {
    /// What a record costs beside its data while it is held, about.
    private static let recordOverhead = 64

    /// A batch, with the shard that it is of.
    struct Part: Sendable {
        var item: InputMerge.Item
        /// Which input's it is.
        var input: Int
        /// No row of it gets a ROWTIME before this.
        var floor: Int64
        var shard: ShardFacts
    }

    /// What the records of a shard have in common.
    struct ShardFacts: Sendable {
        /// A part of its records' sequence numbers.
        var createdSecond: Int64 = 0
        var hashKeyRange = HashKeyRange.all
    }

    /// Up to where it goes.
    var positions: [InputShard: Int64] = [:]
    let form: SourceForm
    private(set) var parts: [Part] = []
    /// What is held, in bytes, the records' own cost included.
    private(set) var byteCount = 0

    init(_ form: SourceForm) { self.form = form }

    mutating func append(_ part: Part) {
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

    /// Whether some of its records go through a function first.
    var isProcessed: Bool { form.inputs.contains { $0.processor != nil } }

    /// The rows of everything, in order. Pure: it may run anywhere. Records that go through a function are decoded as they are.
    func decoded() -> DecodedPiece { Self.decode(parts[...], form) }

    /// The rows of everything, after the functions that its records go through.
    /// - Throws: `ProcessingFailure`: the piece can be tried again.
    func decoded(with processing: RecordProcessing) async throws(ProcessingFailure) -> DecodedPiece {
        var gathering = Self.gather(parts[...], form)
        try await gathering.process(with: processing)
        return gathering.decoded()
    }

    /// The same as `decoded()`; what another run has decoded is taken from there.
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
        var gathering = gather(parts, form)
        return gathering.decoded()
    }

    private static func gather(_ parts: ArraySlice<Part>, _ form: SourceForm) -> RecordGathering {
        var gathering = RecordGathering(form)
        for part in parts {
            do {
                try gathering.append(part)
            } catch {
                // It was stored as it came and will never be readable: the records before the bad one count, every time it is read.
                gathering.undecodable.append(part.item)
            }
        }
        gathering.endGathered()
        return gathering
    }
}

/// What came of a piece.
struct DecodedPiece: Sendable {
    /// Played one after the other.
    var parts: [InterleavedRows] = []
    /// Batches that cannot be read to their end.
    var undecodable: [InputMerge.Item] = []

    mutating func append(_ other: DecodedPiece) {
        parts += other.parts
        undecodable += other.undecodable
    }
}

/// How the records of a run's sources become rows.
struct SourceForm: Sendable {
    struct Input: Sendable {
        let decoder: RecordDecoder
        let streams: [String]
        /// Which facts about a record are wanted; texts cost more than the rest of a record.
        let wanted: Set<MetadataColumn>
        /// The place of its first in-application stream among all.
        let firstStream: Int
        /// The function that its records go through.
        let processor: InputFunction?
    }

    let inputs: [Input]
    let decompression: RecordDecompression
    /// Set where runs may share what they decode.
    let reader: DecodeCache.Reader?

    init(
        _ compiled: CompiledApplication, sources: [StreamDescription], decompression: RecordDecompression, cache: DecodeCache?
    ) {
        var (inputs, count) = ([Input](), 0)
        for input in compiled.sources {
            let hidden = (input.streams.first?.columns ?? []).filter(\.isHidden).compactMap { MetadataColumn(rawValue: $0.name) }
            inputs.append(
                Input(
                    decoder: input.decoder, streams: input.streams.map(\.name),
                    // A function is told all of them.
                    wanted: Set(input.processor == nil ? hidden : MetadataColumn.allCases), firstStream: count,
                    processor: input.processor))
            count += input.streams.count
        }
        self.inputs = inputs
        self.decompression = decompression
        // What a function answers is for the application that asked.
        let isProcessed = inputs.contains { $0.processor != nil }
        reader =
            isProcessed
            ? nil : cache?.reader(DecodeCache.Form(reading: compiled.decodeForm, sources: sources.map(\.id)))
    }
}

/// Makes pieces of the batches of a run's sources.
struct SourceDecoder {
    private let form: SourceForm
    private let sources: [StreamID]
    private var facts: [ShardReference: InputPiece.ShardFacts] = [:]
    /// That of the last batch's shard: most come from the same one as the batch before.
    private var last: (shard: ShardReference, input: Int, facts: InputPiece.ShardFacts)?
    private var piece: InputPiece

    /// - Parameters:
    ///   - sources: of the inputs, in their order.
    ///   - cache: where runs share what they decode.
    init(
        _ compiled: CompiledApplication, sources: [StreamDescription], decompression: RecordDecompression, cache: DecodeCache?
    ) throws {
        guard !compiled.sources.isEmpty, compiled.sources.count == sources.count else {
            throw RunFailure.configuration("the application has no input")
        }
        form = SourceForm(compiled, sources: sources, decompression: decompression, cache: cache)
        self.sources = sources.map(\.id)
        piece = InputPiece(form)
        for source in sources { for shard in source.shards { add(shard, of: source.id) } }
    }

    /// What is held, in bytes, the records' own cost included.
    var byteCount: Int { piece.byteCount }

    /// Makes a shard known.
    mutating func add(_ shard: ShardDescription, of source: StreamID) {
        facts[ShardReference(source, shard.id)] = InputPiece.ShardFacts(
            createdSecond: shard.createdSecond, hashKeyRange: shard.hashKeyRange)
    }

    /// Adds a batch.
    /// - Parameter floor: no row gets a ROWTIME before it.
    mutating func append(_ item: InputMerge.Item, floor: Int64) {
        let known: (shard: ShardReference, input: Int, facts: InputPiece.ShardFacts)
        if let last, last.shard == item.shard {
            known = last
        } else {
            known = (
                item.shard, sources.firstIndex(of: item.shard.stream) ?? 0, facts[item.shard] ?? InputPiece.ShardFacts()
            )
        }
        last = known
        piece.append(InputPiece.Part(item: item, input: known.input, floor: floor, shard: known.facts))
    }

    /// Everything added since the last call.
    /// - Parameter positions: up to where that goes.
    mutating func takePiece(upTo positions: [InputShard: Int64]) -> InputPiece {
        var taken = piece
        taken.positions = positions
        piece = InputPiece(form)
        return taken
    }
}
