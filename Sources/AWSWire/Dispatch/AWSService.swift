/// A service: its target prefix and the table of its operations.

/// An AWS API with all that its operations need, ready to be served.
///
/// ```swift
/// AWSService(prefix: "Kinesis_20131202", serving: kinesis, [.operation(CreateStream.self), .direct(PutRecord.self)])
/// ```
public struct AWSService: Sendable {
    /// What stands before the dot in X-Amz-Target.
    public let prefix: String
    let operations: [String: ServedOperation]

    /// - Parameters:
    ///   - service: what the operations work on.
    ///   - operations: the table; a line each.
    public init<Service: Sendable>(prefix: String, serving service: Service, _ operations: [OperationEntry<Service>]) {
        self.prefix = prefix
        self.operations = Dictionary(operations.map { ($0.name, $0.bind(service)) }) { first, _ in
            preconditionFailure("operation \(first.name) stands in the table twice")
        }
    }

    /// The names of the operations, sorted.
    public var operationNames: [String] { operations.keys.sorted() }
}

/// A line of a service's table.
public struct OperationEntry<Service: Sendable>: Sendable {
    let name: String
    let bind: @Sendable (Service) -> ServedOperation

    /// The line of an operation.
    public static func operation<Operation: AWSOperation>(_: Operation.Type) -> OperationEntry
    where Operation.Service == Service {
        OperationEntry(name: Operation.name) { service in ServedOperation(Operation.self, service) }
    }

    /// The line of an operation that answers on the event loop.
    public static func direct<Operation: DirectOperation>(_: Operation.Type) -> OperationEntry where Operation.Service == Service {
        OperationEntry(name: Operation.name) { service in ServedOperation(direct: Operation.self, service) }
    }

    /// The line of an operation that is known and not served.
    /// - Parameter service: as policies name it.
    public static func refused(_ name: String, of service: String, _ error: AWSError) -> OperationEntry {
        OperationEntry(name: name) { _ in ServedOperation(refusing: name, of: service, error) }
    }
}
