/// CreateTable: makes an empty table with its indexes (DynamoDB API, CreateTable).

import AWSWire

enum CreateTable: TableOperation {
    typealias Response = TableDescription

    struct Request: WireReadable, NamesTable {
        var tableName: String?
        var attributes: [TableDefinition.AttributeDefinition]
        var schema: KeySchema
        var indexes: [IndexDefinition] = []
        var billing: TableDefinition.Billing
        var isProtected: Bool
        var tableClass: String?
        var tags: [String: String]

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try fields.string("TableName")
            try TableRefusals.check(fields)
            attributes = try KeySchemaReading.definitions(fields) ?? []
            schema = try KeySchemaReading.schema(fields, attributes)
            isProtected = try fields.boolean("DeletionProtectionEnabled") ?? false
            tableClass = try fields.string("TableClass")
            tags = try TableTags.read(fields)
            billing = try Self.billing(fields)
            for (member, isLocal) in [("LocalSecondaryIndexes", true), ("GlobalSecondaryIndexes", false)] as [(StaticString, Bool)]
            {
                let definitions = attributes
                indexes +=
                    try fields.list(member) { value throws(AWSError) in
                        try KeySchemaReading.index(WireFields(value), definitions, isLocal: isLocal, isFilled: true)
                    } ?? []
            }
            for number in indexes.indices { indexes[number].number = UInt16(number + 1) }
            try check()
        }

        private static func billing(_ fields: WireFields) throws(AWSError) -> TableDefinition.Billing {
            let throughput: Throughput? = try fields.structure("ProvisionedThroughput")
            switch try fields.string("BillingMode") {
            case "PAY_PER_REQUEST":
                guard throughput == nil else {
                    throw .invalidParameter(
                        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
                }
                return TableDefinition.Billing(isOnDemand: true, read: 0, write: 0)
            case nil, "PROVISIONED":
                guard let throughput else {
                    throw .invalidParameter(
                        "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
                }
                return try throughput.billing("provisionedThroughput")
            case .some(let mode):
                throw .invalid(
                    "1 validation error detected: Value '\(mode.prefix(64))' at 'billingMode' failed to satisfy constraint: Member must "
                        + "satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]")
            }
        }

        private func check() throws(AWSError) {
            let names = indexes.map(\.name)
            guard Set(names).count == names.count else { throw .invalidParameter("Duplicate index name: \(names)") }
            let local = indexes.filter(\.isLocal)
            guard local.count <= 5, indexes.count - local.count <= 20 else {
                throw AWSError(.limitExceeded, "A table has 20 global and 5 local secondary indexes at most")
            }
            for index in local {
                guard schema.sort != nil else {
                    throw .invalidParameter(
                        "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
                }
                guard index.schema.partition.name == schema.partition.name, index.schema.sort != nil else {
                    throw .invalidParameter(
                        "Index KeySchema does not have the table's HASH key and a RANGE key of its own for index: \(index.name)")
                }
            }
            try KeySchemaReading.checkUsed(definition(number: 0, id: "", created: 0))
            try TableTags.check(tags)
        }

        func definition(number: UInt64, id: String, created: Int64) -> TableDefinition {
            TableDefinition(
                name: table, number: number, id: id, created: created, schema: schema, attributes: attributes, billing: billing,
                onDemandSince: billing.isOnDemand ? created : nil, indexes: indexes, nextIndex: UInt16(indexes.count + 1),
                isProtected: isProtected, tableClass: tableClass, tags: tags)
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule]

    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(
        _ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall
    ) async throws(AWSError) -> TableDescription {
        let (number, now) = (tables.takeNumber(), tables.now)
        let definition = try await tables.change(request.table) { old throws(AWSError) in
            guard old == nil else { throw AWSError(.resourceInUse, "Table already exists: \(request.table)") }
            return request.definition(number: number, id: newID(), created: now)
        }
        guard let definition else { throw AWSError(.internalFailure, "The table was not made.") }
        return TableDescription("TableDescription", definition, status: "CREATING", dynamo, call)
    }

    /// Random, in the form of RFC 9562.
    private static func newID() -> String {
        var random = SystemRandomNumberGenerator()
        let digits = Hexadecimal.text((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        var (id, rest) = ([Substring](), digits[...])
        for count in [8, 4, 4, 4, 12] {
            id.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return id.joined(separator: "-")
    }
}
