/// A service: its target prefix and the table of its operations.

/// An AWS API with all that its operations need, ready to be served.
///
/// ```swift
/// AWSService(prefix: "Kinesis_20131202", serving: kinesis, [.operation(CreateStream.self), .operation(DeleteStream.self)])
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
        OperationEntry(name: Operation.name) { service in
            ServedOperation(name: Operation.name, memoryBound: Operation.memoryBound) { body, format, call throws(AWSError) in
                try await ServedOperation.answer(Operation.self, body, format, service, call)
            }
        }
    }
}

/// An operation with its service: bytes in, bytes out.
struct ServedOperation: Sendable {
    let name: String
    let memoryBound: Int
    let answer: @Sendable ([UInt8], WireFormat, AWSCall) async throws(AWSError) -> [UInt8]

    /// The order of checks: syntax, types, rules, then the work.
    static func answer<Operation: AWSOperation>(
        _: Operation.Type, _ body: [UInt8], _ format: WireFormat, _ service: Operation.Service, _ call: AWSCall
    ) async throws(AWSError) -> [UInt8] {
        let request = try request(Operation.Request.self, body, format)
        var violations = Violations()
        for rule in Operation.rules {
            if violations.isFull { break }
            rule.check(request, &violations)
        }
        if let error = violations.error { throw error }
        do throws(AWSError) {
            let response = try await Operation.run(request, service, call)
            var writer = WireWriter(format)
            try response.write(to: &writer)
            return writer.bytes
        } catch {
            assert(
                Operation.errors.contains(error.name) || AWSError.Name.anyOperation.contains(error.name),
                "\(Operation.name) does not list \(error.name)")
            throw error
        }
    }

    private static func request<Request: WireReadable>(
        _: Request.Type, _ body: [UInt8], _ format: WireFormat
    ) throws(AWSError) -> Request {
        let document: WireDocument
        do throws(JSONError) {
            document = try format.parse(body)
        } catch {
            throw AWSError(.serialization)
        }
        return try document.withRoot { root throws(AWSError) in
            guard root.kind == .object || root.kind == .array else { throw AWSError(.serialization) }
            return try Request(WireFields(root))
        }
    }
}
