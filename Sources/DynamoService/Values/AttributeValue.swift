/// What an attribute of an item may hold, and how large the service counts it.

/// Names of attributes and texts are bytes in UTF-8: Swift's texts take different bytes for equal where Unicode does, the service does not.
package typealias AttributeName = [UInt8]

/// An item, or a map inside one.
package typealias Item = [AttributeName: AttributeValue]

/// A value of one of the ten types (DynamoDB API, AttributeValue).
package enum AttributeValue: Hashable, Sendable {
    case string([UInt8])
    case number(DynamoNumber)
    case binary([UInt8])
    case bool(Bool)
    case null
    case list([AttributeValue])
    case map(Item)
    /// Sets are sorted, without duplicates and never empty, so that equal ones are equal values.
    case stringSet([[UInt8]])
    case numberSet([DynamoNumber])
    case binarySet([[UInt8]])

    /// The types by the letters of the API.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case string = "S"
        case number = "N"
        case binary = "B"
        case bool = "BOOL"
        case null = "NULL"
        case list = "L"
        case map = "M"
        case stringSet = "SS"
        case numberSet = "NS"
        case binarySet = "BS"

        /// As messages about operands of update expressions name it.
        var longName: String {
            switch self {
            case .string: "STRING"
            case .number: "NUMBER"
            case .binary: "BINARY"
            case .bool: "BOOLEAN"
            case .null: "NULL"
            case .list: "LIST"
            case .map: "MAP"
            case .stringSet: "STRING_SET"
            case .numberSet: "NUMBER_SET"
            case .binarySet: "BINARY_SET"
            }
        }
    }

    package var kind: Kind {
        switch self {
        case .string: .string
        case .number: .number
        case .binary: .binary
        case .bool: .bool
        case .null: .null
        case .list: .list
        case .map: .map
        case .stringSet: .stringSet
        case .numberSet: .numberSet
        case .binarySet: .binarySet
        }
    }

    /// How deep lists and maps may stand inside each other, the outermost included.
    package static let mostLevels = 32

    /// How many levels of lists and maps there are.
    var levels: Int {
        switch self {
        case .list(let elements): 1 + (elements.lazy.map(\.levels).max() ?? 0)
        case .map(let members): 1 + (members.values.lazy.map(\.levels).max() ?? 0)
        default: 0
        }
    }

    /// Bytes as the service counts them (Developer Guide, "DynamoDB item sizes and formats").
    package var size: Int {
        switch self {
        case .string(let bytes), .binary(let bytes): bytes.count
        case .number(let number): number.size
        case .bool, .null: 1
        case .list(let elements): elements.reduce(3) { $0 + $1.size + 1 }
        case .map(let members): members.reduce(3) { $0 + $1.key.count + $1.value.size + 1 }
        case .stringSet(let elements), .binarySet(let elements): elements.reduce(0) { $0 + $1.count }
        case .numberSet(let numbers): numbers.reduce(0) { $0 + $1.size }
        }
    }

    // MARK: Order

    /// Whether one comes before another of the same type; nil where the types have no order or differ.
    func isBefore(_ other: AttributeValue) -> Bool? {
        switch (self, other) {
        case (.string(let left), .string(let right)), (.binary(let left), .binary(let right)):
            left.lexicographicallyPrecedes(right)
        case (.number(let left), .number(let right)): left < right
        default: nil
        }
    }

    /// Whether a type has an order.
    var isOrdered: Bool {
        switch self {
        case .string, .number, .binary: true
        default: false
        }
    }

    // MARK: Sets

    package static func stringSet(of elements: [[UInt8]]) -> AttributeValue {
        .stringSet(elements.sorted { $0.lexicographicallyPrecedes($1) })
    }
    package static func binarySet(of elements: [[UInt8]]) -> AttributeValue {
        .binarySet(elements.sorted { $0.lexicographicallyPrecedes($1) })
    }
    package static func numberSet(of numbers: [DynamoNumber]) -> AttributeValue { .numberSet(numbers.sorted()) }

    /// The union of two sets of a type; nil for all else.
    func union(_ other: AttributeValue) -> AttributeValue? {
        switch (self, other) {
        case (.stringSet(let left), .stringSet(let right)): .stringSet(of: Array(Set(left).union(right)))
        case (.binarySet(let left), .binarySet(let right)): .binarySet(of: Array(Set(left).union(right)))
        case (.numberSet(let left), .numberSet(let right)): .numberSet(of: Array(Set(left).union(right)))
        default: nil
        }
    }

    /// What is left of a set without the elements of another of its type; `.some(nil)` where that is nothing, nil where they are no such sets.
    func subtracting(_ other: AttributeValue) -> AttributeValue?? {
        switch (self, other) {
        case (.stringSet(let left), .stringSet(let right)):
            let rest = Set(left).subtracting(right)
            return .some(rest.isEmpty ? nil : .stringSet(of: Array(rest)))
        case (.binarySet(let left), .binarySet(let right)):
            let rest = Set(left).subtracting(right)
            return .some(rest.isEmpty ? nil : .binarySet(of: Array(rest)))
        case (.numberSet(let left), .numberSet(let right)):
            let rest = Set(left).subtracting(right)
            return .some(rest.isEmpty ? nil : .numberSet(of: Array(rest)))
        default: return nil
        }
    }
}

extension DynamoNumber {
    /// Two digits a byte, and one more byte; another one for a sign.
    var size: Int { (digitCount + 1) / 2 + 1 + (isNegative ? 1 : 0) }
}

extension Item {
    /// Bytes as the service counts them.
    package var itemSize: Int { reduce(0) { $0 + $1.key.count + $1.value.size } }
    /// The largest item, in bytes as the service counts them.
    package static let mostBytes = 400 << 10
}
