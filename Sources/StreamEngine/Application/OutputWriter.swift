/// Turns rows that leave an application into record batches for their destinations.

import RecordBatch
import StreamSQL
package import StreamStore

/// The outputs of one run: which in-application stream goes where, and how it is written.
package struct OutputWriter {
    /// A batch is closed at this size, so that readers and compaction have pieces of a sensible length.
    private static let batchBytes = 1 << 20

    /// One output, with the batches it is filling.
    private struct Target {
        let output: ApplicationOutput
        let encoder: RowEncoder
        var stream: StreamDescription?
        /// The batch being filled for each shard that took a row.
        var builders: [(shard: ShardID, builder: RecordBatchBuilder?)] = []
        var slots: [ShardID: Int] = [:]
    }

    /// A destination that cannot take rows now. Nothing was appended.
    package struct Unavailable: Error, Sendable {
        /// Nil when it is not known which destination it was.
        package var output: String?
        package var reason: StoreError
    }

    private let store: any StreamStore
    private var targets: [Target] = []
    /// The targets of each in-application stream.
    private var targetsOfStream: [String: [Int]] = [:]
    private var closed: [ShardAppend] = []
    private var row: [UInt8] = []
    /// Spreads rows over the shards of a destination; only has to differ from row to row.
    private var rowNumber: UInt64
    private var milliseconds: Int64 = 0
    /// The rows added since `begin`, in bytes of text.
    private(set) var byteCount = 0

    init(outputs: [ApplicationOutput], schemas: [StreamSchema], store: any StreamStore, firstRowNumber: UInt64) {
        self.store = store
        rowNumber = firstRowNumber
        for output in outputs {
            guard let schema = schemas.first(where: { $0.name == output.name }) else { continue }
            targetsOfStream[output.name, default: []].append(targets.count)
            targets.append(
                Target(output: output, encoder: RowEncoder(columns: schema.columns, format: output.format == .json ? .json : .csv)))
        }
    }

    /// The in-application streams whose rows are wanted.
    var streamNames: Set<String> { Set(targetsOfStream.keys) }

    /// Begins the batches of one append, with the destinations as they are now; what was added before is forgotten.
    mutating func begin(at milliseconds: Int64) async throws(Unavailable) {
        self.milliseconds = milliseconds
        closed = []
        byteCount = 0
        for index in targets.indices {
            let output = targets[index].output
            let stream: StreamDescription
            do throws(StoreError) {
                stream = try await store.stream(output.destination.key)
            } catch {
                throw Unavailable(output: output.name, reason: error)
            }
            guard stream.shards.contains(where: { $0.endOffset == nil }) else {
                throw Unavailable(output: output.name, reason: .streamBusy(stream.key, stream.status))
            }
            targets[index].stream = stream
            targets[index].builders = []
            targets[index].slots = [:]
        }
    }

    /// Adds rows of one in-application stream, one record a row, to every output of that stream, until `byteCount` reaches a bound.
    /// - Returns: the first row that was not added.
    mutating func add(_ batch: ColumnBatch, from first: Int, of stream: String, until bound: Int) throws(RecordBatchError) -> Int {
        guard let wanted = targetsOfStream[stream] else { return batch.count }
        var next = first
        while next < batch.count, byteCount < bound {
            for target in wanted {
                row.removeAll(keepingCapacity: true)
                targets[target].encoder.encodeRow(next, of: batch, into: &row)
                byteCount += row.count
                try addRow(to: target)
            }
            next += 1
        }
        return next
    }

    private mutating func addRow(to target: Int) throws(RecordBatchError) {
        guard let stream = targets[target].stream else { return }
        rowNumber &+= 1
        // Twenty bytes on the stack: the decimal digits of any 64-bit number.
        var digits: InlineArray<20, UInt8> = .init(repeating: 0)
        var firstDigit = 20
        var rest = rowNumber
        repeat {
            firstDigit -= 1
            digits[firstDigit] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        try digits.span.withUnsafeBytes { bytes throws(RecordBatchError) in
            let key = UnsafeRawBufferPointer(rebasing: bytes[firstDigit...])
            let hash = HashKey.hash(partitionKey: key)
            guard let shard = stream.routing.shard(for: hash) else { return }
            let slot = slot(of: shard, in: target)
            var builder =
                targets[target].builders[slot].builder.take() ?? RecordBatchBuilder(baseTimestamp: milliseconds, codec: .none)
            try row.span.withUnsafeBytes { value throws(RecordBatchError) in
                try builder.append(key: key, value: value, timestamp: milliseconds)
            }
            if builder.byteCount >= Self.batchBytes {
                closed.append(ShardAppend(ShardReference(stream.id, shard), try builder.finish()))
            } else {
                targets[target].builders[slot].builder = builder
            }
        }
    }

    private mutating func slot(of shard: ShardID, in target: Int) -> Int {
        // Most destinations have few shards, and most rows follow one to the same shard.
        if let last = targets[target].builders.last, last.shard == shard { return targets[target].builders.count - 1 }
        if let slot = targets[target].slots[shard] { return slot }
        let slot = targets[target].builders.count
        targets[target].builders.append((shard, nil))
        targets[target].slots[shard] = slot
        return slot
    }

    /// The batches of everything added since `begin`.
    mutating func takeAppends() throws(RecordBatchError) -> [ShardAppend] {
        var appends = closed
        closed = []
        for target in targets.indices {
            guard let stream = targets[target].stream else { continue }
            for slot in targets[target].builders.indices {
                guard let builder = targets[target].builders[slot].builder.take() else { continue }
                appends.append(ShardAppend(ShardReference(stream.id, targets[target].builders[slot].shard), try builder.finish()))
            }
        }
        return appends
    }
}
