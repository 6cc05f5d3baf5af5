/// HTTP requests and answers as far as the AWS protocols look at them, without sockets.

/// The head of a request.
public struct AWSRequestHead: Sendable {
    public var method: String
    /// Path and query, as sent.
    public var path: String
    /// Content-Type.
    public var contentType: String?
    /// X-Amz-Target.
    public var target: String?
    /// Authorization.
    public var authorization: String?
    /// Origin.
    public var origin: String?
    /// Access-Control-Request-Headers.
    public var requestedHeaders: String?
    /// Access-Control-Request-Method.
    public var requestedMethod: String?
    /// Content-Length; nil when the body's end shows only when it comes.
    public var bodyLength: Int?

    public init(
        method: String, path: String = "/", contentType: String? = nil, target: String? = nil, authorization: String? = nil,
        origin: String? = nil, requestedHeaders: String? = nil, requestedMethod: String? = nil, bodyLength: Int? = nil
    ) {
        self.method = method
        self.path = path
        self.contentType = contentType
        self.target = target
        self.authorization = authorization
        self.origin = origin
        self.requestedHeaders = requestedHeaders
        self.requestedMethod = requestedMethod
        self.bodyLength = bodyLength
    }
}

/// An answer. Content-Length and Date are the door's to add.
public struct AWSReply: Sendable {
    public var status: Int
    public var headers: [Header]
    public var body: [UInt8]
    /// The error's name, for metrics and logs; nil after success.
    public var error: AWSError.Name?

    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(status: Int, headers: [Header], body: [UInt8] = [], error: AWSError.Name? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.error = error
    }
}

/// What a head leads to.
public enum AWSAdmission: Sendable {
    /// The answer stands fast; the body need not be read.
    case answer(AWSReply)
    case call(AdmittedCall)
}
