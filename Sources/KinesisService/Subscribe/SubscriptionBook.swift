/// Who is subscribed to what: one subscription for each consumer and shard, which a later one takes over.

import AWSWire
import Host
import StreamStore
import Synchronization

/// What a subscription is of.
struct SubscriptionName: Hashable, Sendable {
    var stream: StreamID
    /// `StreamConsumer.path`, which differs when a name is registered anew.
    var consumer: String
    var shard: ShardID
}

/// The subscriptions of a node.
final class SubscriptionBook: Sendable {
    private struct Entry {
        /// On the monotonic clock, in nanoseconds.
        var begun: UInt64
        /// Nil when it has ended.
        var subscription: Subscription?
    }

    private struct State {
        var entries: [SubscriptionName: Entry] = [:]
        /// From how many entries on those that say nothing any more are looked for.
        var sweepAt = 64
    }

    /// What all events may take until their peers have them.
    let memory: MemoryBudget
    private let clock: any TimeSource
    private let state = Mutex(State())

    /// - Parameter memoryBytes: `SubscriptionLimits.memoryBytes`.
    init(_ clock: any TimeSource, memoryBytes: Int) {
        self.clock = clock
        memory = MemoryBudget(limit: memoryBytes, letsOneExceed: true)
    }

    /// Enters a subscription. One that is there already is taken over if it is old enough.
    /// - Parameter hold: how old that is, in milliseconds.
    /// - Returns: false, with nothing done, when the last one is younger, whether it still lives or not.
    func begin(_ subscription: Subscription, hold: Int64, takenOver: AWSError) -> Bool {
        let (now, held) = (clock.monotonicNanoseconds(), UInt64(clamping: hold) &* 1_000_000)
        let (isEntered, former) = state.withLock { state -> (Bool, Subscription?) in
            let former = state.entries[subscription.name]
            if let former, now &- former.begun < held { return (false, nil) }
            state.entries[subscription.name] = Entry(begun: now, subscription: subscription)
            if state.entries.count >= state.sweepAt {
                state.entries = state.entries.filter { $0.value.subscription != nil || now &- $0.value.begun < held }
                state.sweepAt = max(64, 2 * state.entries.count)
            }
            return (true, former?.subscription)
        }
        former?.end(with: takenOver)
        return isEntered
    }

    /// A subscription is over. When it began is remembered.
    func ended(_ subscription: Subscription) {
        state.withLock { state in
            guard state.entries[subscription.name]?.subscription === subscription else { return }
            state.entries[subscription.name]?.subscription = nil
        }
    }

    /// Ends the subscriptions of a stream, or of one of its consumers.
    func end(of stream: StreamID, consumer: String? = nil, with error: AWSError) {
        let ended = state.withLock { state in
            state.entries.filter { $0.key.stream == stream && (consumer == nil || $0.key.consumer == consumer) }
                .compactMap(\.value.subscription)
        }
        for subscription in ended { subscription.end(with: error) }
    }
}
