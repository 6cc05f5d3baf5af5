/// DescribeTable: a table's schema, settings and state (DynamoDB API, DescribeTable).

import AWSWire

enum DescribeTable: TableOperation {
    typealias Response = TableDescription

    struct Request: WireReadable, NamesTable {
        var tableName: String?
        init(_ fields: WireFields) throws(AWSError) { tableName = try TableName.read(fields) }
    }

    static let rules: [Rule<Request>] = [Request.tableRule]
    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(
        _ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall
    ) async throws(AWSError) -> TableDescription {
        guard let table = tables.find(request.table) else { throw .tableNotFound(request.table) }
        let isUpdating = table.definition.indexes.contains { !$0.isFilled }
        let status = tables.isCreating(table) ? "CREATING" : isUpdating ? "UPDATING" : "ACTIVE"
        return TableDescription("Table", table.definition, status: status, dynamo, call).counted(tables)
    }
}
