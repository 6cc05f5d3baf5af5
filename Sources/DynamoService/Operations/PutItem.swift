/// PutItem: makes an item or replaces it whole; it is durable when the answer is sent (DynamoDB API, PutItem).

import AWSWire

enum PutItem: ItemOperation {
    struct Request: WriteRequest {
        var tableName, consumed, returnValues: String?
        var write: ItemWrite

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            consumed = try fields.string("ReturnConsumedCapacity")
            returnValues = try fields.string("ReturnValues")
            try Self.checkOldOnly(returnValues)
            guard let item = fields["Item"] else {
                throw .invalid(
                    "1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null")
            }
            let parts = try WriteParts(fields)
            write = ItemWrite(
                table: tableName ?? "", action: .put, item: try AttributeValue.item(item), condition: parts.condition,
                showsItem: try fields.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule, Request.returnValuesRule, Request.consumedRule]
}
