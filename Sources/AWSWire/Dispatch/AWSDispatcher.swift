/// From a request's head to the operation that answers it: the order of checks before a body is read.

/// All services behind one address.
public struct AWSDispatcher: Sendable {
    private let operations: OperationTable
    private let queries: ServedOperation?
    private let identifiers: RequestIdentifiers
    private let policy: (any CallPolicy)?
    private let faults: FaultInjection?

    /// - Parameters:
    ///   - queries: the services that are called with forms instead of JSON.
    ///   - identifiers: where request ids come from.
    ///   - policy: asked about every call; without one all are allowed.
    ///   - faults: what is to go wrong; nothing unless given.
    public init(
        _ services: [AWSService], queries: [QueryService] = [], identifiers: RequestIdentifiers = RequestIdentifiers(),
        policy: (any CallPolicy)? = nil, faults: FaultInjection? = nil
    ) {
        operations = OperationTable(services)
        self.queries = queries.isEmpty ? nil : ServedOperation(queries)
        self.identifiers = identifiers
        self.policy = policy
        self.faults = faults
    }

    /// Whether somebody decides who may call.
    package var isPoliced: Bool { policy != nil }

    /// A name for a request that the dispatcher does not see.
    public func requestID() -> RequestID { identifiers.next() }

    /// Decides by the head alone. Any path will do: AWS does not look at it.
    public func admit(_ head: RequestHead) -> AWSAdmission {
        let id = identifiers.next()
        guard head.method == .post else { return .answer(.unauthorizable(id)) }
        let operation = head.withBytes(of: .amzTarget) { operations[$0] } ?? nil
        guard let operation, head.bodyLength != 0, let format = format(of: head) else {
            if let queries, isQuery(head) { return .call(call(queries, .json11, head, id)) }
            if let operation = remoteProcedure(head) { return .call(call(operation, .rpcCBOR, head, id)) }
            return .answer(refusal(head, isKnown: operation != nil, id))
        }
        return .call(call(operation, format, head, id))
    }

    private func call(_ operation: ServedOperation, _ format: WireFormat, _ head: RequestHead, _ id: RequestID) -> AdmittedCall {
        AdmittedCall(
            operation: operation, format: format, id: id, region: operation.wantsRegion ? head.signedRegion : nil,
            policed: policy.map { ($0, head) }, faults: faults,
            chunks: ChunkedPayload.Form(head).map { ($0, head.value("x-amz-decoded-content-length").map { Int($0) ?? -1 }) })
    }

    /// Whether the body is a form, which is how the older services are called; `ServedOperation` finds the action in it.
    private func isQuery(_ head: RequestHead) -> Bool {
        !head.has(.amzTarget) && head.bodyLength != 0
            && WireFormat.mediaType(head[.contentType] ?? "") == "application/x-www-form-urlencoded"
    }

    /// The operation that the path names, where the call is one of rpc-v2-cbor: `/service/GraniteServiceVersion20100801/operation/ListMetrics`
    /// (Smithy RPC v2 CBOR protocol, "Requests").
    private func remoteProcedure(_ head: RequestHead) -> ServedOperation? {
        guard !head.has(.amzTarget), head.bodyLength != 0,
            WireFormat.mediaType(head[.contentType] ?? "") == "application/cbor"
        else { return nil }
        let parts = head.path.split(separator: "/").suffix(4)
        guard parts.count == 4, let service = parts.dropFirst().first, let name = parts.last,
            parts.first == "service", parts.dropFirst(2).first == "operation"
        else { return nil }
        return Array("\(service).\(name)".utf8).withUnsafeBytes { operations[$0] }
    }

    private func format(of head: RequestHead) -> WireFormat? {
        head.withBytes(of: .contentType) { type in
            type.equals("application/x-amz-json-1.1") ? .json11 : WireFormat(contentType: String(decoding: type, as: UTF8.self))
        } ?? nil
    }

    private func refusal(_ head: RequestHead, isKnown: Bool, _ id: RequestID) -> AWSReply {
        let mediaType = WireFormat.mediaType(head[.contentType] ?? "")
        let format = WireFormat(contentType: mediaType)
        if head.bodyLength == 0 {
            let error = AWSError(isKnown ? .serialization : .unknownOperation)
            return AWSReply(error: error, format ?? .cbor11, id)
        }
        if let format { return AWSReply(error: AWSError(.unknownOperation), format, id) }
        return switch mediaType {
        case "application/json": .unversionedError(id)
        default: head.has(.amzTarget) ? .unknownOperationXML(id) : .unauthorizable(id)
        }
    }
}

