/// Who is asking, and whether that may be done: the one place where every call of every service passes.

import Synchronization

/// Checks signatures against the keys there are, and calls against the policies of their users and of what they touch.
package final class AccessControl: CallPolicy {
    package struct Settings: Sendable {
        /// Twelve digits.
        package var account: String
        /// Of ARNs, where the signature names none.
        package var region: String
        /// For session tokens.
        package var secret: [UInt8]

        package init(account: String, region: String, secret: [UInt8]) {
            (self.account, self.region, self.secret) = (account, region, secret)
        }
    }

    /// What is known elsewhere of the things that calls touch.
    package struct Resources: Sendable {
        /// The policy of a resource; nil where it has none.
        package var policy: @Sendable (ResourceName) -> NamedPolicy?
        /// Nil where it has none, or there is no such resource.
        package var tags: @Sendable (ResourceName) -> [String: String]?

        package init(
            policy: @escaping @Sendable (ResourceName) -> NamedPolicy? = { _ in nil },
            tags: @escaping @Sendable (ResourceName) -> [String: String]? = { _ in nil }
        ) {
            (self.policy, self.tags) = (policy, tags)
        }
    }

    private let settings: Settings
    private let resources: Resources
    private let verifier = SignatureVerifier()
    package let sessions: SessionTokens
    /// Seconds since 1970-01-01 UTC.
    private let now: @Sendable () -> Int64
    private let audit: @Sendable (AuditEvent) -> Void
    private let keys: Mutex<[String: AccessKey]>

    /// - Parameter audit: is told of every refusal and of every call that changes more than records.
    package init(
        _ settings: Settings, keys: [AccessKey], resources: Resources = Resources(), now: @escaping @Sendable () -> Int64,
        audit: @escaping @Sendable (AuditEvent) -> Void = { _ in }
    ) {
        self.audit = audit
        self.settings = settings
        self.resources = resources
        self.now = now
        sessions = SessionTokens(secret: settings.secret)
        self.keys = Mutex(Dictionary(keys.map { ($0.id, $0) }) { $1 })
    }

    /// Puts other keys in the place of those there were: at once, for calls that come from now on.
    package func replaceKeys(_ new: [AccessKey]) {
        keys.withLock { $0 = Dictionary(new.map { ($0.id, $0) }) { $1 } }
    }

    // MARK: Who

    package func authenticate(_ head: RequestHead, _ body: UnsafeRawBufferPointer) throws(AWSError) -> AuthenticatedCaller {
        var claim: SignatureClaim?
        do throws(AWSError) {
            claim = try SignatureClaim(head)
            guard let claim else { throw AWSError(.missingAuthenticationToken) }
            return try caller(claim, head, body)
        } catch {
            let target = (head[.amzTarget] ?? head.path).split(separator: ".").last.map(String.init) ?? ""
            audit(
                AuditEvent(
                    seconds: now(), accessKeyID: claim?.scope.accessKeyID, service: claim?.scope.service ?? "unknown",
                    operation: target,
                    region: claim?.scope.region ?? settings.region, resources: [], sourceAddress: head.sourceAddress,
                    userAgent: head.value("user-agent"), error: error))
            throw error
        }
    }

    private func caller(
        _ claim: SignatureClaim, _ head: RequestHead, _ body: UnsafeRawBufferPointer
    ) throws(AWSError) -> AuthenticatedCaller {
        let now = now()
        let (key, secret) = try self.key(for: claim, now)
        try verifier.verify(claim, of: head, body, secret: secret, now: now)
        let caller = Caller(account: settings.account, user: key.user, accessKeyID: claim.scope.accessKeyID)
        return AuthenticatedCaller(
            caller, region: claim.scope.region, policies: key.policies, service: claim.scope.service,
            isSession: claim.sessionToken != nil, seconds: now)
    }

    private func key(for claim: SignatureClaim, _ now: Int64) throws(AWSError) -> (AccessKey, secret: String) {
        let unknown = AWSError(.unrecognizedClient, "The security token included in the request is invalid.")
        guard let token = claim.sessionToken else {
            guard let key = keys.withLock({ $0[claim.scope.accessKeyID] }) else { throw unknown }
            return (key, key.secret)
        }
        guard let session = sessions.open(token), session.accessKeyID == claim.scope.accessKeyID,
            let key = keys.withLock({ $0[session.parent] })
        else { throw unknown }
        guard session.expires - now <= SessionTokens.lifetimes.upperBound else { throw unknown }
        guard now < session.expires else {
            throw AWSError(.expiredToken, "The security token included in the request is expired")
        }
        return (key, session.secret)
    }

    /// Who asks for a page, by the name and password of HTTP's basic scheme (RFC 7617), which are a key and its secret: scrapers cannot sign.
    package func authenticate(basic authorization: String) -> AuthenticatedCaller? {
        let parts = authorization.split(separator: " ")
        guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Base64.decode(String(parts[1])) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.count == 2, let key = keys.withLock({ $0[String(text[0])] }),
            SHA256.areEqual(SHA256.code(key.secret, key: []), SHA256.code(String(text[1]), key: []))
        else { return nil }
        return AuthenticatedCaller(
            Caller(account: settings.account, user: key.user, accessKeyID: key.id), region: settings.region,
            policies: key.policies, seconds: now())
    }

    // MARK: Pages

    /// Pages that say nothing but whether the node lives.
    private static let openPages: Set<String> = ["/healthz", "/readyz"]

    private static func isLoopback(_ address: String) -> Bool {
        address == "::1" || AddressRange("127.0.0.0/8")?.contains(address) ?? false
    }

    /// What forbids a page or a download, as status and reason; nil where nothing does. The request is signed for the service `millrace`, or has a
    /// key and its secret as name and password.
    package func refusal(ofPage head: RequestHead) -> (status: Int, reason: String)? {
        if Self.openPages.contains(head.path) { return nil }
        let action = head.path == "/backup" ? "millrace:Backup" : head.path == "/metrics" ? "millrace:GetMetrics" : "millrace:View"
        do throws(AWSError) {
            let caller: AuthenticatedCaller
            if let authorization = head[.authorization], authorization.lowercased().hasPrefix("basic ") {
                guard head.isSecure || head.sourceAddress.map(Self.isLoopback) ?? false else {
                    return (403, "A secret is taken as it is over TLS or from this machine only; sign the request.")
                }
                guard let found = authenticate(basic: authorization) else { return (401, "The key or its secret is wrong.") }
                caller = found
            } else {
                caller = try authenticate(head, UnsafeRawBufferPointer(start: nil, count: 0))
            }
            try checkService(caller, [.all(of: "millrace")])
            try authorize(caller, action, .all(of: "millrace"), head)
            return nil
        } catch {
            if error.name == .missingAuthenticationToken {
                return (401, "Sign the request, or give an access key and its secret as name and password.")
            }
            return (403, error.description)
        }
    }

    // MARK: What

    package func authorize(_ action: CallAction) throws(AWSError) {
        guard let caller = action.caller else { throw AWSError(.missingAuthenticationToken, "Missing Authentication Token") }
        // What names nothing is for those alone who may do everything.
        let resources = action.resources.isEmpty ? [ResourceName.all(of: "unnamed")] : action.resources
        var refusal: AWSError?
        do throws(AWSError) {
            try checkService(caller, resources)
            for resource in resources {
                try authorize(caller, "\(resource.service):\(resource.operation ?? action.operation)", resource, action.head)
            }
        } catch {
            refusal = error
        }
        if refusal != nil || !AuditEvent.isRoutine(action.operation) {
            audit(
                AuditEvent(
                    seconds: caller.seconds, caller: caller, service: resources.first?.service ?? "", operation: action.operation,
                    region: caller.region, resources: resources.map { arn(of: $0) },
                    sourceAddress: action.head.sourceAddress, userAgent: action.head.value("user-agent"), error: refusal))
        }
        if let refusal { throw refusal }
    }

    /// A signature is for one service: another one's would do for what its holder did not mean.
    private func checkService(_ caller: AuthenticatedCaller, _ resources: [ResourceName]) throws(AWSError) {
        guard let first = resources.first, first.operation == nil, first.service != "unnamed" else { return }
        let service = first.service
        let signed = service == "cloudwatch" ? "monitoring" : service
        guard caller.service == nil || caller.service == signed else {
            throw AWSError(.invalidSignature, "Credential should be scoped to correct service: '\(signed)'. ")
        }
    }

    /// - Throws: `.accessDenied`, in the words of the service.
    package func authorize(
        _ caller: AuthenticatedCaller, _ action: String, _ resource: ResourceName, _ head: RequestHead
    ) throws(AWSError) {
        let arn = self.arn(of: resource)
        let call = PolicyCall(action: action, context: context(caller, resource, head))
        // What a policy says of itself does not count, or who wrote it wrong could never mend it.
        let own = action.hasSuffix("ResourcePolicy") ? nil : resources.policy(resource)
        let decision = PolicyDecision.of(
            call, by: caller.caller, to: arn, identity: caller.policies, resourcePolicies: own.map { [$0] } ?? [])
        let reason: String
        switch decision {
        case .allowed: return
        case .denied(let reference):
            reason = "with an explicit deny in \(reference.isResourcePolicy ? "a resource-based" : "an identity-based") policy"
        case .notAllowed: reason = "because no identity-based policy allows the \(action) action"
        }
        throw AWSError(
            .accessDenied, "User: \(caller.caller.arn) is not authorized to perform: \(action) on resource: \(arn) \(reason)")
    }

    /// With the node's own region, whichever the caller has signed for: he could choose one that no policy speaks of.
    private func arn(of resource: ResourceName) -> String {
        resource.resource == "*"
            ? "*" : "arn:aws:\(resource.service):\(settings.region):\(settings.account):\(resource.resource)"
    }

    private func context(_ caller: AuthenticatedCaller, _ resource: ResourceName, _ head: RequestHead) -> PolicyContext {
        let tags = OnceKnown { [resources] in resources.tags(resource) ?? [:] }
        let region = settings.region
        return PolicyContext { key in
            let lowercased = key.lowercased()
            switch lowercased {
            case "aws:currenttime": return [SignatureTime.text(caller.seconds)]
            case "aws:epochtime": return ["\(caller.seconds)"]
            case "aws:principalarn": return [caller.caller.arn]
            case "aws:principalaccount": return [caller.caller.account]
            case "aws:principaltype": return ["User"]
            case "aws:userid": return [caller.caller.userID]
            case "aws:username": return caller.caller.user.map { [$0] }
            case "aws:requestedregion": return [region]
            case "aws:securetransport": return [head.isSecure ? "true" : "false"]
            case "aws:sourceip": return head.sourceAddress.map { [$0] }
            case "aws:useragent": return head.value("user-agent").map { [$0] }
            default:
                guard lowercased.hasPrefix("aws:resourcetag/") else { return nil }
                return tags.value[String(key.dropFirst("aws:resourcetag/".count))].map { [$0] }
            }
        }
    }
}

/// A value that is computed when it is first asked for.
private final class OnceKnown<Value: Sendable>: Sendable {
    private let known = Mutex<Value?>(nil)
    private let compute: @Sendable () -> Value

    init(_ compute: @escaping @Sendable () -> Value) { self.compute = compute }

    var value: Value {
        known.withLock { known in
            let value = known ?? compute()
            known = value
            return value
        }
    }
}

/// Who has signed a call.
public struct AuthenticatedCaller: Sendable {
    package var caller: Caller
    /// That the call was signed for.
    package var region: String
    /// What he may do.
    let policies: [NamedPolicy]
    /// That the call was signed for; nil where nothing was signed.
    package var service: String?
    /// Whether it was signed with the key of a session.
    package var isSession: Bool
    /// When the signature was checked, in seconds since 1970-01-01 UTC.
    let seconds: Int64

    package init(
        _ caller: Caller, region: String, policies: [NamedPolicy], service: String? = nil, isSession: Bool = false, seconds: Int64
    ) {
        self.service = service
        (self.caller, self.region, self.policies) = (caller, region, policies)
        (self.isSession, self.seconds) = (isSession, seconds)
    }
}
