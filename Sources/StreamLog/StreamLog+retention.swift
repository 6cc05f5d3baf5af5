/// Retention by bytes: which whole segments of a log may go.

internal import Host

extension StreamLog {
    /// Drops the log's oldest sealed segments as long as at least so many bytes of it stay: those of its other segments and of what no
    /// segment holds yet. A segment goes whole or not at all, so the log may keep up to one segment more than it is to keep.
    /// - Throws: `.logNotFound`, `.readOnly`, `.closed`.
    public func applyRetention(_ id: LogID, keepingBytes bytes: UInt64) async throws(LogError) {
        let start = try node.withLock { state throws(LogError) -> Int64? in
            let log = try state.log(id)
            let sealed = log.segments.prefix { $0.isSealed }
            let rest =
                log.segments[sealed.endIndex...].reduce(0) { $0 + $1.fileBytes }
                + log.unflushed.reduce(0) { $0 + UInt64($1.byteCount) }
            let surplus = ByteRetention.surplus(sealed: sealed.map(\.fileBytes), rest: rest, keeping: bytes)
            return sealed.prefix(surplus).last?.endOffset
        }
        if let start { try await trim(id, before: start) }
    }
}

/// The rule of retention by bytes.
package enum ByteRetention {
    /// How many of a log's oldest segments may go, so that what stays has at least a given size.
    /// - Parameters:
    ///   - sealed: the sizes of the segments that may go, oldest first.
    ///   - rest: the size of what stays whatever is asked for.
    package static func surplus(sealed: [UInt64], rest: UInt64, keeping bytes: UInt64) -> Int {
        // From the newest on, what must stay is found without a sum that could overflow.
        var missing = bytes > rest ? bytes - rest : 0
        var count = sealed.count
        while missing > 0, count > 0 {
            count -= 1
            missing = missing > sealed[count] ? missing - sealed[count] : 0
        }
        return count
    }
}
