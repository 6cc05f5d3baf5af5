/// Tokens of transactions that were made: who sends one again is answered as the first time.

import AWSWire
import LatestValues
import Synchronization

final class TransactionTokens: Sendable {
    struct Made: Sendable {
        /// Milliseconds since 1970-01-01 UTC.
        var time: Int64
        /// Of the request's items.
        var digest: [UInt8]
    }

    /// How long a token is remembered, in milliseconds (DynamoDB API, TransactWriteItems).
    static let lifetime: Int64 = 600_000
    private let state = Mutex<[[UInt8]: Made]>([:])

    func find(_ key: [UInt8], now: Int64) -> Made? {
        state.withLock { $0[key] }.flatMap { $0.time > now - Self.lifetime ? $0 : nil }
    }

    func insert(_ key: [UInt8], _ made: Made) { state.withLock { $0[key] = made } }

    func insert(_ entry: LatestEntry) {
        let bytes = entry.value.bytes
        guard bytes.count > 8 else { return }
        let time = bytes.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        insert(entry.key, Made(time: Int64(bitPattern: time), digest: Array(bytes.dropFirst(8))))
    }

    static func value(_ made: Made) -> [UInt8] { withUnsafeBytes(of: made.time.littleEndian, Array.init) + made.digest }

    /// The keys of those that are remembered no longer, at most so many; they are forgotten.
    func takeExpired(now: Int64, limit: Int) -> [[UInt8]] {
        state.withLock { state in
            let expired = state.lazy.filter { $0.value.time <= now - Self.lifetime }.map(\.key).prefix(limit)
            let keys = Array(expired)
            for key in keys { state[key] = nil }
            return keys
        }
    }
}
