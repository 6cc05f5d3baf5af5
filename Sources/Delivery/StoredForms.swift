/// Definitions and progress as bytes in the store: JSON that says its version.

package import StreamStore

extension DeliveryStreamDefinition {
    /// Format 2 may have a ZIP destination; what has none is written so that builds before can read it.
    private static let (first, known) = (1, 2)

    package func stored() -> [UInt8] {
        StoredDefinition.encode(self, format: destination.compression == .zip ? Self.known : Self.first)
    }
    package init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.known)
    }
}

extension DeliveryProgress {
    private static let format = 1

    package func stored() -> [UInt8] { StoredDefinition.encode(self, format: Self.format) }
    package init(stored bytes: [UInt8]) throws(StoredDefinition.Failure) {
        self = try StoredDefinition.decode(Self.self, from: bytes, knownFormat: Self.format)
    }
}
