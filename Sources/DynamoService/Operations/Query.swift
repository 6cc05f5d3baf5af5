/// Query: the items of one partition, in the order of their sort keys (DynamoDB API, Query).

import AWSWire
import LatestValues
import NodeMetrics

enum Query: TableOperation {
    typealias Response = PageResponse

    struct Request: PageRequest {
        var parts: PageParts
        var isForward: Bool

        init(_ fields: WireFields) throws(AWSError) {
            parts = try PageParts(fields, isQuery: true)
            isForward = try fields.boolean("ScanIndexForward") ?? true
        }
    }

    static let rules: [Rule<Request>] = Request.pageRules

    static func resources(_ request: Request) -> [ResourceName] {
        [Dynamo.resource(request.tableName, index: request.parts.indexName)]
    }

    static func run(
        _ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall
    ) async throws(AWSError) -> PageResponse {
        guard let condition = request.parts.keyCondition else {
            throw .invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
        }
        var reader = try request.parts.reader(tables)
        let keys = reader.index?.keys ?? reader.table.keys
        let key = try KeyCondition(condition, partition: keys[0], sort: keys.count > 1 ? keys[1] : nil)
        if let name = request.parts.filter?.attributes.first(where: { name in keys.contains { $0.name == name } }) {
            throw .invalid(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: "
                    + String(decoding: name, as: UTF8.self))
        }
        let prefix = KeyCoding.prefix(
            table: reader.table.number, index: reader.index?.definition.number ?? KeyCoding.base, partition: key.partition)
        reader.range = KeyRange(partition: prefix, key.sort)
        reader.isDescending = !request.isForward
        if let start = request.parts.startKey { try reader.start(after: start, of: key.partition) }
        let page = try await reader.page(tables, call.memory)
        dynamo.metrics.table(request.table).reads.add(page.scanned)
        return PageResponse(page, reader, request.parts)
    }
}
