/// Turns rows that leave an application into record batches for their destinations.

import RecordBatch
import StreamSQL
import StreamStore

/// The outputs of one run: which in-application stream goes where, and how it is written.
struct OutputWriter {
    /// A batch is closed at this size, so that readers and compaction have pieces of a sensible length.
    private static let batchBytes = 1 << 20

    private let outputs: [ApplicationOutput]
    private let schemas: [String: StreamSchema]
    private let store: any StreamStore
    /// Spreads rows over the shards of a destination; only has to differ from row to row.
    private var rowNumber: UInt64

    init(outputs: [ApplicationOutput], schemas: [StreamSchema], store: any StreamStore, firstRowNumber: UInt64) {
        self.outputs = outputs
        self.schemas = Dictionary(schemas.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.store = store
        rowNumber = firstRowNumber
    }

    /// The in-application streams whose rows are wanted.
    var streamNames: Set<String> { Set(outputs.map(\.name)) }

    /// A destination that cannot take rows now.
    struct Unavailable: Error, Sendable {
        var output: ApplicationOutput
        var reason: StoreError
    }

    /// The appends for rows of one in-application stream, one record a row, for every output of that stream.
    mutating func appends(
        for batch: ColumnBatch, of stream: String, at milliseconds: Int64
    ) async throws -> [ShardAppend] {
        guard let schema = schemas[stream] else { return [] }
        var appends: [ShardAppend] = []
        for output in outputs where output.name == stream {
            let destination: StreamDescription
            do {
                destination = try await store.stream(output.destination.key)
            } catch {
                throw Unavailable(output: output, reason: error)
            }
            let encoder = RowEncoder(columns: schema.columns, format: output.format == .json ? .json : .csv)
            var bytes: [UInt8] = []
            var ends: [Int] = []
            encoder.encode(batch, into: &bytes, ends: &ends)
            appends += try batches(bytes, ends, to: destination, at: milliseconds)
        }
        return appends
    }

    private mutating func batches(
        _ bytes: [UInt8], _ ends: [Int], to destination: StreamDescription, at milliseconds: Int64
    ) throws -> [ShardAppend] {
        let shards = destination.openShards
        guard !shards.isEmpty else { throw StoreError.streamBusy(destination.key, destination.status) }
        var builders: [ShardID: RecordBatchBuilder] = [:]
        var appends: [ShardAppend] = []
        var start = 0
        for end in ends {
            rowNumber &+= 1
            let key = Array(String(rowNumber).utf8)
            let hash = key.withUnsafeBytes { HashKey.hash(partitionKey: $0) }
            let shard = shards.first { $0.hashKeyRange.contains(hash) }?.id ?? shards[0].id
            // Taken out, not copied: a second reference would make every append copy the batch.
            var builder = builders.removeValue(forKey: shard) ?? RecordBatchBuilder(baseTimestamp: milliseconds, codec: .none)
            try bytes.withUnsafeBytes { all in
                let value = UnsafeRawBufferPointer(rebasing: all[start..<end])
                try key.withUnsafeBytes { try builder.append(key: $0, value: value, timestamp: milliseconds) }
            }
            if builder.byteCount >= Self.batchBytes {
                appends.append(ShardAppend(ShardReference(destination.id, shard), try builder.finish()))
            } else {
                builders[shard] = builder
            }
            start = end
        }
        for (shard, builder) in builders.sorted(by: { $0.key < $1.key }) {
            appends.append(ShardAppend(ShardReference(destination.id, shard), try builder.finish()))
        }
        return appends
    }
}
