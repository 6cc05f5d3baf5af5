/// An operation that answers on the event loop its request came on: no task, no actor, bytes in and bytes out.

import Synchronization

/// The shape of an operation whose calls are many and short. The others are `AWSOperation`s.
///
/// `start` runs on the event loop of the request's connection and must not block it; whatever it begins is ordered as the calls came on that loop.
/// So do `read` and `resources`, right before it, unless the body is so large that the loop could do nothing else for too long: then they run
/// elsewhere.
///
/// ```swift
/// extension PutRecord: DirectOperation {
///     static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ kinesis: Kinesis) throws(AWSError) -> Request { … }
///     static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { [kinesis.resource(request.streamName)] }
///     static func start(_ request: consuming Request, _ kinesis: Kinesis, _ call: DirectCall) {
///         kinesis.store.submit(request.append, at: call.loop) { result in
///             call.succeed(capacity: 256) { buffer in … }      // or call.fail(error), once
///         }
///     }
/// }
/// ```
public protocol DirectOperation: SendableMetatype {
    /// What the operation works on: the service with its store, settings and clock.
    associatedtype Service: Sendable
    /// What `read` made of a body: it owns its bytes.
    associatedtype Request: Sendable

    /// As it stands in X-Amz-Target; the type's name unless stated.
    static var name: String { get }
    /// What the call may fail with, besides InternalFailure and what `read` throws for syntax, types and rules.
    static var errors: [AWSError.Name] { get }
    /// The largest body in bytes. It is checked before the body is read.
    static var memoryBound: Int { get }
    /// How many bytes are reserved for a call whose body has so many; `AWSCall.memoryFactor` for each unless stated. A call that needs more
    /// asks its lease.
    static func memory(forBodyOf bytes: Int) -> Int

    /// Reads and checks a request in the order in which AWS reports faults: syntax, types, rules. The body is there only during the call.
    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ service: Service) throws(AWSError) -> Request
    /// As `read`, if the body is of the plainest form, which is read about as fast as it could be copied, and breaks no rule; nil, after no more time
    /// than that, if it is not.
    static func readPlain(_ body: UnsafeRawBufferPointer, _ format: WireFormat) -> Request?
    /// The resources that a request touches, for policies.
    static func resources(_ request: borrowing Request, _ service: Service) -> [ResourceName]
    /// Begins the work. The call must be answered exactly once, on its loop, during this function or later.
    static func start(_ request: consuming Request, _ service: Service, _ call: DirectCall)
}

extension DirectOperation {
    public static var name: String { String(describing: Self.self) }
    public static func memory(forBodyOf bytes: Int) -> Int { AWSCall.memoryFactor * bytes }
    /// No form is plain.
    public static func readPlain(_ body: UnsafeRawBufferPointer, _ format: WireFormat) -> Request? { nil }
}

/// What a policy speaks of: the part of an ARN after the service's name, and the service.
public struct ResourceName: Hashable, Sendable {
    /// As in ARNs: `kinesis`.
    public var service: String
    /// Such as `stream/orders`; `*` for what touches no single one.
    public var resource: String
    /// What policies must allow, where that is not the operation that was called; such as `GetRecords` where one shows records besides.
    public var operation: String?

    public init(service: String, resource: String, operation: String? = nil) {
        self.operation = operation
        self.service = service
        self.resource = resource
    }

    /// What a request for all of a service's resources touches.
    public static func all(of service: String) -> ResourceName { ResourceName(service: service, resource: "*") }
}

/// The event loop that a call came on. Whoever answers from elsewhere answers through `run`.
///
/// One exists for each loop, so that those who answer many calls at once can tell which belong together.
public final class AnswerLoop: Sendable {
    private let execute: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let isLent: @Sendable () -> Bool

    /// - Parameters:
    ///   - isLent: see `mayCommit`.
    ///   - execute: runs work on the loop, soon and in the order given, or, on its own thread while that is lent, at once.
    public init(
        isLent: @escaping @Sendable () -> Bool = { false }, _ execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.isLent = isLent
        self.execute = execute
    }

