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

        public init(region: String, accountID: String, tokenSecret: [UInt8], streamLimit: Int? = nil) {
            self.region = region
            self.accountID = accountID
            self.tokenSecret = tokenSecret
            self.streamLimit = streamLimit
        }
    }

    let store: any StreamStore
    let clock: any TimeSource
    let settings: Settings
    let tokens: TokenSealer
    let metrics: KinesisMetrics

    public init(store: any StreamStore, clock: any TimeSource, settings: Settings, metrics: MetricsRegistry) {
        self.store = store
        self.clock = clock
        self.settings = settings
        tokens = TokenSealer(secret: settings.tokenSecret)
        self.metrics = KinesisMetrics(metrics)
    }

    /// The service for the dispatcher. A new operation is a file in `Operations/` and a line here.
    public var service: AWSService {
        AWSService(
            prefix: "Kinesis_20131202", serving: self,
            [
                .operation(AddTagsToStream.self),
                .operation(CreateStream.self),
                .operation(DeleteStream.self),
                .operation(DescribeStream.self),
                .operation(DescribeStreamSummary.self),
                .direct(GetRecords.self),
                .operation(GetShardIterator.self),
                .operation(ListShards.self),
                .operation(ListStreams.self),
                .operation(ListTagsForStream.self),
                .operation(MergeShards.self),
                .direct(PutRecord.self),
                .direct(PutRecords.self),
                .operation(RemoveTagsFromStream.self),
                .operation(SplitShard.self),
            ])
    }

    /// The ARN of a stream of this node.
    func arn(_ stream: String) -> String {
        ARN(service: "kinesis", region: settings.region, account: settings.accountID, resource: "stream/\(stream)").description
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
