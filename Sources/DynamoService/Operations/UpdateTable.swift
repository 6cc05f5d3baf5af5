/// UpdateTable: capacity, protection, and one global index made or removed (DynamoDB API, UpdateTable).

import AWSWire
import LatestValues

enum UpdateTable: TableOperation {
    typealias Response = TableDescription

    struct Request: WireReadable, NamesTable {
        var tableName: String?
        var attributes: [TableDefinition.AttributeDefinition]?
        var mode: String?
        var throughput: Throughput?
        var isProtected: Bool?
        var tableClass: String?
        var changes: [IndexChange]

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            try TableRefusals.check(fields)
            attributes = try KeySchemaReading.definitions(fields)
            mode = try fields.string("BillingMode")
            throughput = try fields.structure("ProvisionedThroughput")
            isProtected = try fields.boolean("DeletionProtectionEnabled")
            tableClass = try fields.string("TableClass")
            let definitions = attributes ?? []
            changes =
                try fields.list("GlobalSecondaryIndexUpdates") { value throws(AWSError) in
                    try IndexChange(WireFields(value), definitions)
                } ?? []
            let isEmpty =
                mode == nil && throughput == nil && isProtected == nil && tableClass == nil && changes.isEmpty
                && LegacyMixing.present(
                    ["OnDemandThroughput", "WarmThroughput", "StreamSpecification", "SSESpecification"], fields
                ).isEmpty
            if isEmpty {
                throw .invalid(
                    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
                        + "SSESpecification or ReplicaUpdates is required")
            }
        }
    }

    enum IndexChange: Sendable {
        case create(IndexDefinition)
        case update(String, Throughput?)
        case delete(String)

        init(_ fields: WireFields, _ definitions: [TableDefinition.AttributeDefinition]) throws(AWSError) {
            if let value = fields["Create"] {
                self = .create(try KeySchemaReading.index(WireFields(value), definitions, isLocal: false, isFilled: false))
            } else if let value = fields["Update"] {
                let inner = try WireFields(value)
                self = .update(try inner.string("IndexName") ?? "", try inner.structure("ProvisionedThroughput"))
            } else if let value = fields["Delete"] {
                self = .delete(try WireFields(value).string("IndexName") ?? "")
            } else {
                throw .invalidParameter("One of Create, Update or Delete is required in GlobalSecondaryIndexUpdates")
            }
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule]
    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(
        _ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall
    ) async throws(AWSError) -> TableDescription {
        guard let table = tables.find(request.table) else { throw .tableNotFound(request.table) }
        guard !tables.isCreating(table) else {
            throw AWSError(
                .resourceInUse, "Attempt to change a resource which is still in use: Table is being created: \(request.table)")
        }
        var removals: [LatestChange] = []
        for case .delete(let name) in request.changes {
            guard let index = table.index(name)?.definition, !index.isLocal else { throw indexNotFound(name) }
            removals.append(.removal(of: KeyCoding.prefix(table: table.number, index: index.number)))
        }
        let now = tables.now
        let definition = try await tables.change(request.table, with: removals) { old throws(AWSError) in
            guard var new = old, new.number == table.number else { throw .tableNotFound(request.table) }
            try change(&new, request, now)
            return new
        }
        guard let definition else { throw .tableNotFound(request.table) }
        return TableDescription("TableDescription", definition, status: "UPDATING", dynamo, call).counted(tables)
    }

    private static func indexNotFound(_ name: String) -> AWSError {
        AWSError(.resourceNotFound, "Requested resource not found: Index: \(name) not found")
    }

    private static func change(_ definition: inout TableDefinition, _ request: Request, _ now: Int64) throws(AWSError) {
        if let isProtected = request.isProtected { definition.isProtected = isProtected }
        if let tableClass = request.tableClass { definition.tableClass = tableClass }
        switch request.mode {
        case nil: break
        case "PAY_PER_REQUEST":
            definition.billing = TableDefinition.Billing(isOnDemand: true, read: 0, write: 0)
            definition.onDemandSince = now
        case "PROVISIONED":
            guard request.throughput != nil else {
                throw .invalidParameter(
                    "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
            }
        case .some(let mode):
            throw .invalid(
                "1 validation error detected: Value '\(mode.prefix(64))' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
            )
        }
        if let throughput = request.throughput {
            guard !definition.billing.isOnDemand || request.mode == "PROVISIONED" else {
                throw .invalidParameter(
                    "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
            }
            definition.billing = try throughput.billing("provisionedThroughput")
        }
        for attribute in request.attributes ?? [] where !definition.attributes.contains(attribute) {
            guard !definition.attributes.contains(where: { $0.name == attribute.name }) else {
                throw .invalidParameter("Attribute \(attribute.name) is defined with another type already")
            }
            definition.attributes.append(attribute)
        }
        let structural = request.changes.count { if case .update = $0 { false } else { true } }
        guard structural <= 1 else {
            throw AWSError(
                .limitExceeded,
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
        }
        for change in request.changes { try apply(change, to: &definition) }
        // What only a removed index spoke of is defined no longer; what nothing speaks of must not be.
        if request.attributes == nil { dropUnused(&definition) } else { try KeySchemaReading.checkUsed(definition) }
    }

    private static func dropUnused(_ definition: inout TableDefinition) {
        let names = ([definition.schema] + definition.indexes.map(\.schema)).flatMap { schema in
            [schema.partition.name] + (schema.sort.map { [$0.name] } ?? [])
        }
        definition.attributes.removeAll { !names.contains($0.name) }
    }

    private static func apply(_ change: IndexChange, to definition: inout TableDefinition) throws(AWSError) {
        switch change {
        case .create(var index):
            guard definition.index(index.name) == nil else {
                throw .invalid("Attempting to create an index which already exists")
            }
            guard definition.indexes.count(where: { !$0.isLocal }) < 20, definition.nextIndex < KeyCoding.expiries - 1 else {
                throw AWSError(.limitExceeded, "A table has 20 global secondary indexes at most")
            }
            guard definition.indexes.allSatisfy(\.isFilled) else {
                throw AWSError(
                    .limitExceeded,
                    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
            }
            index.number = definition.nextIndex
            definition.nextIndex += 1
            definition.indexes.append(index)
        case .update(let name, let throughput):
            guard let place = definition.indexes.firstIndex(where: { $0.name == name && !$0.isLocal }) else {
                throw indexNotFound(name)
            }
            if let throughput { definition.indexes[place].billing = try throughput.billing("provisionedThroughput") }
        case .delete(let name):
            guard let place = definition.indexes.firstIndex(where: { $0.name == name && !$0.isLocal }) else {
                throw indexNotFound(name)
            }
            definition.indexes.remove(at: place)
        }
    }
}
