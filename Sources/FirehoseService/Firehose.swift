/// The Firehose API over the delivery streams of a node: settings, and the table of its operations.

public import AWSWire
public import Delivery
public import Host
public import NodeMetrics
import StreamStore

/// Firehose_20150804 on one `DeliveryManager`.
public struct Firehose: Sendable {
    /// What the service needs to know of its node.
    public struct Settings: Sendable {
        /// As in `us-east-1`; stands in ARNs.
        public var region: String
        /// Twelve digits; stands in ARNs and messages.
        public var accountID: String
        /// How many delivery streams may exist; CreateDeliveryStream is refused beyond it. Nil is no limit.
        public var deliveryStreamLimit: Int?

        public init(region: String, accountID: String, deliveryStreamLimit: Int? = nil) {
            self.region = region
            self.accountID = accountID
            self.deliveryStreamLimit = deliveryStreamLimit
        }
    }

    let delivery: DeliveryManager
    let clock: any TimeSource
    let settings: Settings
    let history: MetricHistory

    /// - Parameter history: where puts are counted; one of its own unless given.
    public init(
        delivery: DeliveryManager, clock: any TimeSource, settings: Settings, history: MetricHistory = MetricHistory()
    ) {
        self.history = history
        self.delivery = delivery
        self.clock = clock
        self.settings = settings
    }

    /// The service for the dispatcher. A new operation is a file in `Operations/` and a line here.
    public var service: AWSService {
        AWSService(
            prefix: "Firehose_20150804", serving: self,
            [
                .operation(CreateDeliveryStream.self),
                .operation(DeleteDeliveryStream.self),
                .operation(DescribeDeliveryStream.self),
                .operation(ListDeliveryStreams.self),
                .operation(ListTagsForDeliveryStream.self),
                .operation(PutRecord.self),
                .operation(PutRecordBatch.self),
                .operation(StartDeliveryStreamEncryption.self),
                .operation(StopDeliveryStreamEncryption.self),
                .operation(TagDeliveryStream.self),
                .operation(UntagDeliveryStream.self),
                .operation(UpdateDestination.self),
            ])
    }

    /// The ARN of a delivery stream of this node.
    func arn(_ name: String) -> String {
        ARN(service: "firehose", region: settings.region, account: settings.accountID, resource: "deliverystream/\(name)")
            .description
    }

    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64 { clock.wallMilliseconds() }

    /// Changes a delivery stream's definition, durably.
    func change(
        _ name: String, version: Int64? = nil, _ change: @Sendable (inout DeliveryStreamDefinition) -> Void
    ) async throws(AWSError) {
        do throws(DeliveryError) { try await delivery.change(name, version: version, change) } catch { throw awsError(error) }
    }

    /// What a delivery stream is.
    func definition(_ name: String) throws(AWSError) -> DeliveryStreamDefinition {
        do throws(DeliveryError) { return try delivery.describe(name).definition } catch { throw awsError(error) }
    }

    /// A delivery stream's only destination (Firehose API, DestinationId).
    static let destinationID = "destinationId-000000000001"

    /// What the manager's refusals are in the words of the Firehose API.
    func awsError(_ error: DeliveryError) -> AWSError {
        let account = settings.accountID
        return switch error {
        case .notFound(let name): AWSError(.resourceNotFound, "Firehose \(name) under account \(account) not found.")
        case .exists(let name): AWSError(.resourceInUse, "Firehose \(name) under accountId \(account) already exists")
        case .busy(let name):
            AWSError(.resourceInUse, "Firehose \(name) under account \(account) not ACTIVE, instead in state DELETING")
        case .sourceNotFound(let stream): AWSError(.invalidArgument, "Stream \(stream) under account \(account) not found.")
        case .notDirectPut:
            AWSError(.invalidArgument, "This operation is not permitted on KinesisStreamAsSource delivery stream type.")
        case .changing(let name):
            AWSError(.resourceInUse, "Firehose \(name) under account \(account) is being changed by another call. Try again.")
        case .wrongVersion(let name, let given, let current):
            AWSError(
                .concurrentModification,
                "Cannot update firehose: \(name) since the current version id: \(current) and specified version id: \(given) do not match"
            )
        case .unreadable(let name):
            AWSError(
                .internalFailure,
                "The stored definition of Firehose \(name) under account \(account) cannot be read. Its records are kept; "
                    + "DeleteDeliveryStream removes both.")
        case .taken(let name):
            AWSError(
                .resourceInUse,
                "There are undelivered records of an earlier Firehose \(name) under account \(account), whose definition is gone or cannot be read. "
                    + "DeleteDeliveryStream removes them.")
        case .unknownFormat(let format): AWSError(.internalFailure, "\(format)")
        case .name(let error): AWSError(.invalidArgument, "\(error.field) '\(error.value)' is not valid: \(error.rule).")
        case .store(.overloaded): AWSError(.serviceUnavailable, "Slow down.")
        case .store(.readOnly(let reason)): AWSError(.serviceUnavailable, "The node takes no records: \(reason)")
        case .store(let error): AWSError(.internalFailure, "\(error)")
        }
    }
}
