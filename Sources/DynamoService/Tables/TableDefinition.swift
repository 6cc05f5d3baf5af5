/// What is known of a table: its schema, its indexes, its settings. It is kept as JSON beside the items.

import StreamStore

/// A table's definition.
struct TableDefinition: Codable, Sendable {
    /// The version of its JSON.
    static let format = 1

    var name: String
    /// What its keys begin with; never given twice.
    var number: UInt64
    /// As DescribeTable shows it.
    var id: String
    /// Milliseconds since 1970-01-01 UTC.
    var created: Int64
    var schema: KeySchema
    /// All attributes that keys speak of, in the order of the request.
    var attributes: [AttributeDefinition]
    var billing: Billing
    /// When it became on-demand last, in milliseconds; nil when it never was.
    var onDemandSince: Int64?
    var indexes: [IndexDefinition] = []
    /// What the next index is numbered.
    var nextIndex: UInt16 = 1
    var isProtected = false
    var tableClass: String?
    var tags: [String: String] = [:]
    var timeToLive: TimeToLive?

    struct AttributeDefinition: Codable, Hashable, Sendable {
        var name: String
        var type: String
    }

    struct Billing: Codable, Hashable, Sendable {
        var isOnDemand: Bool
        /// Capacity units, shown and not enforced; 0 on demand.
        var read: Int64
        var write: Int64
    }

    /// Which attribute holds when an item expires.
    struct TimeToLive: Codable, Hashable, Sendable {
        var attribute: String
        /// Whether the items from before are among the times of expiry.
        var isFilled: Bool
    }

    /// The index of that name.
    func index(_ name: String) -> IndexDefinition? { indexes.first { $0.name == name } }

    /// The value of an item's time of expiry, in seconds since 1970-01-01 UTC.
    func expiry(of item: Item) -> Int64? {
        guard let timeToLive, case .number(let number) = item[AttributeName(timeToLive.attribute.utf8)] else { return nil }
        return number.whole
    }
}

/// An index: its keys and what it has of items.
struct IndexDefinition: Codable, Hashable, Sendable {
    var name: String
    /// What its keys begin with, behind the table's; never given twice within the table.
    var number: UInt16
    var schema: KeySchema
    var projection: String
    /// With the projection INCLUDE, what it has besides keys.
    var included: [String] = []
    var isLocal: Bool
    /// Whether the items from before it are in it.
    var isFilled: Bool
    var billing: TableDefinition.Billing?
}

/// The attributes of a key.
struct KeySchema: Codable, Hashable, Sendable {
    struct Element: Codable, Hashable, Sendable {
        var name: String
        /// A letter of the API.
        var type: String
    }

    var partition: Element
    var sort: Element?

    var partitionElement: KeyElement { Self.element(partition, isPartition: true) }
    var sortElement: KeyElement? { sort.map { Self.element($0, isPartition: false) } }
    var elements: [KeyElement] { [partitionElement] + (sortElement.map { [$0] } ?? []) }

    private static func element(_ element: Element, isPartition: Bool) -> KeyElement {
        KeyElement(
            name: AttributeName(element.name.utf8), kind: AttributeValue.Kind(rawValue: element.type) ?? .string,
            isPartition: isPartition)
    }
}

/// A definition with what is made of it once and not for every call.
final class KnownTable: Sendable {
    let definition: TableDefinition
    let keys: [KeyElement]
    let indexes: [KnownIndex]

    init(_ definition: TableDefinition) {
        self.definition = definition
        keys = definition.schema.elements
        indexes = definition.indexes.map { KnownIndex($0, of: definition) }
    }

    var number: UInt64 { definition.number }
    var partition: KeyElement { keys[0] }
    var sort: KeyElement? { keys.count > 1 ? keys[1] : nil }

    func index(_ name: String) -> KnownIndex? { indexes.first { $0.definition.name == name } }

    /// Whether an attribute is part of the key.
    func isKey(_ name: AttributeName) -> Bool { keys.contains { $0.name == name } }
}

/// An index with what is made of it once.
struct KnownIndex: Sendable {
    let definition: IndexDefinition
    let keys: [KeyElement]
    /// What is kept of items; nil for all.
    let projection: Projection?
    /// What is shown of items unless more is asked for; nil for all. A local index keeps all.
    let shown: Projection?

    init(_ definition: IndexDefinition, of table: TableDefinition) {
        self.definition = definition
        keys = definition.schema.elements
        let names = Set(keys.map(\.name) + table.schema.elements.map(\.name) + definition.included.map { AttributeName($0.utf8) })
        shown = definition.projection == "ALL" ? nil : Projection(attributes: names)
        projection = definition.isLocal ? nil : shown
    }

    /// The key under which it has an item; nil when it has it not. An item that was there before the index may have in its attributes what no key can be.
    func key(of item: Item) -> ItemKey? {
        guard let partition = item[keys[0].name], keys[0].fits(partition) else { return nil }
        guard keys.count > 1 else { return ItemKey(partition: partition) }
        guard let sort = item[keys[1].name], keys[1].fits(sort) else { return nil }
        return ItemKey(partition: partition, sort: sort)
    }
}
