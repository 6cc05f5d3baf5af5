/// The audit trail: who changed what, and who was refused, as records of a stream that SQL and consumers read like any other.

import AWSWire
import Foundation
import Logging
import RecordBatch
import StreamStore
import Synchronization

/// Collects events and appends them, a moment later. What comes faster than can be kept is counted and told of in the trail itself: whoever is refused
/// a million times a second cannot fill a disk by it.
final class AuditTrail: Sendable {
    private struct State {
        var events: [[UInt8]] = []
        var refusals = 0
        var dropped = 0
    }

    /// How often what has come is written.
    private static let interval = Duration.milliseconds(500)
    /// The most events that are kept of one interval, and how many of them may be refusals: who has no key must not push out what others did.
    private static let (most, mostRefusals) = (2000, 50)

    private let store: any StreamStore
    private let stream: StreamKey
    private let logger: Logger
    private let state = Mutex(State())

    init(_ store: any StreamStore, stream: String, logger: Logger) {
        self.store = store
        self.stream = StreamKey(stream)
        self.logger = logger
    }

    func note(_ event: AuditEvent) {
        let json = event.json
        state.withLock { state in
            let isRefusal = event.error != nil
            guard state.events.count < Self.most, !isRefusal || state.refusals < Self.mostRefusals else {
                return state.dropped += 1
            }
            state.events.append(json)
            state.refusals += isRefusal ? 1 : 0
        }
    }

    /// Until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            await write()
        }
    }

    /// Writes what has come.
    func write() async {
        let (events, dropped) = state.withLock { state in
            defer { state = State() }
            return (state.events, state.dropped)
        }
        guard !events.isEmpty else { return }
        do {
            try await append(events + (dropped > 0 ? [Array(#"{"eventName":"Dropped","count":\#(dropped)}"#.utf8)] : []))
        } catch {
            logger.error("events of the audit trail are lost: \(error)", metadata: ["events": "\(events.count + dropped)"])
        }
    }

    private func append(_ events: [[UInt8]]) async throws {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let found = try await streamMadeIfMissing()
        guard let shard = found.openShards.first else { throw StoreError.failed("the stream \(stream.name) has no open shard") }
        var builder = RecordBatchBuilder(baseTimestamp: now, expectedBytes: events.reduce(4096) { $0 + $1.count + 64 })
        for event in events {
            try event.withUnsafeBytes { value in
                try Array("audit".utf8).withUnsafeBytes { try builder.append(key: $0, value: value, timestamp: now) }
            }
        }
        let batch = try (consume builder).finish()
        _ = try await store.append(Append([ShardAppend(ShardReference(found.id, shard.id), batch)]))
    }

    private func streamMadeIfMissing() async throws -> StreamDescription {
        do throws(StoreError) {
            return try await store.stream(stream)
        } catch .streamNotFound {
            return try await store.createStream(StreamDefinition(key: stream, shardCount: 1))
        }
    }
}
