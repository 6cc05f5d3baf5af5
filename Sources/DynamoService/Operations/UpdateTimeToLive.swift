/// UpdateTimeToLive: names the attribute by which items expire, or none (DynamoDB API, UpdateTimeToLive).

import AWSWire
import LatestValues

enum UpdateTimeToLive: TableOperation {
    struct Request: WireReadable, NamesTable {
        var tableName, attribute: String?
        var isEnabled: Bool

        init(_ fields: WireFields) throws(AWSError) {
            tableName = try TableName.read(fields)
            guard let value = fields["TimeToLiveSpecification"] else {
                throw .invalid(
                    "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: Member must not be null"
                )
            }
            let inner = try WireFields(value)
            attribute = try inner.string("AttributeName")
            isEnabled = try inner.boolean("Enabled") ?? false
        }
    }

    struct Response: AWSResponse {
        var attribute: String
        var isEnabled: Bool

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("TimeToLiveSpecification") { writer in
                    writer.field("Enabled", isEnabled)
                    writer.field("AttributeName", attribute)
                }
            }
        }
    }

    static let rules: [Rule<Request>] =
        [
            Request.tableRule,
            .member("timeToLiveSpecification.attributeName", \.attribute, .notNull, .minLength(1), .maxLength(255)),
        ]
    static func resources(_ request: Request) -> [ResourceName] { [Dynamo.resource(request.tableName)] }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        let attribute = request.attribute ?? ""
        guard let table = tables.find(request.table) else { throw .tableNotFound(request.table) }
        let prefix = KeyCoding.prefix(table: table.number, index: KeyCoding.expiries)
        // The times of the attribute before are still being removed: new ones would be removed with them.
        guard !request.isEnabled || tables.latest.revision(of: KeyCoding.removal(of: prefix)) == nil else {
            throw .invalid("Time to live has been modified multiple times within a fixed interval")
        }
        let removals = request.isEnabled ? [] : [LatestChange.removal(of: prefix)]
        _ = try await tables.change(request.table, with: removals) { old throws(AWSError) in
            guard var new = old, new.number == table.number else { throw .tableNotFound(request.table) }
            switch (new.timeToLive, request.isEnabled) {
            case (nil, true): new.timeToLive = TableDefinition.TimeToLive(attribute: attribute, isFilled: false)
            case (.some(let current), true):
                throw .invalid(
                    current.attribute == attribute
                        ? "TimeToLive is already enabled"
                        : "TimeToLive is active on a different AttributeName: current AttributeName is \(current.attribute)")
            case (nil, false): throw .invalid("TimeToLive is already disabled")
            case (.some(let current), false):
                guard current.attribute == attribute else {
                    throw .invalid(
                        "TimeToLive is active on a different AttributeName: current AttributeName is \(current.attribute)")
                }
                new.timeToLive = nil
            }
            return new
        }
        return Response(attribute: attribute, isEnabled: request.isEnabled)
    }
}
