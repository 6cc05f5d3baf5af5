/// From a body to a request that has passed its rules: the order in which AWS reports what is wrong.

extension WireFormat {
    /// Reads a request: syntax first, then types, then rules.
    /// - Parameter body: needs to be there during the call only.
    /// - Parameter depthLimit: how many arrays and objects may stand inside each other.
    /// - Throws: `.serialization`, `.validation`.
    public func request<Request: WireReadable>(
        _: Request.Type, _ body: UnsafeRawBufferPointer, rules: [Rule<Request>], depthLimit: Int = WireDocument.depthLimit
    ) throws(AWSError) -> Request {
        let document = try parse([UInt8](body), depthLimit: depthLimit)
        let request = try document.withRoot { root throws(AWSError) in
            guard root.kind == .object || root.kind == .array else { throw AWSError(.serialization) }
            return try Request(WireFields(root))
        }
        if let error = rules.error(for: request) { throw error }
        return request
    }

    /// The most bytes that a blob of so many takes in an answer, its quotes or its length included.
    public func blobBound(_ count: Int) -> Int {
        switch self {
        case .json10, .json11: Base64.encodedCount(count) + 2
        case .cbor11, .rpcCBOR: count + CBORHead.mostBytes
        }
    }

    /// Whether bodies are JSON, which `JSONCursor` reads.
    public var isJSON: Bool {
        switch self {
        case .json10, .json11: true
        case .cbor11, .rpcCBOR: false
        }
    }
}

extension Array {
    /// The ValidationException for a request, if it breaks a rule.
    public func error<Request: Sendable>(for request: Request) -> AWSError? where Element == Rule<Request> {
        var violations = Violations()
        for rule in self {
            if violations.isFull { break }
            rule.check(request, &violations)
        }
        return violations.error
    }
}
