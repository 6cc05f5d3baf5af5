/// What conditions and variables of policies can ask about a call.

/// Values by condition key (IAM User Guide, "AWS global condition context keys").
package struct PolicyContext: Sendable {
    /// Keys in lower case.
    private var values: [String: [String]]
    /// For keys that take a look elsewhere, such as the tags of a resource: asked only when a policy does.
    private let lookUp: @Sendable (_ key: String) -> [String]?

    package init(_ values: [String: [String]] = [:], lookUp: @escaping @Sendable (_ key: String) -> [String]? = { _ in nil }) {
        self.values = Dictionary(values.map { ($0.key.lowercased(), $0.value) }) { $1 }
        self.lookUp = lookUp
    }

    /// The longest value that is compared, in characters; of a longer one its beginning.
    package static let longest = 1024

    /// The values of a key; nil where it has none. Only in the names of tags does case matter.
    package subscript(key: String) -> [String]? {
        (values[key.lowercased()] ?? lookUp(key))?.map { $0.utf8.count <= Self.longest ? $0 : String($0.prefix(Self.longest)) }
    }

    private static let keys: Set<String> = [
        "aws:currenttime", "aws:epochtime", "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid",
        "aws:username", "aws:requestedregion", "aws:securetransport", "aws:sourceip", "aws:useragent",
    ]

    /// Whether a key is one that a node can tell anything of.
    package static func isKnown(_ key: String) -> Bool {
        let key = key.lowercased()
        return keys.contains(key) || key.hasPrefix("aws:resourcetag/") && key.utf8.count > "aws:resourcetag/".utf8.count
    }
}
