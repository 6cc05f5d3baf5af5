/// Scan: all items of a table or an index, in no order, as a whole or in segments (DynamoDB API, Scan).

import AWSWire
import LatestValues
import NodeMetrics

enum Scan: TableOperation {
    typealias Response = PageResponse

    struct Request: PageRequest {
        var parts: PageParts
        var segment, totalSegments: Int?

        init(_ fields: WireFields) throws(AWSError) {
            parts = try PageParts(fields, isQuery: false)
            segment = try fields.integer("Segment")
            totalSegments = try fields.integer("TotalSegments")
        }
    }

    static let rules: [Rule<Request>] =
        Request.pageRules + [
            .member("totalSegments", \.totalSegments, .atLeast(1), .atMost(1_000_000)),
            .member("segment", \.segment, .atLeast(0), .atMost(999_999)),
        ]

    static func resources(_ request: Request) -> [ResourceName] {
        [Dynamo.resource(request.tableName, index: request.parts.indexName)]
    }

    static func run(
        _ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall
    ) async throws(AWSError) -> PageResponse {
        var reader = try request.parts.reader(tables)
        let prefix = KeyCoding.prefix(table: reader.table.number, index: reader.index?.definition.number ?? KeyCoding.base)
        reader.range = KeyRange.prefix(prefix)
        if let (segment, count) = try segments(request) {
            let (start, end) = KeyCoding.segment(segment, of: count)
            reader.range = KeyRange(from: prefix + start, to: end.map { prefix + $0 } ?? reader.range.end)
        }
        if let start = request.parts.startKey { try reader.start(after: start, of: nil) }
        let page = try await reader.page(tables, call.memory)
        dynamo.metrics.table(request.table).reads.add(page.scanned)
        return PageResponse(page, reader, request.parts)
    }

    private static func segments(_ request: Request) throws(AWSError) -> (Int, Int)? {
        switch (request.segment, request.totalSegments) {
        case (nil, nil): return nil
        case (nil, _):
            throw .invalid(
                "The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
        case (_, nil):
            throw .invalid(
                "The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
        case (.some(let segment), .some(let count)):
            guard segment < count else {
                throw .invalid(
                    "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: \(segment) is not "
                        + "less than TotalSegments: \(count)")
            }
            return (segment, count)
        }
    }
}
