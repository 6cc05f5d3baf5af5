/// Durable definitions of the rooms above: what people make and rarely change.

/// Definitions by kind and name.
public protocol Definitions: Sendable {
    /// The definition as it was set last; nil when there is none.
    func definition(_ key: DefinitionKey) async throws(StoreError) -> [UInt8]?
    /// All of a kind, by name.
    func definitions(_ kind: DefinitionKind) async throws(StoreError) -> [(name: String, value: [UInt8])]
    /// Sets (or with nil removes) definitions in one durable transaction.
    func setDefinitions(_ changes: [(key: DefinitionKey, value: [UInt8]?)]) async throws(StoreError)
}

/// What a definition is of.
public enum DefinitionKind: String, Sendable, Codable, CaseIterable {
    case application
    case deliveryStream
    /// How far a delivery stream has delivered, and the object it is about to write.
    case deliveryProgress
}

/// The name of a definition.
public struct DefinitionKey: Hashable, Sendable {
    public var kind: DefinitionKind
    public var name: String
    public init(_ kind: DefinitionKind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}
