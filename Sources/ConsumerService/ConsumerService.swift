/// Named consumers over HTTP: the table of their operations, and what they share.

public import AWSWire
public import Consumers
import LatestValues
import StreamStore

/// Operations of Millrace's own on one node's named consumers. They are called as Kinesis's are, in JSON or CBOR, and policies name them
/// `kinesis:RenewLeases` and so on, on streams.
public struct ConsumerService: Sendable {
    let consumers: NamedConsumers

    public init(consumers: NamedConsumers) { self.consumers = consumers }

    /// The service for the dispatcher. A new operation is a file in `Operations/` and a line here.
    public var service: AWSService {
        AWSService(
            prefix: "Millrace_20261130", serving: self,
            [
                .operation(CheckpointLeases.self),
                .operation(DeleteNamedConsumer.self),
                .operation(DescribeNamedConsumer.self),
                .operation(KickMember.self),
                .operation(LeaveConsumer.self),
                .operation(ListNamedConsumers.self),
                .operation(RenewLeases.self),
                .operation(ResetNamedConsumer.self),
            ])
    }

    /// Runs work on the consumers; what it throws becomes what a caller is told.
    func call<Result>(_ work: () async throws(ConsumerError) -> Result) async throws(AWSError) -> Result {
        do throws(ConsumerError) { return try await work() } catch { throw Self.awsError(error) }
    }

    static func stream(_ name: String) -> ResourceName { ResourceName(service: "kinesis", resource: "stream/\(name)") }

    static func awsError(_ error: ConsumerError) -> AWSError {
        switch error {
        case .consumerNotFound(let name): AWSError(.resourceNotFound, "Consumer \(name) not found.")
        case .memberNotFound(let name): AWSError(.resourceNotFound, "Member \(name) not found.")
        case .leaseLost(let shard, let member, let epoch, let owner, let current):
            AWSError(
                .leaseLost,
                "Member \(member) does not hold \(shard) under epoch \(epoch)"
                    + (owner.map { ": \($0) has it under epoch \(current)." } ?? ", and nobody does now."))
        case .kicked(let member): AWSError(.leaseLost, "Member \(member) was sent away by an operator.")
        case .inUse(let name, let members):
            AWSError(
                .resourceInUse, "Consumer \(name) has members: \(members). Stop them, or wait until their leases have run out.")
        case .invalid(let reason): AWSError(.invalidArgument, reason)
        case .limitExceeded(let reason): AWSError(.limitExceeded, reason)
        case .unknownFormat(let found, let known):
            AWSError(.internalFailure, "The table of consumers has format \(found); this build knows \(known).")
        case .table(.store(let error)), .store(let error): awsError(error)
        case .table(.overloaded): AWSError(.throttling, "Too many checkpoints wait to be written. Try again.")
        case .table(let error): AWSError(.internalFailure, "\(error)")
        }
    }

    private static func awsError(_ error: StoreError) -> AWSError {
        switch error {
        case .streamNotFound(let key): AWSError(.resourceNotFound, "Stream \(key.name) not found.")
        case .shardNotFound(let shard): AWSError(.resourceNotFound, "\(shard.shard) does not exist.")
        case .streamBusy(let key, let status): AWSError(.resourceInUse, "Stream \(key.name) is \(status.rawValue).")
        case .overloaded: AWSError(.throttling, "Memory for pending appends is used up. Try again.")
        case .readOnly(let reason): AWSError(.serviceUnavailable, "The node takes no records: \(reason)")
        case .shardClosed: AWSError(.serviceUnavailable, "A stream was resharded meanwhile. Try again.")
        default: AWSError(.internalFailure, "\(error)")
        }
    }
}
