/// Whether policies let a call through, and which statement says so.

/// A call as policies see it.
package struct PolicyCall: Sendable {
    /// Such as `kinesis:PutRecord`.
    package var action: String
    package var context: PolicyContext

    package init(action: String, context: PolicyContext) {
        self.action = action
        self.context = context
    }
}

/// A policy by the name under which people know it.
package struct NamedPolicy: Sendable, Hashable {
    /// Such as `policy 1 of user alice`.
    package var name: String
    package var document: PolicyDocument

    package init(name: String, _ document: PolicyDocument) {
        self.name = name
        self.document = document
    }
}

/// What policies come to: an explicit Deny wins, then any Allow; without one the answer is no
/// (IAM User Guide, "Policy evaluation logic"; within one account either kind of policy may allow).
package enum PolicyDecision: Sendable, Hashable {
    case allowed(by: Reference)
    case denied(by: Reference)
    /// Nothing allows it.
    case notAllowed

    /// The statement that decides.
    package struct Reference: Sendable, Hashable, CustomStringConvertible {
        package var policy: String
        package var number: Int
        package var sid: String?
        package var isResourcePolicy: Bool

        package var description: String {
            "statement \(number)" + (sid.map { " (\($0))" } ?? "") + " of \(policy)"
        }
    }

    package var isAllowed: Bool { if case .allowed = self { true } else { false } }

    /// - Parameters:
    ///   - resource: an ARN, or `*` for what touches no single one.
    ///   - identity: the caller's own policies.
    ///   - resourcePolicies: those of what is touched.
    package static func of(
        _ call: PolicyCall, by caller: Caller, to resource: String, identity: [NamedPolicy], resourcePolicies: [NamedPolicy] = []
    ) -> PolicyDecision {
        var allow: Reference?
        func look(_ policies: [NamedPolicy], isResourcePolicy: Bool) -> Reference? {
            for policy in policies {
                for statement in policy.document.statements {
                    guard !isResourcePolicy || statement.names(caller), statement.applies(call, to: resource) else { continue }
                    let reference = Reference(
                        policy: policy.name, number: statement.number, sid: statement.sid, isResourcePolicy: isResourcePolicy)
                    if !statement.isAllow { return reference }
                    allow = allow ?? reference
                }
            }
            return nil
        }
        if let deny = look(identity, isResourcePolicy: false) ?? look(resourcePolicies, isResourcePolicy: true) {
            return .denied(by: deny)
        }
        return allow.map { .allowed(by: $0) } ?? .notAllowed
    }
}
