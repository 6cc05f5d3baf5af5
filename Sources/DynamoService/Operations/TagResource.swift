/// TagResource: adds tags to a table, or gives those it has another value (DynamoDB API, TagResource).

import AWSWire

enum TagResource: TableOperation {
    typealias Response = Nothing

    struct Request: WireReadable {
        var table: String
        var tags: [String: String]

        init(_ fields: WireFields) throws(AWSError) {
            table = try TableName.name(ofResource: fields.string("ResourceArn"))
            tags = try TableTags.read(fields)
        }
    }

    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.table)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Nothing {
        _ = try await tables.change(request.table) { old throws(AWSError) in
            guard var new = old else { throw .resourceArnNotFound(dynamo.arn(request.table, call.region)) }
            new.tags.merge(request.tags) { $1 }
            try TableTags.check(new.tags)
            return new
        }
        return Nothing()
    }
}

extension AWSError {
    static func resourceArnNotFound(_ arn: String) -> AWSError {
        AWSError(.resourceNotFound, "Requested resource not found: ResourcArn: \(arn) not found")
    }
}
