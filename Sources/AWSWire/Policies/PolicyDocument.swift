/// Policies as people write them: JSON documents of IAM's form, read and checked.

/// What is wrong with a policy, in words that name the element.
package struct MalformedPolicy: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A policy (IAM User Guide, "IAM JSON policy elements reference").
package struct PolicyDocument: Sendable, Hashable {
    /// Whose policy it is: that decides which elements it has.
    package enum Kind: Sendable {
        /// Of a caller: says nothing of principals.
        case identity
        /// Of a resource: says for which principals.
        case resource
    }

    package let statements: [PolicyStatement]
    /// As written.
    package let source: JSONValue

    /// The longest document, in bytes.
    package static let longest = 20_480

    package init(_ text: String, _ kind: Kind) throws(MalformedPolicy) {
        guard text.utf8.count <= Self.longest else {
            throw MalformedPolicy("the document has \(text.utf8.count) bytes; \(Self.longest) are the most")
        }
        let source: JSONValue
        do throws(JSONError) {
            source = try JSONValue(parsing: Array(text.utf8))
        } catch {
            throw MalformedPolicy("the document is not JSON: \(error)")
        }
        try self.init(source, kind)
    }

    package init(_ source: JSONValue, _ kind: Kind) throws(MalformedPolicy) {
        guard let document = source.object else { throw MalformedPolicy("the document must be an object") }
        try Self.checkMembers(of: document, ["Version", "Id", "Statement"])
        let version = document["Version"]?.string ?? "2008-10-17"
        guard ["2012-10-17", "2008-10-17"].contains(version) else {
            throw MalformedPolicy("Version: must be 2012-10-17 or 2008-10-17")
        }
        let elements: [JSONValue]
        switch document["Statement"] {
        case .object(let statement)?: elements = [.object(statement)]
        // That of a resource may say nothing yet.
        case .array(let statements)? where !statements.isEmpty || kind == .resource: elements = statements
        default: throw MalformedPolicy("Statement: must be one statement or a list of them")
        }
        var statements: [PolicyStatement] = []
        for (index, element) in elements.enumerated() {
            do throws(MalformedPolicy) {
                statements.append(try PolicyStatement(element, kind, hasVariables: version == "2012-10-17", number: index + 1))
            } catch {
                throw MalformedPolicy("Statement \(index + 1): \(error)")
            }
        }
        self.statements = statements
        self.source = source
    }

    /// Every element is known and stands once: of two the reader might take the other one than was meant.
    static func checkMembers(of object: JSONObject, _ names: Set<String>? = nil) throws(MalformedPolicy) {
        var seen: Set<String> = []
        for member in object.members {
            guard names?.contains(member.name) ?? true else { throw MalformedPolicy("\(member.name): there is no such element") }
            guard seen.insert(member.name).inserted else { throw MalformedPolicy("\(member.name): stands twice") }
        }
    }

    /// Says nothing, so that nothing is allowed.
    package static let empty = PolicyDocument()

    private init() { (statements, source) = ([], .object(JSONObject())) }

    /// Allows everything.
    package static var administrator: JSONValue {
        ["Version": "2012-10-17", "Statement": [["Sid": "Administrator", "Effect": "Allow", "Action": "*", "Resource": "*"]]]
    }
}