/// The one place where signatures and policies are checked.
public protocol CallPolicy: Sendable {
    /// Who makes a call: asked before its body is understood.
    /// - Parameter body: as sent.
    /// - Throws: what the caller is told.
    func authenticate(_ head: RequestHead, _ body: UnsafeRawBufferPointer) throws(AWSError) -> AuthenticatedCaller
    /// Whether the call may be made: asked before its work begins.
    /// - Throws: what the caller is told.
    func authorize(_ action: CallAction) throws(AWSError)
}

/// What a policy decides about.
public struct CallAction {
    /// All that was sent before the body.
    public var head: RequestHead
    public var caller: AuthenticatedCaller?
    /// Such as `PutRecord`.
    public var operation: String
    /// What the operation is about to touch.
    public var resources: [ResourceName]

    package init(head: RequestHead, caller: AuthenticatedCaller?, operation: String, resources: [ResourceName]) {
        (self.head, self.caller, self.operation, self.resources) = (head, caller, operation, resources)
    }
}

/// A request whose operation is known and whose body may now be read.
public struct AdmittedCall: Sendable {
    private let operation: ServedOperation
    private let format: WireFormat
    private let id: RequestID
    private let region: String?
    /// Only where there is a policy is the head kept.
    private var policed: (policy: any CallPolicy, head: RequestHead)?
    private let faults: FaultInjection?
    /// Where the body comes in signed pieces, and how much they are together.
    private let chunks: (form: ChunkedPayload.Form, length: Int?)?

    init(
        operation: ServedOperation, format: WireFormat, id: RequestID, region: String?,
        policed: (any CallPolicy, RequestHead)?, faults: FaultInjection?, chunks: (ChunkedPayload.Form, Int?)?
    ) {
        self.chunks = chunks
        self.operation = operation
        self.format = format
        self.id = id
        self.region = region
        self.faults = faults
        self.policed = policed
    }

    /// Such as `PutRecords`.
    public var operationName: String { operation.name }
    /// The longest body to read, in bytes.
    public var memoryBound: Int { operation.memoryBound }
    /// How many bytes to reserve for a body of so many, the body included.
    public func memory(forBodyOf bytes: Int) -> Int { operation.memory(bytes) }

    /// Notes a body as it was sent, where another one is given to the call: signatures are over the one that was sent.
    package func noting(sent body: UnsafeRawBufferPointer) -> AdmittedCall {
        guard policed != nil else { return self }
        var call = self
        call.policed?.head.sentDigest = SHA256.digest(body)
        return call
    }

    /// Begins the call; the answer goes to `sink`, on `loop`. It must be called there.
    /// - Parameter body: is there only during the call.
    public func start(_ body: UnsafeRawBufferPointer, memory: MemoryLease, loop: AnswerLoop, sink: any ReplySink) {
        guard body.count <= memoryBound else { return sink.send(tooLarge()) }
        let call = directCall(memory, loop, sink)
        guard chunks != nil else { return operation.start(body, call, policing) }
        do throws(AWSError) {
            let whole = try joined(body)
            whole.bytes.withUnsafeBytes { operation.start($0, call, whole.policing) }
        } catch {
            call.refuse(error)
        }
    }

    /// A body that came in pieces, put together.
    private func joined(
        _ body: UnsafeRawBufferPointer
    ) throws(AWSError) -> (bytes: [UInt8], policing: ServedOperation.Policed?) {
        guard let chunks else { return ([UInt8](body), policing) }
        let payload = try ChunkedPayload(body, chunks.form, length: chunks.length)
        var policing = policing
        policing?.head.seal = payload.seal
        return (payload.bytes, policing)
    }

    /// The longest body that is read on an event loop whatever is in it, in bytes, and the longest that is where it is of a plain form. To read a
    /// strange one takes some 10 ns a byte, a plain one less than 1.
    private static let (anyAtOnce, plainAtOnce) = (64 << 10, 1 << 20)

