/// Reads what CreateTable and UpdateTable say of keys, indexes and capacity, and checks that it goes together.

import AWSWire

/// Throughput that is shown, and not enforced.
struct Throughput: WireReadable {
    var read, write: Int64?

    init(_ fields: WireFields) throws(AWSError) {
        read = try fields.long("ReadCapacityUnits")
        write = try fields.long("WriteCapacityUnits")
    }

    /// - Parameter place: in messages, such as `provisionedThroughput`.
    func billing(_ place: String) throws(AWSError) -> TableDefinition.Billing {
        for (name, value) in [("readCapacityUnits", read), ("writeCapacityUnits", write)] {
            guard let value else {
                throw .invalid(
                    "1 validation error detected: Value null at '\(place).\(name)' failed to satisfy constraint: Member must not be null"
                )
            }
            guard value >= 1 else {
                throw .invalid(
                    "1 validation error detected: Value '\(value)' at '\(place).\(name)' failed to satisfy constraint: Member must have "
                        + "value greater than or equal to 1")
            }
        }
        return TableDefinition.Billing(isOnDemand: false, read: read ?? 1, write: write ?? 1)
    }
}

/// KeySchema with the types of AttributeDefinitions.
enum KeySchemaReading {
    static func definitions(_ fields: WireFields) throws(AWSError) -> [TableDefinition.AttributeDefinition]? {
        let definitions = try fields.list("AttributeDefinitions") { value throws(AWSError) in
            let fields = try WireFields(value)
            let type = try fields.string("AttributeType") ?? ""
            guard ["S", "N", "B"].contains(type) else {
                throw .invalid(
                    "1 validation error detected: Value '\(type.prefix(64))' at 'attributeDefinitions.1.member.attributeType' failed to "
                        + "satisfy constraint: Member must satisfy enum value set: [B, N, S]")
            }
            return TableDefinition.AttributeDefinition(name: try fields.string("AttributeName") ?? "", type: type)
        }
        guard let definitions else { return nil }
        guard Set(definitions.map(\.name)).count == definitions.count else {
            throw .invalidParameter("Duplicate AttributeName in AttributeDefinitions")
        }
        for definition in definitions where !(1...255).contains(definition.name.utf8.count) {
            throw .invalid(
                "1 validation error detected: Value '\(definition.name.prefix(64))' at 'attributeDefinitions.1.member.attributeName' "
                    + "failed to satisfy constraint: Member must have length between 1 and 255")
        }
        return definitions
    }

