/// What an audit trail keeps of a call, in the form of CloudTrail's records.

/// One line of the trail: who asked for what, and whether it was let through (CloudTrail User Guide, "Record contents").
package struct AuditEvent: Sendable {
    /// Seconds since 1970-01-01 UTC.
    package var seconds: Int64
    /// Nil where nobody is known.
    package var caller: AuthenticatedCaller?
    /// The key that was named, by whomever.
    package var accessKeyID: String?
    /// As policies name it, such as `kinesis`.
    package var service: String
    /// Such as `DeleteStream`.
    package var operation: String
    package var region: String
    /// ARNs.
    package var resources: [String]
    package var sourceAddress: String?
    package var userAgent: String?
    /// Why it was refused; nil where it was let through.
    package var error: AWSError?

    /// Of what came from outside, the most characters that are kept.
    private static let longest = 256

    package var json: [UInt8] {
        var identity: [(String, String?)] = [
            ("type", caller == nil ? "Unknown" : caller?.isSession == true ? "Session" : "IAMUser")
        ]
        identity += [
            ("arn", caller?.caller.arn), ("accountId", caller?.caller.account), ("userName", caller?.caller.user),
            ("accessKeyId", caller?.caller.accessKeyID ?? accessKeyID.map(Self.shown)),
        ]
        var event = JSONObject()
        event["eventVersion"] = "1.11"
        event["userIdentity"] = Self.object(identity)
        event["eventTime"] = .string(PolicyDate.text(seconds))
        event["eventSource"] = .string(Self.shown(service) + ".amazonaws.com")
        event["eventName"] = .string(Self.shown(operation))
        event["awsRegion"] = .string(Self.shown(region))
        event["sourceIPAddress"] = sourceAddress.map { .string($0) }
        event["userAgent"] = userAgent.map { .string(Self.shown($0)) }
        event["errorCode"] = error.map { .string($0.name.rawValue) }
        event["errorMessage"] = error?.message.map { .string(Self.shown($0)) }
        event["resources"] = .array(resources.prefix(16).map { ["ARN": .string(Self.shown($0))] })
        return JSONValue.object(event).serialized
    }

    private static func object(_ members: [(String, String?)]) -> JSONValue {
        .object(JSONObject(members.compactMap { name, value in value.map { .init(name: name, value: .string($0)) } }))
    }

    private static func shown(_ text: String) -> String { String(text.prefix(longest)) }
}

extension AuditEvent {
    /// Whether an operation only moves or shows records, or tells what there is: such calls are kept where they are refused alone.
    static func isRoutine(_ operation: String) -> Bool {
        let beginnings = ["Put", "Get", "List", "Describe", "Subscribe", "Discover", "Query", "Scan", "Batch", "Transact"]
        let changesOfItems = ["UpdateItem", "DeleteItem", "ConditionCheckItem"]
        return (beginnings.contains { operation.hasPrefix($0) } || changesOfItems.contains(operation))
            && operation != "PutResourcePolicy"
    }
}
