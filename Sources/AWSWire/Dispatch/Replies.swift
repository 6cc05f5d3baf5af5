/// Answers as far as the AWS protocols look at them, without sockets: the head, a whole body, a body that is made while it is sent.

/// The head of an answer. Content-Length, Date and what browsers are told are the door's to add.
public struct ReplyHead: Sendable {
    /// An HTTP status.
    public var status = 200
    /// Goes out as `x-amzn-RequestId` and `x-amz-id-2`.
    public var id: RequestID
    public var contentType: StaticString?
    /// Goes out as `x-amzn-ErrorType`; nil after success.
    public var error: AWSError.Name?
    /// Whether it answers a call of the protocol rpc-v2-cbor.
    private var isRPC: Bool

    public init(
        status: Int = 200, id: RequestID, contentType: StaticString?, error: AWSError.Name? = nil, isRPC: Bool = false
    ) {
        self.status = status
        self.id = id
        self.contentType = contentType
        self.error = error
        self.isRPC = isRPC
    }

    /// The fields that some protocols have besides: clients of rpc-v2-cbor insist on the first (Smithy RPC v2 CBOR protocol, "Responses"); the second
    /// names an error as the protocol of forms does.
    public var protocolFields: [(name: String, value: String)] {
        guard isRPC || error?.queryCode != nil else { return [] }
        return (isRPC ? [("smithy-protocol", "rpc-v2-cbor")] : [])
            + (error?.queryCode.map { [("x-amzn-query-error", "\($0);Sender")] } ?? [])
    }
}

/// A whole answer.
public struct AWSReply: Sendable {
    public var head: ReplyHead
    public var body: [UInt8]

    public init(_ head: ReplyHead, _ body: [UInt8] = []) {
        self.head = head
        self.body = body
    }

    public var status: Int { head.status }
    /// The error's name, for metrics and logs; nil after success.
    public var error: AWSError.Name? { head.error }
}

/// A body that nobody has in memory: a piece at a time, as fast as the client takes it.
public struct ReplyStream: Sendable {
    /// The next piece; nil at the end. It is asked for when the client has taken the one before. When it throws, the connection is cut, so
    /// that nobody takes what came for the whole.
    public var next: @Sendable () async throws -> [UInt8]?
    /// Is called once or more: the last piece was sent, the client has gone, or it has taken nothing for the stall limit.
    public var close: @Sendable () -> Void
    /// Is called, perhaps more than once, when the node is about to stop: a stream that has no end of its own ends soon. One that has goes on.
    public var hasten: @Sendable () -> Void
    /// How long the client may take nothing; the door's setting unless given.
    public var stallLimit: Duration?
    /// How long the whole may take; what the client has not taken then is cut off, however steadily it takes the rest. Nil: as long as it likes.
    public var longest: Duration?
    /// What is reserved for the stream when it begins, in bytes; the door's own measure unless given. `next` may ask the call's lease for more, and
    /// what a piece takes is reserved until the client has it.
    public var restingMemory: Int?

    public init(
        stallLimit: Duration? = nil, restingMemory: Int? = nil, longest: Duration? = nil,
        next: @escaping @Sendable () async throws -> [UInt8]?,
        close: @escaping @Sendable () -> Void = {}, hasten: @escaping @Sendable () -> Void = {}
    ) {
        self.next = next
        self.close = close
        self.hasten = hasten
        self.stallLimit = stallLimit
        self.restingMemory = restingMemory
        self.longest = longest
    }
}

/// What a head leads to.
public enum AWSAdmission: Sendable {
    /// The answer stands fast; the body need not be read.
    case answer(AWSReply)
    case call(AdmittedCall)
}

extension AWSReply {
    /// The answer when memory for a request is not to be had now.
    public static func overloaded(_ id: RequestID) -> AWSReply { overloaded(.json11, id) }

    /// The answer to who may not call at all.
    public static func accessDenied(_ reason: String, _ id: RequestID) -> AWSReply {
        var reply = AWSReply(error: AWSError(.accessDenied, reason), .json11, id)
        reply.head.status = 403
        return reply
    }

    static func overloaded(_ format: WireFormat, _ id: RequestID) -> AWSReply {
        AWSReply(
            error: AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later."), format, id)
    }

    /// An operation's error.
    init(error: AWSError, _ format: WireFormat, _ id: RequestID) {
        self.init(
            ReplyHead(
                status: error.name.status, id: id, contentType: format.contentType, error: error.name, isRPC: format == .rpcCBOR),
            error.body(format))
    }

    /// The answer to what names no operation at all.
    static func unauthorizable(_ id: RequestID) -> AWSReply {
        xml(403, .accessDenied, "Unable to determine service/operation name to be authorized", id)
    }

    /// The answer to a content type that no protocol here has.
    static func unknownOperationXML(_ id: RequestID) -> AWSReply { xml(404, .unknownOperation, nil, id) }

    /// The answer to plain `application/json`, which AWS reads but has no operations for.
    static func unversionedError(_ id: RequestID) -> AWSReply {
        let body: JSONValue = ["Output": ["__type": "com.amazon.coral.service#UnknownOperationException"], "Version": "1.0"]
        return AWSReply(
            ReplyHead(status: 404, id: id, contentType: "application/json", error: .unknownOperation), body.serialized)
    }

    private static func xml(_ status: Int, _ name: AWSError.Name, _ message: String?, _ id: RequestID) -> AWSReply {
        let type = name.rawValue
        let body = message.map { "<\(type)>\n  <Message>\($0)</Message>\n</\(type)>\n" } ?? "<\(type)/>\n"
        return AWSReply(ReplyHead(status: status, id: id, contentType: nil, error: name), Array(body.utf8))
    }
}
