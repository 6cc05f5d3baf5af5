/// Definitions and progress as bytes in the store: JSON.

import Foundation

extension DeliveryStreamDefinition {
    package func stored() -> [UInt8] { storedJSON(self) }
    package init?(stored bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = value
    }
}

extension DeliveryProgress {
    package func stored() -> [UInt8] { storedJSON(self) }
    package init?(stored bytes: [UInt8]) {
        guard let value = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = value
    }
}

/// Values of plain Codable structs always encode; were one not to, an empty value is refused when it is read.
private func storedJSON(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map(Array.init) ?? []
}