    static func schema(
        _ fields: WireFields, _ definitions: [TableDefinition.AttributeDefinition]
    ) throws(AWSError) -> KeySchema {
        let keys = try fields.list("KeySchema") { value throws(AWSError) in
            let fields = try WireFields(value)
            return (try fields.string("AttributeName") ?? "", try fields.string("KeyType") ?? "")
        }
        guard let keys, (1...2).contains(keys.count) else {
            throw .invalid(
                "1 validation error detected: Value '\(keys.map { "[\($0.count) elements]" } ?? "null")' at 'keySchema' failed to satisfy "
                    + "constraint: Member must have length \(keys?.count ?? 0 > 2 ? "less than or equal to 2" : "greater than or equal to 1")"
            )
        }
        guard keys[0].1 == "HASH" else {
            throw .invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
        }
        guard keys.count == 1 || keys[1].1 == "RANGE" else {
            throw .invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
        }
        guard keys.count == 1 || keys[0].0 != keys[1].0 else {
            throw .invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        let elements = try keys.map { key throws(AWSError) in
            guard let type = definitions.first(where: { $0.name == key.0 })?.type else {
                throw .invalidParameter(
                    "Some index key attributes are not defined in AttributeDefinitions. Keys: [\(key.0)], AttributeDefinitions: "
                        + "[\(definitions.map(\.name).joined(separator: ", "))]")
            }
            return KeySchema.Element(name: key.0, type: type)
        }
        return KeySchema(partition: elements[0], sort: elements.count > 1 ? elements[1] : nil)
    }

    /// An index, but for its number.
    static func index(
        _ fields: WireFields, _ definitions: [TableDefinition.AttributeDefinition], isLocal: Bool, isFilled: Bool
    ) throws(AWSError) -> IndexDefinition {
        guard let name = try fields.string("IndexName"), (3...255).contains(name.utf8.count), Pattern.isName(name.utf8) else {
            throw .invalid(
                "1 validation error detected: Value at 'indexName' failed to satisfy constraint: Member must satisfy regular expression "
                    + "pattern: [a-zA-Z0-9_.-]+")
        }
        let projection = try fields["Projection"].map { value throws(AWSError) in try WireFields(value) }
        let type = try projection?.string("ProjectionType")
        let included = try projection?.strings("NonKeyAttributes") ?? []
        guard let type else { throw .invalidParameter("Unknown ProjectionType: null") }
        guard ["ALL", "KEYS_ONLY", "INCLUDE"].contains(type) else {
            throw .invalidParameter("Unknown ProjectionType: \(type.prefix(64))")
        }
        guard (type == "INCLUDE") == !included.isEmpty else {
            throw .invalidParameter(
                type == "INCLUDE"
                    ? "ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
                    : "ProjectionType is \(type), but NonKeyAttributes is specified")
        }
        guard included.count <= 100 else { throw .invalidParameter("NonKeyAttributes may have 100 names at most") }
        return IndexDefinition(
            name: name, number: 0, schema: try schema(fields, definitions), projection: type, included: included, isLocal: isLocal,
            isFilled: isFilled,
            billing: try fields["ProvisionedThroughput"].map { value throws(AWSError) in
                try Throughput(WireFields(value)).billing("provisionedThroughput")
            })
    }

    /// Checks that no attribute is defined that no key speaks of.
    static func checkUsed(_ definition: TableDefinition) throws(AWSError) {
        let used = ([definition.schema] + definition.indexes.map(\.schema)).flatMap { schema in
            [schema.partition.name] + (schema.sort.map { [$0.name] } ?? [])
        }
        guard definition.attributes.allSatisfy({ used.contains($0.name) }) else {
            throw .invalidParameter(
                "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
        }
    }
}

/// Members that ask for what is not served: each is refused by its name, so that nobody takes it for done.
enum TableRefusals {
    static func check(_ fields: WireFields) throws(AWSError) {
        if let stream = fields["StreamSpecification"], try WireFields(stream).boolean("StreamEnabled") == true {
            throw .invalid(
                "StreamSpecification: streams of a table's changes are not served by this node. Put the changes into a Kinesis stream."
            )
        }
        if let encryption = fields["SSESpecification"], try WireFields(encryption).boolean("Enabled") == true {
            throw .invalid("SSESpecification: encryption at rest with a key is not served by this node.")
        }
        for name in [
            "ReplicaUpdates", "GlobalTableWitnessUpdates", "GlobalTableSourceArn", "ResourcePolicy", "MultiRegionConsistency",
        ]
        where !LegacyMixing.present([name], fields).isEmpty {
            throw .invalid("\(name): is not served by this node.")
        }
    }
}

/// Tags of tables.
enum TableTags {
    static func read(_ fields: WireFields) throws(AWSError) -> [String: String] {
        let list = try fields.list("Tags") { value throws(AWSError) in
            let fields = try WireFields(value)
            return (try fields.string("Key") ?? "", try fields.string("Value") ?? "")
        }
        var tags: [String: String] = [:]
        for (key, value) in list ?? [] {
            guard (1...128).contains(key.count), value.count <= 256 else {
                throw .invalid(
                    "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length between 1 and 128 for keys, and up to 256 for values"
                )
            }
            guard !key.lowercased().hasPrefix("aws:") else {
                throw .invalid("Tag keys starting with 'aws:' are reserved for system use")
            }
            tags[key] = value
        }
        return tags
    }

    static func check(_ tags: [String: String]) throws(AWSError) {
        guard tags.count <= 50 else { throw .invalid("Too many tags: a table has 50 at most") }
    }
}