    /// Whether the calling thread is the loop's and has nothing else to do before the call it has begun is answered.
    public var mayCommit: Bool { isLent() }

    /// Runs work on the loop, soon, in the order given; at once where `mayCommit` has just said yes.
    public func run(_ work: @escaping @Sendable () -> Void) { execute(work) }
}

/// Takes a call's answer to whoever asked; the door has one for each request. It is called once, on the call's loop.
public protocol ReplySink: AnyObject, Sendable {
    /// An answer of at most `capacity` bytes, which `write` puts into the memory that is sent; it returns how many it wrote.
    func send(_ head: ReplyHead, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int)
    /// An answer that is made while it is sent.
    func send(_ head: ReplyHead, _ stream: ReplyStream)
}

/// One call of a direct operation: what is known of it, and the way of its answer.
public final class DirectCall: Sendable {
    public let id: RequestID
    public let format: WireFormat
    /// The memory that is reserved for the call. The door keeps what the answer takes until the client has it.
    public let memory: MemoryLease
    /// Where the answer must be given.
    public let loop: AnswerLoop
    /// The region that the call was signed for; nil where nothing says so, and for direct operations, whose answers hold no ARNs.
    let region: String?
    private let operationName: String
    private let errors: [AWSError.Name]
    private let sink: any ReplySink
    /// Who makes the call; nil where nobody has to sign.
    private let caller = Mutex<ServedOperation.AuthenticatedCall?>(nil)

    init(
        id: RequestID, format: WireFormat, memory: MemoryLease, loop: AnswerLoop, region: String?, operationName: String,
        errors: [AWSError.Name], sink: any ReplySink
    ) {
        self.id = id
        self.format = format
        self.memory = memory
        self.loop = loop
        self.region = region
        self.operationName = operationName
        self.errors = errors
        self.sink = sink
    }

    func note(_ caller: ServedOperation.AuthenticatedCall?) {
        guard let caller else { return }
        self.caller.withLock { $0 = caller }
    }

    /// Asks whether the caller may touch what only the work has found out, besides what `resources` told.
    /// - Throws: what the caller is told.
    package func authorize(_ resources: [ResourceName]) throws(AWSError) {
        try caller.withLock { $0 }?.authorize(operationName, resources)
    }

    /// Answers with at most `capacity` bytes, written straight into what is sent.
    /// - Parameter write: is called once, during this call, with at least `capacity` bytes of uninitialised memory; returns how many it wrote.
    public func succeed(capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        let head = ReplyHead(id: id, contentType: format.contentType, isRPC: format == .rpcCBOR)
        sink.send(head, capacity: capacity, write: write)
    }

    /// Answers with bytes.
    public func succeed(_ body: [UInt8]) {
        succeed(capacity: body.count) { buffer in
            body.withUnsafeBytes { buffer.copyMemory(from: $0) }
            return body.count
        }
    }

    /// Answers with a body that is made while it is sent.
    /// - Parameter contentType: the format's own unless given.
    public func succeed(_ stream: ReplyStream, contentType: StaticString? = nil) {
        sink.send(ReplyHead(id: id, contentType: contentType ?? format.contentType), stream)
    }

    public func fail(_ error: AWSError) {
        assert(
            errors.contains(error.name) || AWSError.Name.anyOperation.contains(error.name),
            "\(operationName) does not list \(error.name)")
        refuse(error)
    }

    /// Answers with what is whole already, in a format of its own.
    func give(_ reply: AWSReply) { sink.send(reply) }

    /// `fail` for what needs not be listed.
    func refuse(_ error: AWSError) { sink.send(AWSReply(error: error, format, id)) }
}

extension ReplySink {
    /// An answer that is whole already.
    public func send(_ reply: AWSReply) {
        send(reply.head, capacity: reply.body.count) { buffer in
            reply.body.withUnsafeBytes { buffer.copyMemory(from: $0) }
            return reply.body.count
        }
    }
}
