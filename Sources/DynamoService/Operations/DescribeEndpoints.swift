/// DescribeEndpoints: where to call, for clients that ask first (DynamoDB API, DescribeEndpoints).

import AWSWire

enum DescribeEndpoints: TableOperation {
    struct Request: WireReadable {
        init(_ fields: WireFields) throws(AWSError) {}
    }

    struct Response: AWSResponse {
        var address: String

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Endpoints", [address]) { writer, address in
                    writer.object { writer in
                        writer.field("Address", address)
                        writer.field("CachePeriodInMinutes", 1440)
                    }
                }
            }
        }
    }

    static func resources(_ request: Request) -> [ResourceName] { [.all(of: "dynamodb")] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        Response(address: dynamo.settings.endpoint)
    }
}
