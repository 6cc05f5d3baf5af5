/// Services of the AWS Query protocol: a form in, XML out.

/// An AWS API of the Query protocol, with the table of its actions.
public struct QueryService: Sendable {
    /// What an action answers with: the inside of its `...Result` element, as XML.
    public typealias Action = @Sendable (FormParameters) throws(AWSError) -> String

    /// As policies name it: `sts`.
    let name: String
    /// Such as `2011-06-15`; it is what tells one service's actions from another's.
    let version: String
    /// Such as `https://sts.amazonaws.com/doc/2011-06-15/`.
    let namespace: String
    let actions: [String: Action]

    public init(name: String, version: String, namespace: String, actions: [String: Action]) {
        self.name = name
        self.version = version
        self.namespace = namespace
        self.actions = actions
    }

    fileprivate func answer(_ action: String, _ result: String, _ id: RequestID) -> AWSReply {
        Self.reply(
            200,
            """
            <\(action)Response xmlns="\(namespace)">
              <\(action)Result>\(result)</\(action)Result>
              <ResponseMetadata><RequestId>\(id.text)</RequestId></ResponseMetadata>
            </\(action)Response>

            """, id)
    }

    fileprivate static func refusal(_ error: AWSError, code: String? = nil, namespace: String, _ id: RequestID) -> AWSReply {
        reply(
            error.name.formsStatus,
            """
            <ErrorResponse xmlns="\(namespace)">
              <Error><Type>Sender</Type><Code>\(code ?? error.name.formsCode)</Code><Message>\(XMLText.escaped(error.message ?? ""))</Message></Error>
              <RequestId>\(id.text)</RequestId>
            </ErrorResponse>

            """, id, error.name)
    }

    private static func reply(_ status: Int, _ body: String, _ id: RequestID, _ error: AWSError.Name? = nil) -> AWSReply {
        AWSReply(ReplyHead(status: status, id: id, contentType: "text/xml", error: error), Array(body.utf8))
    }
}

/// Text inside XML elements.
public enum XMLText {
    /// With `&`, `<` and `>` as entities; control characters, which XML cannot hold, become question marks.
    public static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value): escaped += "?"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension ServedOperation {
    /// The one entry for all services of the Query protocol: which action is meant stands in the body.
    init(_ services: [QueryService]) {
        name = "Query"
        errors = []
        memoryBound = 64 << 10
        memory = { AWSCall.memoryFactor * $0 }
        wantsRegion = false
        let prepare: @Sendable (UnsafeRawBufferPointer, DirectCall, Policed?) -> @Sendable () -> Void = { body, call, policed in
            let reply = Self.answer(services, body, policed, call.id)
            return { call.give(reply) }
        }
        self.prepare = prepare
        start = { body, call, policed in prepare(body, call, policed)() }
        startPlain = { _, _, _ in false }
    }

    private static func answer(
        _ services: [QueryService], _ body: UnsafeRawBufferPointer, _ policed: Policed?, _ id: RequestID
    ) -> AWSReply {
        guard let parameters = FormParameters(body), let name = parameters["Action"] else {
            return QueryService.refusal(
                AWSError(.validation, "The request has no Action."), code: "MissingAction", namespace: "", id)
        }
        let version = parameters["Version"] ?? ""
        guard let service = services.first(where: { $0.version == version }), let action = service.actions[name] else {
            return QueryService.refusal(
                AWSError(.unknownOperation, "Could not find operation \(name) for version \(version)"), code: "InvalidAction",
                namespace: services.first?.namespace ?? "", id)
        }
        do throws(AWSError) {
            let caller = try policed?.authenticate(body)
            // Who one is may be asked by everybody (STS API, GetCallerIdentity).
            if service.name != "sts" { try caller?.authorize(name, [.all(of: service.name)]) }
            var asked = parameters
            asked.caller = caller?.caller
            return service.answer(name, try action(asked), id)
        } catch {
            return QueryService.refusal(error, namespace: service.namespace, id)
        }
    }
}

extension AWSError.Name {
    /// Who may not call is told so with 403 here, and by shorter names.
    private static let refusals: [AWSError.Name: String] = [
        .accessDenied: "AccessDenied", .missingAuthenticationToken: "MissingAuthenticationToken",
        .incompleteSignature: "IncompleteSignature", .invalidSignature: "SignatureDoesNotMatch",
        .unrecognizedClient: "InvalidClientTokenId", .expiredToken: "ExpiredToken",
    ]

    fileprivate var formsStatus: Int { Self.refusals[self] == nil ? status : 403 }
    fileprivate var formsCode: String { Self.refusals[self] ?? queryCode.map { "\($0)" } ?? rawValue }
}
