/// What went in and out of one stream since the store was opened.

import RecordBatch
public import StreamStore
import Synchronization

/// Counts of one stream, for metrics.
public struct StreamTraffic: Sendable, Hashable {
    public var key: StreamKey
    public var recordsIn: UInt64
    public var bytesIn: UInt64
    /// Records and bytes in the batches that reads returned, the surroundings of the records asked for included.
    public var recordsOut: UInt64
    public var bytesOut: UInt64
}

/// The counters behind `StreamTraffic`; added to from any thread.
final class StreamCounters: Sendable {
    private let recordsIn = Atomic<UInt64>(0)
    private let bytesIn = Atomic<UInt64>(0)
    private let recordsOut = Atomic<UInt64>(0)
    private let bytesOut = Atomic<UInt64>(0)

    func countIn(records: Int, bytes: Int) {
        recordsIn.wrappingAdd(UInt64(records), ordering: .relaxed)
        bytesIn.wrappingAdd(UInt64(bytes), ordering: .relaxed)
    }

    func countOut(_ batches: [StoredBatch]) {
        recordsOut.wrappingAdd(UInt64(batches.reduce(0) { $0 + $1.batch.recordCount }), ordering: .relaxed)
        bytesOut.wrappingAdd(UInt64(batches.reduce(0) { $0 + $1.batch.bytes.count }), ordering: .relaxed)
    }

    func traffic(of key: StreamKey) -> StreamTraffic {
        StreamTraffic(
            key: key, recordsIn: recordsIn.load(ordering: .relaxed), bytesIn: bytesIn.load(ordering: .relaxed),
            recordsOut: recordsOut.load(ordering: .relaxed), bytesOut: bytesOut.load(ordering: .relaxed))
    }
}
