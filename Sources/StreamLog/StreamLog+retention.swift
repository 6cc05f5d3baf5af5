/// Retention by bytes: which whole segments of a log may go.

internal import Host

extension StreamLog {
    /// Drops the log's oldest segments as long as at least so many bytes of it stay: those of its other segments and of what no segment
    /// holds yet. A segment goes whole or not at all, and the one that is written to stays, so the log may keep up to one segment more than
    /// it is to keep.
    /// - Throws: `.logNotFound`, `.readOnly`, `.closed`.
    public func applyRetention(_ id: LogID, keepingBytes bytes: UInt64) async throws(LogError) {
        let start = try node.withLock { state throws(LogError) -> Int64? in
            let log = try state.log(id)
            let isWritten = log.segments.last.map { !$0.isSealed } ?? false
            let whole = log.segments.dropLast(isWritten ? 1 : 0)
            // A segment counts for the frames it is read for: after a crash its file can go on with frames that the journal or the next
            // segment holds too, and those must not count twice.
            let rest =
                (isWritten ? log.segments.last?.state.framesEnd ?? 0 : 0)
                + log.items.unflushed.reduce(0) { $0 + UInt64($1.byteCount) }
            let surplus = ByteRetention.surplus(whole: whole.map(\.state.framesEnd), rest: rest, keeping: bytes)
            return whole.prefix(surplus).last?.endOffset
        }
        if let start { try await trim(id, before: start) }
    }
}

/// The rule of retention by bytes.
package enum ByteRetention {
    /// How many of a log's oldest segments may go, so that what stays has at least a given size.
    /// - Parameters:
    ///   - whole: the sizes of the segments that may go, oldest first.
    ///   - rest: the size of what stays whatever is asked for.
    package static func surplus(whole: [UInt64], rest: UInt64, keeping bytes: UInt64) -> Int {
        // From the newest on, what must stay is found without a sum that could overflow.
        var missing = bytes > rest ? bytes - rest : 0
        var count = whole.count
        while missing > 0, count > 0 {
            count -= 1
            missing = missing > whole[count] ? missing - whole[count] : 0
        }
        return count
    }
}
