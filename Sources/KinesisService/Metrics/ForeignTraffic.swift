/// What others than this API append to streams, such as the rows of SQL applications: CloudWatch's metrics of a stream tell of all that comes in.

import NodeMetrics
import StreamStore
import Synchronization

/// Compares what the store has counted with what went through the API.
final class ForeignTraffic: Sendable {
    /// What is known of one stream.
    private struct Known {
        /// What the store had counted at the last look.
        var records: UInt64 = 0
        /// Of the API's own sum, what came before the stream was made anew, and what was added here.
        var base = 0.0
        /// What others have appended, as far as it is told.
        var told = 0.0
    }

    private let known = Mutex<[String: Known]>([:])

    /// How many records others have appended since the last look.
    ///
    /// The store counts a record before its put is answered, so what it had counted at the last look is compared with what was answered by now: never is
    /// a record taken for a foreign one because its answer is under way. Where the API puts too, some of the others' may be told late, or not.
    /// - Parameter own: the sum of what went through the API, with what this has given before.
    func look(_ stream: String, records: UInt64, own: Double) -> Double {
        known.withLock { known in
            var entry = known[stream] ?? Known()
            defer { known[stream] = entry }
            guard records >= entry.records else {
                entry = Known(records: records, base: own)
                return 0
            }
            let foreign = Double(entry.records) - (own - entry.base)
            entry.records = records
            guard foreign > entry.told else { return 0 }
            let news = foreign - entry.told
            entry.told = foreign
            entry.base += news
            return news
        }
    }

    /// Lets go of streams that are not there any more.
    func keep(_ streams: Set<String>) { known.withLock { $0 = $0.filter { streams.contains($0.key) } } }
}

extension Kinesis {
    /// Takes in what the store has counted since it was opened, of all streams. Call it once a minute.
    public func countAppended(_ traffic: [(stream: String, records: UInt64, bytes: UInt64)]) {
        foreign.keep(Set(traffic.map(\.stream)))
        for (name, records, bytes) in traffic where records > 0 {
            let minutes = metrics.stream(name).minutes
            let news = foreign.look(name, records: records, own: minutes.total(StreamMetric.incomingRecords.rawValue))
            guard news > 0 else { continue }
            minutes.record(now) { values in
                values.add(StreamMetric.incomingRecords.rawValue, news)
                // The store counts whole batches.
                values.add(StreamMetric.incomingBytes.rawValue, (news * Double(bytes) / Double(records)).rounded())
            }
        }
    }
}
