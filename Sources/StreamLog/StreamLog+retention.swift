/// Retention by bytes: which whole segments of some logs may go.

internal import Host

extension StreamLog {
    /// Drops the oldest segments of some logs as long as at least so many bytes of them all stay: those of other segments and of what no segment
    /// holds yet. A segment goes whole or not at all, and those that are written to stay, so each log may keep up to one segment more. A log that
    /// is gone counts for nothing.
    /// - Throws: `.readOnly`, `.closed`.
    public func applyRetention(_ ids: [LogID], keepingBytes bytes: UInt64) async throws(LogError) {
        let starts = try node.withLock { state throws(LogError) -> [(LogID, Int64)] in
            var (found, logs): ([LogID], [ByteRetention.Log]) = ([], [])
            var ends: [[Int64]] = []
            for id in ids {
                let log: ShardLog
                do throws(LogError) {
                    log = try state.log(id)
                } catch .logNotFound {
                    continue
                }
                let isWritten = log.segments.last.map { !$0.isSealed } ?? false
                let whole = log.segments.dropLast(isWritten ? 1 : 0)
                // A segment counts for the frames it is read for: after a crash its file can go on with frames that the journal or the next
                // segment holds too, and those must not count twice. One of which records have gone counts for nothing.
                let size = { (segment: Segment) in segment.baseOffset < log.startOffset ? 0 : segment.state.framesEnd }
                let rest =
                    (isWritten ? log.segments.last.map(size) ?? 0 : 0)
                    + log.items.unflushed.reduce(0) { $0 + ($1.baseOffset < log.startOffset ? 0 : UInt64($1.byteCount)) }
                found.append(id)
                logs.append(ByteRetention.Log(whole: whole.map { (size($0), $0.state.lastArrival) }, rest: rest))
                ends.append(whole.map(\.endOffset))
            }
            let surplus = ByteRetention.surplus(logs, keeping: bytes)
            return found.indices.compactMap { surplus[$0] > 0 ? (found[$0], ends[$0][surplus[$0] - 1]) : nil }
        }
        for (id, start) in starts {
            do throws(LogError) {
                try await trim(id, before: start)
            } catch .logNotFound {
                continue
            }
        }
    }
}

/// The rule of retention by bytes.
package enum ByteRetention {
    package struct Log {
        /// The sizes of the segments that may go, oldest first, and when the last record of each arrived.
        var whole: [(bytes: UInt64, lastArrival: Int64)]
        /// The size of what stays whatever is asked for.
        var rest: UInt64

        package init(whole: [(bytes: UInt64, lastArrival: Int64)], rest: UInt64) {
            self.whole = whole
            self.rest = rest
        }
    }

    /// How many of each log's oldest segments may go, so that what stays of all logs has at least a given size. What arrived first goes first,
    /// in whatever log it is.
    package static func surplus(_ logs: [Log], keeping bytes: UInt64) -> [Int] {
        var counts = logs.map(\.whole.count)
        // From the newest on, what must stay is found without a sum that could overflow.
        var missing = logs.reduce(bytes) { $0 > $1.rest ? $0 - $1.rest : 0 }
        let newestFirst = logs.indices.flatMap { log in logs[log].whole.indices.map { (log: log, segment: $0) } }.sorted { a, b in
            let (first, second) = (logs[a.log].whole[a.segment].lastArrival, logs[b.log].whole[b.segment].lastArrival)
            return (first, a.log, a.segment) > (second, b.log, b.segment)
        }
        for place in newestFirst {
            guard missing > 0 else { break }
            counts[place.log] = min(counts[place.log], place.segment)
            let size = logs[place.log].whole[place.segment].bytes
            missing = missing > size ? missing - size : 0
        }
        return counts
    }
}
