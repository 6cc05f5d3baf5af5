/// UpdateItem: changes attributes of an item, or makes it (DynamoDB API, UpdateItem).

import AWSWire

enum UpdateItem: ItemOperation {
    struct Request: WriteRequest {
        var tableName, consumed, returnValues: String?
        var write: ItemWrite

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            consumed = try fields.string("ReturnConsumedCapacity")
            returnValues = try fields.string("ReturnValues")
            let parts = try WriteParts(fields, hasUpdate: true)
            write = ItemWrite(
                table: tableName ?? "", action: .update(parts.update ?? UpdateProgram()), item: try AttributeValue.key(fields),
                condition: parts.condition, showsItem: try fields.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule, Request.returnValuesRule, Request.consumedRule]
}
