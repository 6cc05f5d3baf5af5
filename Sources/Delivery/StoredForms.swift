/// Definitions and progress as bytes in the store: JSON that says its version.

package import StreamStore

extension DeliveryStreamDefinition {
    private static let format = 1

    package func stored() -> [UInt8] { StoredDefinition.encode(self, format: Self.format) }
    package init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.format)
    }
}

extension DeliveryProgress {
    private static let format = 1

    package func stored() -> [UInt8] { StoredDefinition.encode(self, format: Self.format) }
    package init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.format)
    }
}
