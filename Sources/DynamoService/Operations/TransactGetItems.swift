/// TransactGetItems: up to 100 items as they were at one moment (DynamoDB API, TransactGetItems).

import AWSWire
import NodeMetrics

enum TransactGetItems: TableOperation {
    struct Part: WireReadable {
        var table: String
        var key: Item
        var projection: Projection?

        init(_ fields: WireFields) throws(AWSError) {
            guard let get = fields["Get"] else { throw .invalid("TransactItems can only contain Get") }
            let fields = try WireFields(get)
            table = try TableName.read(fields) ?? ""
            key = try AttributeValue.key(fields)
            var inputs = ExpressionInputs(names: try ExpressionInputs(fields).names)
            try inputs.check(hasExpressions: fields["ProjectionExpression"] != nil, valuesWhere: "ProjectionExpression")
            projection = try ProjectionParts.read(fields, &inputs)
            try inputs.checkUsed()
        }
    }

    struct Request: WireReadable {
        var parts: [Part]
        var consumed: String?

        init(_ fields: WireFields) throws(AWSError) {
            consumed = try fields.string("ReturnConsumedCapacity")
            parts = try fields.list("TransactItems") ?? []
            guard (1...100).contains(parts.count) else {
                throw .invalid(
                    "1 validation error detected: Value '[\(parts.count) items]' at 'transactItems' failed to satisfy constraint: "
                        + "Member must have length \(parts.isEmpty ? "greater than or equal to 1" : "less than or equal to 100")")
            }
        }
    }

    struct Response: AWSResponse {
        var items: [Item?]
        var capacities: [Capacity]
        var detail: Capacity.Detail

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Responses", items) { writer, item in writer.object { $0.item("Item", item) } }
                writer.consumed(capacities, detail)
            }
        }
    }

    static func resources(_ request: Request) -> [ResourceName] {
        request.parts.map { Dynamo.resource($0.table, operation: "GetItem") }
    }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        var keys: [[UInt8]] = []
        for part in request.parts {
            let table = try tables.active(part.table)
            keys.append(KeyCoding.key(table: table.number, try table.key(named: part.key)))
        }
        guard Set(keys).count == keys.count else {
            throw .invalid("Transaction request cannot include multiple operations on one item")
        }
        // Nobody changes one of them between the reads.
        await tables.locks.acquire(keys)
        defer { tables.locks.release(keys) }
        var (items, capacities) = ([Item?](), [String: Capacity]())
        for (part, key) in zip(request.parts, keys) {
            let item = try await tables.load(key)?.item
            dynamo.metrics.table(part.table).reads.add()
            let capacity = Capacity(table: part.table, units: 2 * Capacity.read(item?.itemSize ?? 0, isConsistent: true))
            capacities[part.table] = capacities[part.table]?.adding(capacity) ?? capacity
            guard call.memory.extend(by: 200 + 4 * (item?.itemSize ?? 0)) else {
                throw AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later.")
            }
            items.append(item.map { item in part.projection?.of(item) ?? item })
        }
        return Response(
            items: items, capacities: Array(capacities.values),
            detail: request.consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none)
    }
}
