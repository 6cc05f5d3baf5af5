/// DescribeLimits: AWS's limits of capacity, none of which is enforced here (DynamoDB API, DescribeLimits).

import AWSWire

enum DescribeLimits: TableOperation {
    struct Request: WireReadable {
        init(_ fields: WireFields) throws(AWSError) {}
    }

    struct Response: AWSResponse {
        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("AccountMaxReadCapacityUnits", 80_000)
                writer.field("AccountMaxWriteCapacityUnits", 80_000)
                writer.field("TableMaxReadCapacityUnits", 40_000)
                writer.field("TableMaxWriteCapacityUnits", 40_000)
            }
        }
    }

    static func resources(_ request: Request) -> [ResourceName] { [.all(of: "dynamodb")] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        Response()
    }
}
