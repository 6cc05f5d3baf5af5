/// The Kinesis Data Streams API over a `StreamStore`: settings, and the table of its operations.

public import AWSWire
public import Host
public import NodeMetrics
public import StreamStore

/// Kinesis_20131202 on one store.
public struct Kinesis: Sendable {
    /// What the service needs to know of its node.
    public struct Settings: Sendable {
        /// As in `us-east-1`; stands in ARNs.
        public var region: String
        /// Twelve digits; stands in ARNs and messages.
        public var accountID: String
        /// What iterators and page tokens are sealed with: any number of secret bytes that outlive a restart, so that
        /// iterators do.
        public var tokenSecret: [UInt8]
        /// How many streams may exist; CreateStream is refused beyond it. Nil is no limit.
        public var streamLimit: Int?
        /// How many shards may be open; the store holds to it, the service tells it. Nil is no limit.
        public var shardLimit: Int?
        /// How many consumers a stream may have; RegisterStreamConsumer is refused beyond it. Nil is no limit.
        public var consumerLimit: Int?
        /// How long a consumer is CREATING, in milliseconds.
        public var lifecycleMilliseconds: Int64 = 0
        /// How long GetRecords waits for records where there are none, in milliseconds; 0: not at all, as AWS does.
        public var getRecordsWaitMilliseconds: Int64 = 0
        /// Whether what AWS allows a shard a second holds here too.
        public var strictLimits = false
        /// The time and memory of a subscription.
        public var subscriptions = SubscriptionLimits()
        /// How streams in the mode ON_DEMAND scale.
        public var onDemand = OnDemandRule()
        /// Where what happens in the background, and nobody is answered for, is told: a message and its particulars.
        public var report: @Sendable (ReportLevel, _ message: String, [String: String]) -> Void = { _, _, _ in }

        public init(region: String, accountID: String, tokenSecret: [UInt8], streamLimit: Int? = nil) {
            self.region = region
            self.accountID = accountID
            self.tokenSecret = tokenSecret
            self.streamLimit = streamLimit
        }
    }

    /// How much a report matters.
    public enum ReportLevel: Sendable {
        case info, error
    }

    let store: any StreamStore
    let clock: any TimeSource
    let settings: Settings
    let tokens: TokenSealer
    let metrics: KinesisMetrics
    let attributes: AttributeBook
    let subscriptions: SubscriptionBook
    let scalings = ScalingBook()
    let foreign = ForeignTraffic()
    /// Nil where there are none.
    let limits: ShardLimits?

    public init(store: any StreamStore, clock: any TimeSource, settings: Settings, metrics: MetricsRegistry) {
        self.store = store
        self.clock = clock
        self.settings = settings
        tokens = TokenSealer(secret: settings.tokenSecret)
        self.metrics = KinesisMetrics(metrics)
        attributes = AttributeBook(store)
        subscriptions = SubscriptionBook(clock, memoryBytes: settings.subscriptions.memoryBytes)
        limits = settings.strictLimits ? ShardLimits() : nil
    }

    /// The service for the dispatcher. A new operation is a file in `Operations/` and a line here.
    public var service: AWSService {
        AWSService(
            prefix: "Kinesis_20131202", serving: self,
            [
                .operation(AddTagsToStream.self),
                .operation(CreateStream.self),
                .operation(DecreaseStreamRetentionPeriod.self),
                .operation(DeleteResourcePolicy.self),
                .operation(DeleteStream.self),
                .operation(DeregisterStreamConsumer.self),
                .operation(DescribeAccountSettings.self),
                .operation(DescribeLimits.self),
                .operation(DescribeStream.self),
                .operation(DescribeStreamConsumer.self),
                .operation(DescribeStreamSummary.self),
                .operation(DisableEnhancedMonitoring.self),
                .operation(EnableEnhancedMonitoring.self),
                .direct(GetRecords.self),
                .operation(GetResourcePolicy.self),
                .operation(GetShardIterator.self),
                .operation(IncreaseStreamRetentionPeriod.self),
                .operation(ListShards.self),
                .operation(ListStreamConsumers.self),
                .operation(ListStreams.self),
                .operation(ListTagsForResource.self),
                .operation(ListTagsForStream.self),
                .operation(MergeShards.self),
                .direct(PutRecord.self),
                .direct(PutRecords.self),
                .operation(PutResourcePolicy.self),
                .operation(RegisterStreamConsumer.self),
                .operation(RemoveTagsFromStream.self),
                .operation(SplitShard.self),
                .operation(StartStreamEncryption.self),
                .operation(StopStreamEncryption.self),
                .direct(SubscribeToShard.self),
                .operation(TagResource.self),
                .operation(UntagResource.self),
                .operation(UpdateAccountSettings.self),
                .operation(UpdateMaxRecordSize.self),
                .operation(UpdateShardCount.self),
                .operation(UpdateStreamMode.self),
                .operation(UpdateStreamWarmThroughput.self),
            ])
    }

    /// The ARN of a stream of this node.
    /// - Parameter region: the caller's; a node serves them all, and what it keeps names none. The node's own where the caller says none.
    func arn(_ stream: String, _ region: String?) -> String {
        ARN(service: "kinesis", region: region ?? settings.region, account: settings.accountID, resource: "stream/\(stream)")
            .description
    }

    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64 { clock.wallMilliseconds() }

    /// Whether a time lies in the future of the records: past the wall clock and past the log's time, which goes on where the wall clock was set back.
    /// What was told as the arrival of a record never does.
    func isInFuture(_ milliseconds: Int64) async -> Bool {
        if milliseconds <= now { return false }
        // The next record arrives after the settled time, by a millisecond at least.
        let (latest, overflow) = await store.settledTime().addingReportingOverflow(1)
        return !overflow && milliseconds > latest
    }
}
