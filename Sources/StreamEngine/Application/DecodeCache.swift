/// What several applications read alike is decoded once.

import StreamStore
import Synchronization

/// Rows of batches, by what they were decoded from and how, for all runs of a node: the newest, up to a number of bytes.
///
/// A run registers how it decodes which source. Only where another one does the same is anything kept; who asks for what is being decoded waits for it.
package final class DecodeCache: Sendable {
    /// How records become rows, and of which sources.
    struct Form: Hashable, Sendable {
        /// The schemas, the columns that are read, and the in-application streams, as text.
        var reading: String
        var sources: [StreamID]
    }

    /// What was decoded together.
    struct Key: Hashable, Sendable {
        struct Batch: Hashable, Sendable {
            var shard: ShardReference
            var offset: Int64
            var skip: Int
        }
        var form: Form
        var batches: [Batch]
    }

    /// A run that decodes so, as long as it is held.
    final class Reader: Sendable {
        let cache: DecodeCache
        let form: Form

        fileprivate init(_ cache: DecodeCache, _ form: Form) {
            self.cache = cache
            self.form = form
        }

        deinit { cache.leave(form) }

        /// Whether another run decodes the same.
        var isShared: Bool { cache.state.withLock { ($0.readers[form] ?? 0) > 1 } }
    }

    private struct State {
        var readers: [Form: Int] = [:]
        var entries: [Key: (task: Task<DecodedPiece, Never>, bytes: Int)] = [:]
        /// Keys in the order in which they came.
        var order: [Key] = []
        var firstOrder = 0
        var bytes = 0
        var decodedCount = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter bytes: of what is kept, about.
    package init(bytes: Int = 64 << 20) { limit = bytes }

    /// How often something was decoded for several.
    package var decodedCount: Int { state.withLock { $0.decodedCount } }
    /// What is kept, in bytes, about.
    package var byteCount: Int { state.withLock { $0.bytes } }

    func reader(_ form: Form) -> Reader {
        state.withLock { $0.readers[form, default: 0] += 1 }
        return Reader(self, form)
    }

    private func leave(_ form: Form) {
        state.withLock { state in
            let left = (state.readers[form] ?? 1) - 1
            state.readers[form] = left > 0 ? left : nil
            // One alone asks for nothing.
            guard left <= 1 else { return }
            for (key, entry) in state.entries where key.form == form {
                state.bytes -= entry.bytes
                state.entries[key] = nil
            }
            state.order = state.order[state.firstOrder...].filter { $0.form != form }
            state.firstOrder = 0
        }
    }

    /// What `decode` gives, or has given another run.
    /// - Parameter byteCount: what the result takes, about.
    func decoded(_ key: Key, byteCount: Int, _ decode: @escaping @Sendable () -> DecodedPiece) async -> DecodedPiece {
        let task = state.withLock { state in
            if let known = state.entries[key] { return known.task }
            let task = Task { decode() }
            // The others may have left since.
            guard (state.readers[key.form] ?? 0) > 1 else { return task }
            state.entries[key] = (task, byteCount)
            state.order.append(key)
            state.bytes += byteCount
            state.decodedCount += 1
            while state.bytes > limit, state.firstOrder < state.order.count - 1 { Self.dropOldest(&state) }
            return task
        }
        return await task.value
    }

    private static func dropOldest(_ state: inout State) {
        let oldest = state.order[state.firstOrder]
        state.firstOrder += 1
        if let entry = state.entries.removeValue(forKey: oldest) { state.bytes -= entry.bytes }
        guard state.firstOrder > 1024, state.firstOrder * 2 > state.order.count else { return }
        state.order.removeFirst(state.firstOrder)
        state.firstOrder = 0
    }
}
