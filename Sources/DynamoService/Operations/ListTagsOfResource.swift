/// ListTagsOfResource: the tags of a table (DynamoDB API, ListTagsOfResource).

import AWSWire

enum ListTagsOfResource: TableOperation {
    struct Request: WireReadable {
        var table: String

        init(_ fields: WireFields) throws(AWSError) { table = try TableName.name(ofResource: fields.string("ResourceArn")) }
    }

    struct Response: AWSResponse {
        var tags: [(key: String, value: String)]

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Tags", tags) { writer, tag in
                    writer.object { writer in
                        writer.field("Key", tag.key)
                        writer.field("Value", tag.value)
                    }
                }
            }
        }
    }

    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.table)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        guard let table = tables.find(request.table) else { throw .resourceArnNotFound(dynamo.arn(request.table, call.region)) }
        return Response(tags: table.definition.tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
}
