/// The shape of one API operation: request, rules, errors, memory bound, work. One file each.

/// An operation of an AWS API.
///
/// ```swift
/// /// DeleteStream: removes a stream and its records.
/// enum DeleteStream: AWSOperation {
///     struct Request: WireReadable {
///         var streamName: String?
///         init(_ fields: WireFields) throws(AWSError) { streamName = try fields.string("StreamName") }
///     }
///     static let rules: [Rule<Request>] = [.member("streamName", \.streamName, .notNull, .pattern(.name))]
///     static let errors: [AWSError.Name] = [.resourceNotFound]
///     static let memoryBound = 16 << 10
///     static func run(_ request: Request, _ service: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing { … }
/// }
/// ```
public protocol AWSOperation: SendableMetatype {
    /// What the operation works on: the service with its store, settings and clock.
    associatedtype Service: Sendable
    /// Its initialiser throws SerializationException only.
    associatedtype Request: WireReadable
    associatedtype Response: AWSResponse

    /// As it stands in X-Amz-Target; the type's name unless stated.
    static var name: String { get }
    /// What makes a ValidationException, in the order in which AWS reports it.
    static var rules: [Rule<Request>] { get }
    /// What `run` may throw, besides InternalFailure and what the rules and the request's types give.
    static var errors: [AWSError.Name] { get }
    /// The largest body in bytes. It is checked before the body is read, and `AWSCall.memoryFactor` times the body's length is
    /// reserved; an operation whose answer is larger than that asks its call's lease for more.
    static var memoryBound: Int { get }
    /// How many arrays and objects of a body may stand inside each other; `WireDocument.depthLimit` unless stated.
    static var depthLimit: Int { get }
    /// The resources that a request touches, for policies. The request has passed the rules.
    static func resources(_ request: Request, _ service: Service) -> [ResourceName]
    /// Does the work. The request has passed the rules.
    static func run(_ request: Request, _ service: Service, _ call: AWSCall) async throws(AWSError) -> Response
}

extension AWSOperation {
    public static var name: String { String(describing: Self.self) }
    public static var depthLimit: Int { WireDocument.depthLimit }
}

/// What an operation answers with.
public protocol AWSResponse: Sendable {
    /// Writes the answer's object. Whatever was written before an error is dropped.
    func write(to writer: inout WireWriter) throws(AWSError)
}

/// The answer of a void operation of Kinesis: no body at all.
public struct Nothing: AWSResponse {
    public init() {}
    public func write(to writer: inout WireWriter) {}
}

/// The answer of a void operation of Firehose and Kinesis Analytics: `{}`.
public struct EmptyObject: AWSResponse {
    public init() {}
    public func write(to writer: inout WireWriter) { writer.object { _ in } }
}

/// One call of an operation.
public struct AWSCall: Sendable {
    /// Memory that is reserved for each byte of a body: the body itself, its tape (eight bytes for as little as two of a body
    /// that is all commas), and what the operation makes of it.
    public static let memoryFactor = 6

    public var id: RequestID
    /// The memory that is reserved for the call.
    public var memory: MemoryLease
    /// The region that the call was signed for, which is the client's own; nil where nothing says so.
    public var region: String?

    public init(id: RequestID, memory: MemoryLease, region: String? = nil) {
        self.id = id
        self.memory = memory
        self.region = region
    }
}
