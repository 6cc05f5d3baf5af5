/// The time and memory of a subscription.

/// Numbers of the service (Kinesis API, SubscribeToShard), which tests make small.
public struct SubscriptionLimits: Sendable {
    /// How long a subscription lasts, in milliseconds.
    public var sessionMilliseconds: Int64 = 300_000
    /// How long after a subscription nobody may take it over, in milliseconds.
    public var holdMilliseconds: Int64 = 5000
    /// After how long without records an event without any says that the subscription lives, in milliseconds.
    public var heartbeatMilliseconds: Int64 = 5000
    /// Data and partition keys in one event, in bytes; one record may be larger.
    public var eventBytes = 1 << 20
    /// What the events of all subscriptions together may take until their peers have them, in bytes: past it a subscription waits, so that slow
    /// ones keep nobody's calls out. One event alone may take more.
    public var memoryBytes = 64 << 20
    /// What is reserved for a subscription that waits for records, in bytes.
    public var restingMemory = 16 << 10

    public init() {}
}
