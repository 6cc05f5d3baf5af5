/// GetItem: an item by its key, as the last write that was acknowledged left it (DynamoDB API, GetItem).

import AWSWire
import NodeMetrics

enum GetItem: ItemOperation {
    struct Request: ItemRequest {
        var tableName, consumed: String?
        var key: Item
        var projection: Projection?
        var isConsistent: Bool

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            consumed = try fields.string("ReturnConsumedCapacity")
            isConsistent = try fields.boolean("ConsistentRead") ?? false
            var inputs = ExpressionInputs(names: try ExpressionInputs(fields).names)
            let expressions = LegacyMixing.present(["ProjectionExpression"], fields)
            try LegacyMixing.check(LegacyMixing.present(["AttributesToGet"], fields), expressions)
            try inputs.check(hasExpressions: !expressions.isEmpty, valuesWhere: "ProjectionExpression")
            projection = try ProjectionParts.read(fields, &inputs)
            try inputs.checkUsed()
            key = try AttributeValue.key(fields)
        }
    }

    static let rules: [Rule<Request>] =
        [Request.tableRule, .member("returnConsumedCapacity", \.consumed, Capacity.rule)]

    static func start(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: DirectCall) {
        let key: [UInt8]
        do throws(AWSError) {
            let table = try tables.active(request.table)
            key = KeyCoding.key(table: table.number, try table.key(named: request.key))
        } catch {
            return call.fail(error)
        }
        dynamo.metrics.table(request.table).reads.add()
        if let known = tables.cached(key) { return answer(known?.item, request, call) }
        Task {
            do throws(AWSError) {
                let stored = try await tables.load(key)
                call.loop.run { answer(stored?.item, request, call) }
            } catch {
                call.loop.run { call.fail(error) }
            }
        }
    }

    private static func answer(_ item: Item?, _ request: Request, _ call: DirectCall) {
        answer(call) { writer in
            writer.item("Item", item.map { item in request.projection?.of(item) ?? item })
            writer.consumed(
                Capacity(
                    table: request.table, units: Capacity.read(item?.itemSize ?? 0, isConsistent: request.isConsistent)),
                request.detail)
        }
    }
}
