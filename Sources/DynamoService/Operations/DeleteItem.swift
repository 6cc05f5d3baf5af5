/// DeleteItem: removes an item, whether there is one or not (DynamoDB API, DeleteItem).

import AWSWire

enum DeleteItem: ItemOperation {
    struct Request: WriteRequest {
        var tableName, consumed, returnValues: String?
        var write: ItemWrite

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            consumed = try fields.string("ReturnConsumedCapacity")
            returnValues = try fields.string("ReturnValues")
            try Self.checkOldOnly(returnValues)
            let parts = try WriteParts(fields)
            write = ItemWrite(
                table: tableName ?? "", action: .delete, item: try AttributeValue.key(fields), condition: parts.condition,
                showsItem: try fields.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule, Request.returnValuesRule, Request.consumedRule]
}

extension AttributeValue {
    /// The member Key.
    static func key(_ fields: WireFields) throws(AWSError) -> Item {
        guard let key = fields["Key"] else {
            throw .invalid("1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null")
        }
        return try item(key)
    }
}
