/// DescribeContinuousBackups: tables have no continuous backups of their own here; `millrace backup` covers them (DynamoDB API).

import AWSWire

enum DescribeContinuousBackups: TableOperation {
    typealias Request = DescribeTable.Request

    struct Response: AWSResponse {
        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("ContinuousBackupsDescription") { writer in
                    writer.field("ContinuousBackupsStatus", "DISABLED")
                    writer.object("PointInTimeRecoveryDescription") { $0.field("PointInTimeRecoveryStatus", "DISABLED") }
                }
            }
        }
    }

    static let rules: [Rule<Request>] = [Request.tableRule]
    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        guard tables.find(request.table) != nil else { throw .tableNotFound(request.table) }
        return Response()
    }
}