    /// As `start`, if the body can be read so soon that nobody on the loop has to wait for it; if not, it returns false with nothing done, and `prepare`
    /// is for it.
    public func startAtOnce(
        _ body: UnsafeRawBufferPointer, memory: MemoryLease, loop: AnswerLoop, sink: any ReplySink
    ) -> Bool {
        if let fault = faults?.strike(operation.name) {
            suffer(fault, body, memory: memory, loop: loop, sink: sink)
            return true
        }
        if body.count <= Self.anyAtOnce {
            start(body, memory: memory, loop: loop, sink: sink)
            return true
        }
        guard chunks == nil, body.count <= min(Self.plainAtOnce, memoryBound) else { return false }
        return operation.startPlain(body, directCall(memory, loop, sink), policing)
    }

    /// Goes wrong as was asked for.
    private func suffer(
        _ fault: FaultInjection.Fault, _ body: UnsafeRawBufferPointer, memory: MemoryLease, loop: AnswerLoop, sink: any ReplySink
    ) {
        switch fault {
        case .error(let name):
            directCall(memory, loop, sink).refuse(AWSError(name, "This fault was asked for (inject)."))
        case .delay(let time):
            let body = [UInt8](body)
            Task {
                try? await Task.sleep(for: time)
                loop.run { body.withUnsafeBytes { start($0, memory: memory, loop: loop, sink: sink) } }
            }
        }
    }

    /// Reads a body, on any thread.
    /// - Parameter body: is there only during the call.
    /// - Returns: what begins the call; it must be called, on `loop`.
    public func prepare(
        _ body: UnsafeRawBufferPointer, memory: MemoryLease, loop: AnswerLoop, sink: any ReplySink
    ) -> @Sendable () -> Void {
        guard body.count <= memoryBound else { return { sink.send(tooLarge()) } }
        let call = directCall(memory, loop, sink)
        guard chunks != nil else { return operation.prepare(body, call, policing) }
        do throws(AWSError) {
            let whole = try joined(body)
            return whole.bytes.withUnsafeBytes { operation.prepare($0, call, whole.policing) }
        } catch {
            return { call.refuse(error) }
        }
    }

    private func directCall(_ memory: MemoryLease, _ loop: AnswerLoop, _ sink: any ReplySink) -> DirectCall {
        DirectCall(
            id: id, format: format, memory: memory, loop: loop, region: region, operationName: operation.name,
            errors: operation.errors, sink: sink)
    }

    private var policing: ServedOperation.Policed? {
        policed.map { ServedOperation.Policed(policy: $0.policy, head: $0.head) }
    }

    /// The operation's answer to a body, for those without an event loop. A stream's pieces are put together.
    public func answer(_ body: [UInt8], memory: MemoryLease) async -> AWSReply {
        let collected = await withCheckedContinuation { continuation in
            body.withUnsafeBytes { body in
                start(body, memory: memory, loop: AnswerLoop { $0() }, sink: ReplyCollector { continuation.resume(returning: $0) })
            }
        }
        var reply = collected.reply
        guard let stream = collected.stream else { return reply }
        while let piece = try? await stream.next() { reply.body += piece }
        stream.close()
        return reply
    }

    /// The answer to a body longer than `memoryBound`.
    public func tooLarge() -> AWSReply {
        AWSReply(
            error: AWSError(.requestTooLarge, "Request body is longer than the \(memoryBound) bytes that \(operationName) takes."),
            format, id)
    }

    /// The answer to a body that cannot be read at all.
    public func unreadable(_ reason: String) -> AWSReply { AWSReply(error: AWSError(.serialization, reason), format, id) }

    /// The answer when memory for the call is not to be had now.
    public func overloaded() -> AWSReply { .overloaded(format, id) }
}

/// Hands an answer on as a value.
private final class ReplyCollector: ReplySink {
    private let done: @Sendable ((reply: AWSReply, stream: ReplyStream?)) -> Void

    init(_ done: @escaping @Sendable ((reply: AWSReply, stream: ReplyStream?)) -> Void) { self.done = done }

    func send(_ head: ReplyHead, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int) {
        let body = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = write(UnsafeMutableRawBufferPointer(buffer))
        }
        done((AWSReply(head, body), nil))
    }

    func send(_ head: ReplyHead, _ stream: ReplyStream) { done((AWSReply(head), stream)) }
}
