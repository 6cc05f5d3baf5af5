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

    /// The values of a key in lower case; nil where it has none.
    package subscript(key: String) -> [String]? {
        get { values[key] ?? lookUp(key) }
        set { values[key] = newValue }
    }
}
