/// DescribeTimeToLive: by which attribute a table's items expire (DynamoDB API, DescribeTimeToLive).

import AWSWire

enum DescribeTimeToLive: TableOperation {
    typealias Request = DescribeTable.Request

    struct Response: AWSResponse {
        var timeToLive: TableDefinition.TimeToLive?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("TimeToLiveDescription") { writer in
                    let status = timeToLive.map { $0.isFilled ? "ENABLED" : "ENABLING" } ?? "DISABLED"
                    writer.field("TimeToLiveStatus", status)
                    writer.field("AttributeName", timeToLive?.attribute)
                }
            }
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule]
    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        guard let table = tables.find(request.table) else { throw .tableNotFound(request.table) }
        return Response(timeToLive: table.definition.timeToLive)
    }
}
