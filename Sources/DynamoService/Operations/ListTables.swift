/// ListTables: the names of all tables, a page at a time (DynamoDB API, ListTables).

import AWSWire

enum ListTables: TableOperation {
    struct Request: WireReadable {
        var start: String?
        var limit: Int?

        init(_ fields: WireFields) throws(AWSError) {
            start = try fields.string("ExclusiveStartTableName")
            limit = try fields.integer("Limit")
        }
    }

    struct Response: AWSResponse {
        var names: [String]
        var last: String?

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("TableNames", names)
                writer.field("LastEvaluatedTableName", last)
            }
        }
    }

    static let rules: [Rule<Request>] = [.member("limit", \.limit, .atLeast(1), .atMost(100))]
    static func resources(_ request: Request) -> [ResourceName] { [.all(of: "dynamodb")] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        let names = tables.all.map(\.definition.name).filter { name in request.start.map { name > $0 } ?? true }
        let page = Array(names.prefix(request.limit ?? 100))
        return Response(names: page, last: page.count < names.count ? page.last : nil)
    }
}
