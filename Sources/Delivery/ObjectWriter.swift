/// Writes one planned object: the data of its records, compressed, into the object store.

import Codecs
import RecordBatch
import StreamStore

/// How much an object holds.
struct WrittenObject {
    var records: Int64 = 0
    /// Before compression.
    var bytes: Int64 = 0
}

/// Carries out plans of one delivery stream. Holds at most one read's batches and their compressed form in memory.
struct ObjectWriter {
    /// The object of the plan is in the archive, from before a crash.
    private struct AlreadyThere: Error {}

    var world: DeliveryWorld
    var destination: ObjectDestinationSettings
    var stream: StreamID
    /// By shard; those that are left out are delivered as they were sent.
    var forms: [UInt32: DeliveredForm]
    /// Told of records that are in the plan but no longer in the log.
    var lost: @Sendable (UInt32, OffsetSpan, String) -> Void

    /// Writes the object, durable when it returns.
    ///
    /// Records that vanished since the plan was made (retention, damage) are left out, unless the object is there already: then it is left
    /// as it is, for it may hold them.
    func write(_ planned: PlannedObject) async throws -> WrittenObject {
        let upload = try await world.objects.begin(bucket: destination.bucket, key: planned.key)
        do {
            let written = try await copy(planned, to: upload)
            if written.records > 0 { try await upload.complete() } else { await upload.abandon() }
            return written
        } catch {
            await upload.abandon()
            if error is AlreadyThere { return WrittenObject() }
            throw error
        }
    }

    /// Writes the data of all records of the plan, one after the other.
    private func copy(_ planned: PlannedObject, to upload: any ObjectUpload) async throws -> WrittenObject {
        let content = try ObjectContent(destination.compression.archiveFormat, entryName: Self.entryName(planned.key))
        for (shard, span) in planned.spans.sorted(by: { $0.key < $1.key }) {
            var position = span.from
            while position < span.to {
                switch try await look(shard, from: position) {
                case .gap(let next, let reason):
                    if try await world.objects.holds(bucket: destination.bucket, key: planned.key) { throw AlreadyThere() }
                    let end = min(span.to, max(next, position + 1))
                    lost(shard, OffsetSpan(from: position, to: end), reason)
                    position = end
                case .batches(let read):
                    guard let end = read.batches.last?.endOffset, end > position else {
                        throw StoreError.failed("shard \(ShardID(shard)) ends at \(position), before the end of the planned object")
                    }
                    for batch in read.batches where batch.baseOffset < span.to {
                        if try !content.append(batch, position..<span.to, forms[shard] ?? .asSent) {
                            lost(
                                shard, OffsetSpan(from: max(position, batch.baseOffset), to: min(span.to, batch.endOffset)),
                                "cannot be decoded")
                        }
                    }
                    position = end
                    let output = content.takeOutput()
                    if !output.isEmpty { try await upload.append(output) }
                }
            }
        }
        try content.finish()
        let output = content.takeOutput()
        if !output.isEmpty { try await upload.append(output) }
        return content.written
    }

    /// What the entry of a ZIP archive is called: the last part of the object's name, without what it ends with.
    private static func entryName(_ key: String) -> String {
        let name = key.split(separator: "/").last ?? "data"
        return String(name.hasSuffix(".zip") ? name.dropLast(4) : name)
    }

    /// A look in which a shard that is gone is a gap without an end.
    private func look(_ shard: UInt32, from position: Int64) async throws(StoreError) -> ShardLook {
        let reference = ShardReference(stream, ShardID(shard))
        do throws(StoreError) {
            return try await world.store.look(at: reference, from: position, maxBytes: DeliveryRun.readBytes)
        } catch {
            if case .shardNotFound = error { return .gap(next: .max, reason: "the shard is gone") }
            throw error
        }
    }
}

/// An object's bytes as they come out of the compressor. One task uses it.
private final class ObjectContent {
    private var compressor: ArchiveCompressor
    private var output: [UInt8] = []
    private(set) var written = WrittenObject()

    init(_ format: ArchiveFormat, entryName: String) throws(CodecError) {
        compressor = try ArchiveCompressor(format, entryName: entryName)
    }

    /// Adds what is delivered of a batch's records whose offsets lie in a range.
    /// - Returns: false, with nothing added, when the batch cannot be decoded.
    /// - Throws: after which the object must be begun anew.
    func append(_ batch: StoredBatch, _ range: Range<Int64>, _ form: DeliveredForm) throws(CodecError) -> Bool {
        // All records are read before the first is added: a batch is in the object whole or not at all.
        var data: [UInt8] = []
        data.reserveCapacity(batch.batch.bytes.count)
        var offset = batch.baseOffset
        var records: Int64 = 0
        do {
            try batch.batch.forEachRecord { record in
                if range.contains(offset) {
                    records += 1
                    form.forEachPart(of: record.value) { data.append(contentsOf: $0) }
                }
                offset += 1
            }
        } catch {
            return false
        }
        try compressor.append(data, into: &output)
        written.records += records
        written.bytes += Int64(data.count)
        return true
    }

    func finish() throws(CodecError) { try compressor.finish(into: &output) }

    /// What came out since the last call.
    func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }
}

extension ObjectCompression {
    fileprivate var archiveFormat: ArchiveFormat {
        switch self {
        case .uncompressed: .none
        case .gzip: .gzip
        case .zip: .zip
        case .snappy: .snappy
        case .hadoopSnappy: .hadoopSnappy
        case .zstd: .zstd
        case .lz4: .lz4
        }
    }
}