/// One statement of a policy.
package struct PolicyStatement: Sendable, Hashable {
    /// Patterns of which one must match, or none may.
    private struct Patterns: Sendable, Hashable {
        var listed: [PolicyPattern]
        var isNegated: Bool

        func match(_ text: String, ignoringCase: Bool, _ context: PolicyContext) -> Bool {
            listed.contains { $0.matches(text, ignoringCase: ignoringCase, context) } != isNegated
        }
    }

    /// From 1 on.
    package let number: Int
    package let sid: String?
    package let isAllow: Bool
    private let actions: Patterns
    private let resources: Patterns
    /// Nil in a caller's own policy.
    private let principals: Patterns?
    private let conditions: [PolicyCondition]

    private static let names: Set<String> = [
        "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition",
    ]

    init(_ value: JSONValue, _ kind: PolicyDocument.Kind, hasVariables: Bool, number: Int) throws(MalformedPolicy) {
        guard let object = value.object else { throw MalformedPolicy("must be an object") }
        try PolicyDocument.checkMembers(of: object, Self.names)
        self.number = number
        sid = object["Sid"]?.string
        switch object["Effect"]?.string {
        case "Allow": isAllow = true
        case "Deny": isAllow = false
        default: throw MalformedPolicy("Effect: must be Allow or Deny")
        }
        actions = try Self.patterns(object, "Action", hasVariables: false)
        for action in actions.listed where action.text != "*" && !action.text.contains(":") {
            throw MalformedPolicy("Action: '\(action.text)' must be of the form service:Operation")
        }
        resources = try Self.patterns(object, "Resource", hasVariables: hasVariables)
        for resource in resources.listed where resource.text != "*" && !resource.text.hasPrefix("arn:") {
            throw MalformedPolicy("Resource: '\(resource.text)' must be an ARN or *")
        }
        let hasPrincipal = object["Principal"] != nil || object["NotPrincipal"] != nil
        guard hasPrincipal == (kind == .resource) else {
            throw MalformedPolicy(kind == .resource ? "Principal: is missing" : "Principal: only a resource's policy has one")
        }
        principals = kind == .resource ? try Self.principals(object) : nil
        conditions = try Self.conditions(object["Condition"], hasVariables: hasVariables)
    }

    private static func texts(_ value: JSONValue) -> [String]? {
        switch value {
        case .string(let text): return [text]
        case .array(let elements):
            let texts = elements.compactMap(\.string)
            return texts.count == elements.count && !texts.isEmpty ? texts : nil
        default: return nil
        }
    }

    /// What could not be compared, or would never match, is refused, for a Deny that says nothing is worse than none.
    private static func check(_ patterns: [PolicyPattern], _ name: String) throws(MalformedPolicy) {
        for pattern in patterns {
            guard pattern.text.unicodeScalars.count <= PolicyPattern.longest else {
                throw MalformedPolicy("\(name): a text has more than \(PolicyPattern.longest) characters")
            }
            for variable in pattern.variables where !PolicyContext.isKnown(variable) {
                throw MalformedPolicy("\(name): there is no variable '${\(variable)}' here")
            }
        }
    }

    private static func patterns(_ object: JSONObject, _ name: String, hasVariables: Bool) throws(MalformedPolicy) -> Patterns {
        let (plain, negated) = (object[name], object["Not" + name])
        guard (plain == nil) != (negated == nil), let value = plain ?? negated else {
            throw MalformedPolicy("\(name): one of \(name) and Not\(name) is needed")
        }
        guard let texts = texts(value) else { throw MalformedPolicy("\(name): must be a text or a list of texts") }
        let isResource = name == "Resource"
        let listed = texts.map {
            isResource ? PolicyPattern.ofResource($0, hasVariables: hasVariables) : PolicyPattern($0, hasVariables: hasVariables)
        }
        try check(listed, name)
        return Patterns(listed: listed, isNegated: plain == nil)
    }

    private static func principals(_ object: JSONObject) throws(MalformedPolicy) -> Patterns {
        guard (object["Principal"] == nil) != (object["NotPrincipal"] == nil),
            let value = object["Principal"] ?? object["NotPrincipal"]
        else { throw MalformedPolicy("Principal: one of Principal and NotPrincipal is needed") }
        let isNegated = object["Principal"] == nil
        if value.string == "*" { return Patterns(listed: [PolicyPattern("*", hasVariables: false)], isNegated: isNegated) }
        guard let members = value.object?.members, !members.isEmpty else {
            throw MalformedPolicy("Principal: must be * or an object such as {\"AWS\": [...]}")
        }
        var listed: [PolicyPattern] = []
        for member in members {
            guard let texts = texts(member.value) else {
                throw MalformedPolicy("Principal.\(member.name): must be a text or a list of texts")
            }
            // Services and federations are not callers here.
            guard member.name == "AWS" else { continue }
            for text in texts {
                guard text == "*" || !text.contains("*") else {
                    throw MalformedPolicy("Principal.AWS: '\(text)' must be a whole ARN, an account or *")
                }
                listed.append(PolicyPattern(text, hasVariables: false))
            }
        }
        return Patterns(listed: listed, isNegated: isNegated)
    }

    private static func conditions(_ value: JSONValue?, hasVariables: Bool) throws(MalformedPolicy) -> [PolicyCondition] {
        guard let value else { return [] }
        guard let operators = value.object else { throw MalformedPolicy("Condition: must be an object") }
        try PolicyDocument.checkMembers(of: operators)
        var conditions: [PolicyCondition] = []
        for line in operators.members {
            guard let keys = line.value.object else { throw MalformedPolicy("Condition.\(line.name): must be an object") }
            try PolicyDocument.checkMembers(of: keys)
            for key in keys.members {
                guard let values = self.values(key.value) else {
                    throw MalformedPolicy("Condition.\(line.name).\(key.name): must be a value or a list of values")
                }
                guard PolicyContext.isKnown(key.name) else {
                    throw MalformedPolicy("Condition.\(line.name): there is no key '\(key.name)' here")
                }
                let patterns = values.map { PolicyPattern($0, hasVariables: hasVariables) }
                try check(patterns, "Condition.\(line.name).\(key.name)")
                conditions.append(try PolicyCondition(line.name, key: key.name, values: patterns))
            }
        }
        return conditions
    }

    /// Numbers and booleans may stand without quotes here.
    private static func values(_ value: JSONValue) -> [String]? {
        switch value {
        case .string(let text), .number(let text): return [text]
        case .bool(let value): return [value ? "true" : "false"]
        case .array(let elements):
            let values = elements.compactMap { element in element.array == nil ? self.values(element)?.first : nil }
            return values.count == elements.count && !values.isEmpty ? values : nil
        default: return nil
        }
    }

    // MARK: Matching

    func applies(_ call: PolicyCall, to resource: String) -> Bool {
        actions.match(call.action, ignoringCase: true, call.context) && resources.match(resource, ignoringCase: false, call.context)
            && conditions.allSatisfy { $0.holds(call.context) }
    }

    /// Whether the statement of a resource's policy is about a caller himself.
    func names(_ caller: Caller) -> Bool {
        guard let principals else { return false }
        let isListed = principals.listed.contains { $0.text == "*" || $0.text == caller.arn }
        let isAccount = principals.listed.contains { $0.text == caller.account || $0.text == caller.accountARN }
        // All of an account's callers are in an account that is excepted; one that is allowed leaves it to their own policies.
        return principals.isNegated ? !(isListed || isAccount) : isListed || isAccount && !isAllow
    }
}
