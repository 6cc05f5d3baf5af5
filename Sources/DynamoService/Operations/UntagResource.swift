/// UntagResource: removes tags of a table (DynamoDB API, UntagResource).

import AWSWire

enum UntagResource: TableOperation {
    typealias Response = Nothing

    struct Request: WireReadable {
        var table: String
        var keys: [String]

        init(_ fields: WireFields) throws(AWSError) {
            table = try TableName.name(ofResource: fields.string("ResourceArn"))
            keys = try fields.strings("TagKeys") ?? []
        }
    }

    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.table)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Nothing {
        _ = try await tables.change(request.table) { old throws(AWSError) in
            guard var new = old else { throw .resourceArnNotFound(dynamo.arn(request.table, call.region)) }
            for key in request.keys { new.tags[key] = nil }
            return new
        }
        return Nothing()
    }
}
