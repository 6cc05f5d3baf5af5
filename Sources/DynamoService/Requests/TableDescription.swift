/// A table as DescribeTable and its like show it (DynamoDB API, TableDescription).

import AWSWire
import LatestValues

struct TableDescription: AWSResponse {
    /// Of the member that has it.
    var member: StaticString
    var definition: TableDefinition
    var status: String
    var arn: String
    var items: (keys: Int, bytes: Int) = (0, 0)
    var indexItems: [String: (keys: Int, bytes: Int)] = [:]

    init(_ member: StaticString, _ definition: TableDefinition, status: String, _ dynamo: Dynamo, _ call: AWSCall) {
        (self.member, self.definition, self.status) = (member, definition, status)
        arn = dynamo.arn(definition.name, call.region)
    }

    /// Counts the items.
    func counted(_ tables: Tables) -> TableDescription {
        var description = self
        let number = definition.number
        description.items = tables.latest.extent(of: .prefix(KeyCoding.prefix(table: number, index: KeyCoding.base)))
        for index in definition.indexes {
            description.indexItems[index.name] = tables.latest.extent(
                of: .prefix(KeyCoding.prefix(table: number, index: index.number)))
        }
        return description
    }

    func write(to writer: inout WireWriter) {
        writer.object { writer in writer.object(member) { writeMembers(to: &$0) } }
    }

    private func writeMembers(to writer: inout WireWriter) {
        writer.list("AttributeDefinitions", definition.attributes) { writer, attribute in
            writer.object { writer in
                writer.field("AttributeName", attribute.name)
                writer.field("AttributeType", attribute.type)
            }
        }
        writer.field("TableName", definition.name)
        Self.write(definition.schema, to: &writer)
        writer.field("TableStatus", status)
        writer.field("CreationDateTime", milliseconds: definition.created)
        Self.write(definition.billing, to: &writer)
        writer.field("TableSizeBytes", items.bytes)
        writer.field("ItemCount", items.keys)
        writer.field("TableArn", arn)
        writer.field("TableId", definition.id)
        if definition.billing.isOnDemand || definition.onDemandSince != nil {
            writer.object("BillingModeSummary") { writer in
                writer.field("BillingMode", definition.billing.isOnDemand ? "PAY_PER_REQUEST" : "PROVISIONED")
                writer.field("LastUpdateToPayPerRequestDateTime", milliseconds: definition.onDemandSince)
            }
        }
        if let tableClass = definition.tableClass {
            writer.object("TableClassSummary") { $0.field("TableClass", tableClass) }
        }
        writer.field("DeletionProtectionEnabled", definition.isProtected)
        write(definition.indexes.filter(\.isLocal), "LocalSecondaryIndexes", to: &writer)
        write(definition.indexes.filter { !$0.isLocal }, "GlobalSecondaryIndexes", to: &writer)
    }

    private func write(_ indexes: [IndexDefinition], _ member: StaticString, to writer: inout WireWriter) {
        guard !indexes.isEmpty else { return }
        writer.list(member, indexes) { writer, index in
            writer.object { writer in
                writer.field("IndexName", index.name)
                Self.write(index.schema, to: &writer)
                writer.object("Projection") { writer in
                    writer.field("ProjectionType", index.projection)
                    if !index.included.isEmpty { writer.list("NonKeyAttributes", index.included) }
                }
                if !index.isLocal {
                    writer.field("IndexStatus", status == "CREATING" || !index.isFilled ? "CREATING" : "ACTIVE")
                    if !index.isFilled { writer.field("Backfilling", true) }
                    Self.write(index.billing ?? definition.billing, to: &writer)
                }
                writer.field("IndexSizeBytes", indexItems[index.name]?.bytes ?? 0)
                writer.field("ItemCount", indexItems[index.name]?.keys ?? 0)
                writer.field("IndexArn", "\(arn)/index/\(index.name)")
            }
        }
    }

    private static func write(_ schema: KeySchema, to writer: inout WireWriter) {
        let elements = [(schema.partition, "HASH")] + (schema.sort.map { [($0, "RANGE")] } ?? [])
        writer.list("KeySchema", elements) { writer, element in
            writer.object { writer in
                writer.field("AttributeName", element.0.name)
                writer.field("KeyType", element.1)
            }
        }
    }

    private static func write(_ billing: TableDefinition.Billing, to writer: inout WireWriter) {
        writer.object("ProvisionedThroughput") { writer in
            writer.field("NumberOfDecreasesToday", 0)
            writer.field("ReadCapacityUnits", billing.read)
            writer.field("WriteCapacityUnits", billing.write)
        }
    }
}

/// What goes with a definition when the keys below a prefix are to be removed.
extension LatestChange {
    static func removal(of prefix: [UInt8]) -> LatestChange { LatestChange(KeyCoding.removal(of: prefix), to: [1]) }
}
