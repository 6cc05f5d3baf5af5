/// DeleteTable: a table is gone at once; its items are removed behind the calls (DynamoDB API, DeleteTable).

import AWSWire
import LatestValues

enum DeleteTable: TableOperation {
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
        let definition = table.definition
        guard !tables.isCreating(table) else {
            throw AWSError(
                .resourceInUse, "Attempt to change a resource which is still in use: Table is being created: \(request.table)")
        }
        guard !definition.isProtected else {
            throw .invalid(
                "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
        }
        let removal = LatestChange.removal(of: KeyCoding.prefix(table: table.number))
        _ = try await tables.change(request.table, with: [removal]) { old throws(AWSError) in
            guard old?.number == definition.number else { throw .tableNotFound(request.table) }
            return nil
        }
        dynamo.metrics.forget(request.table)
        return TableDescription("TableDescription", definition, status: "DELETING", dynamo, call)
    }
}
