/// How requests name a table, and what holds of all of them.

import AWSWire

/// A request that names one table.
protocol NamesTable: Sendable {
    var tableName: String? { get }
}

extension NamesTable {
    /// The table's name or its ARN.
    static var tableRule: Rule<Self> {
        .member("tableName", \.tableName, .notNull, .pattern(.name), .minLength(3), .maxLength(255))
    }

    var table: String { tableName ?? "" }
}

enum TableName {
    /// The name in the member TableName, which may be an ARN.
    static func read(_ fields: WireFields, _ member: StaticString = "TableName") throws(AWSError) -> String? {
        try fields.string(member).map { name(in: $0) }
    }

    static func name(in text: String) -> String {
        guard let arn = ARN(text), arn.service == "dynamodb", arn.resource.hasPrefix("table/") else { return text }
        return String(arn.resource.dropFirst("table/".count).prefix { $0 != "/" })
    }

    /// The table that a ResourceArn names.
    static func name(ofResource arn: String?) throws(AWSError) -> String {
        guard let arn = arn.flatMap({ ARN($0) }), arn.service == "dynamodb", arn.resource.hasPrefix("table/") else {
            throw .invalid("Invalid TableArn: Invalid ResourceArn provided as input \(arn ?? "")")
        }
        return String(arn.resource.dropFirst("table/".count).prefix { $0 != "/" })
    }
}

/// The shape of an operation on the tables that may wait.
protocol TableOperation: AWSOperation where Service == Dynamo {
    static func resources(_ request: Request) -> [ResourceName]
    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response
}

extension TableOperation {
    static var rules: [Rule<Request>] { [] }
    static var errors: [AWSError.Name] {
        [
            .validation, .resourceNotFound, .resourceInUse, .limitExceeded, .conditionalCheckFailed, .transactionCanceled,
            .idempotentParameterMismatch, .provisionedThroughputExceeded,
        ]
    }
    static var memoryBound: Int { 1 << 20 }
    /// 32 levels of an item, two of JSON each, and what is around them.
    static var depthLimit: Int { 2 * AttributeValue.mostLevels + 16 }

    static func resources(_ request: Request, _ dynamo: Dynamo) -> [ResourceName] { resources(request) }

    static func run(_ request: Request, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        try await run(request, dynamo.opener.tables(), dynamo, call)
    }
}

extension AWSError {
    /// Where a table is needed that is not there, as control operations say it.
    static func tableNotFound(_ name: String) -> AWSError {
        AWSError(.resourceNotFound, "Requested resource not found: Table: \(name) not found")
    }
}
