/// From a request's head to the operation that answers it: the order of checks before a body is read.

/// All services behind one address.
public struct AWSDispatcher: Sendable {
    private let services: [String: AWSService]
    private let identifiers: RequestIdentifiers

    /// - Parameter identifiers: where request ids come from.
    public init(_ services: [AWSService], identifiers: RequestIdentifiers = RequestIdentifiers()) {
        self.services = Dictionary(services.map { ($0.prefix, $0) }) { first, _ in
            preconditionFailure("two services answer to \(first.prefix)")
        }
        self.identifiers = identifiers
    }

    /// Decides by the head alone. Any path will do: AWS does not look at it.
    public func admit(_ head: AWSRequestHead) -> AWSAdmission {
        let requestID = identifiers.requestID()
        if let origin = head.origin, !origin.isEmpty, head.method == "OPTIONS" { return .answer(preflight(head, requestID)) }
        let reply = ReplyBuilder(
            requestID: requestID, extendedID: identifiers.extendedID(), isCrossOrigin: head.origin.map { !$0.isEmpty } ?? false)
        guard head.method == "POST" else { return .answer(reply.unauthorizable()) }
        let operation = operation(head.target)
        let mediaType = WireFormat.mediaType(head.contentType ?? "")
        let format = WireFormat(contentType: mediaType)
        if head.bodyLength == 0 {
            let error = AWSError(operation == nil ? .unknownOperation : .serialization)
            return .answer(format.map { reply.error(error, $0) } ?? reply.cborError(error.name))
        }
        guard let format else {
            switch mediaType {
            case "application/x-amz-cbor-1.1": return .answer(reply.cborError(.unknownOperation))
            case "application/json": return .answer(reply.unversionedError())
            default: return .answer(head.target == nil ? reply.unauthorizable() : reply.unknownOperationXML())
            }
        }
        guard let operation else { return .answer(reply.error(AWSError(.unknownOperation), format)) }
        return .call(
            AdmittedCall(
                operation: operation, format: format, credential: head.authorization.flatMap { CredentialScope(authorization: $0) },
                reply: reply))
    }

    private func operation(_ target: String?) -> ServedOperation? {
        guard let parts = target?.split(separator: ".", omittingEmptySubsequences: false), parts.count == 2 else { return nil }
        return services[String(parts[0])]?.operations[String(parts[1])]
    }

    private func preflight(_ head: AWSRequestHead, _ requestID: String) -> AWSReply {
        var headers = [AWSReply.Header("x-amzn-RequestId", requestID), AWSReply.Header("Access-Control-Allow-Origin", "*")]
        if let names = head.requestedHeaders { headers.append(.init("Access-Control-Allow-Headers", names)) }
        if let method = head.requestedMethod { headers.append(.init("Access-Control-Allow-Methods", method)) }
        headers.append(.init("Access-Control-Max-Age", "172800"))
        return AWSReply(status: 200, headers: headers)
    }
}

/// A request whose operation is known and whose body may now be read.
public struct AdmittedCall: Sendable {
    private let operation: ServedOperation
    private let format: WireFormat
    private let credential: CredentialScope?
    private let reply: ReplyBuilder

    init(operation: ServedOperation, format: WireFormat, credential: CredentialScope?, reply: ReplyBuilder) {
        self.operation = operation
        self.format = format
        self.credential = credential
        self.reply = reply
    }

    /// Such as `PutRecords`.
    public var operationName: String { operation.name }
    /// The longest body to read, in bytes.
    public var memoryBound: Int { operation.memoryBound }

    /// The operation's answer to a body.
    public func answer(_ body: [UInt8], memory: MemoryLease) async -> AWSReply {
        guard body.count <= memoryBound else { return tooLarge() }
        do throws(AWSError) {
            let call = AWSCall(requestID: reply.requestID, credential: credential, memory: memory)
            return reply.success(try await operation.answer(body, format, call), format)
        } catch {
            return reply.error(error, format)
        }
    }

    /// The answer to a body longer than `memoryBound`.
    public func tooLarge() -> AWSReply {
        reply.error(
            AWSError(.requestTooLarge, "Request body is longer than the \(memoryBound) bytes that \(operationName) takes."), format)
    }

    /// The answer when memory for the call is not to be had now.
    public func overloaded() -> AWSReply {
        reply.error(AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later."), format)
    }
}
