/// BatchGetItem: up to 100 items by their keys, of one table or several (DynamoDB API, BatchGetItem).

import AWSWire
import NodeMetrics

enum BatchGetItem: TableOperation {
    struct Part: Sendable {
        var table: String
        var keys: [Item]
        var projection: Projection?
        var isConsistent: Bool
        /// As it came, for what is left to be asked for.
        var request: JSONObject
    }

    struct Request: WireReadable {
        var parts: [Part] = []
        var consumed: String?

        init(_ fields: WireFields) throws(AWSError) {
            consumed = try fields.string("ReturnConsumedCapacity")
            guard let map = fields["RequestItems"], map.kind == .object else {
                throw .invalid(
                    "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null"
                )
            }
            for member in map.members {
                let name = TableName.name(in: String(decoding: try AttributeValue.text(member.name), as: UTF8.self))
                parts.append(try Part(name, WireFields(member.value)))
            }
            let keys = parts.reduce(0) { $0 + $1.keys.count }
            guard keys > 0 else { throw .invalid("The list of keys in RequestItems for BatchGetItem is required") }
            guard keys <= 100 else { throw .invalid("Too many items requested for the BatchGetItem call") }
        }
    }

    struct Response: AWSResponse {
        var items: [(table: String, items: [Item])] = []
        var unprocessed: [(table: String, request: JSONValue)] = []
        var capacities: [Capacity] = []
        var detail: Capacity.Detail

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("Responses") { writer in
                    for (table, items) in items {
                        Array(table.utf8).withUnsafeBytes { writer.name(utf8: $0) }
                        writer.values { writer in for item in items { writer.value(item) } }
                    }
                }
                writer.object("UnprocessedKeys") { writer in
                    for (table, request) in unprocessed { writer.field(named: table, request) }
                }
                writer.consumed(capacities, detail)
            }
        }
    }

    /// The most bytes of items in one answer.
    private static let mostBytes = 16 << 20

    static func resources(_ request: Request) -> [ResourceName] { request.parts.map { Dynamo.resource($0.table) } }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        var response = Response(detail: request.consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none)
        var bytes = 0
        var hasRoom = true
        for part in request.parts {
            let table = try tables.active(part.table)
            var places: [[UInt8]] = []
            for key in part.keys { places.append(KeyCoding.key(table: table.number, try table.key(named: key))) }
            guard Set(places).count == places.count else { throw .invalid("Provided list of item keys contains duplicates") }
            var (items, units, read) = ([Item](), 0.0, 0)
            for place in places {
                guard bytes < mostBytes, hasRoom else { break }
                let item = try await tables.load(place)?.item
                read += 1
                units += Capacity.read(item?.itemSize ?? 0, isConsistent: part.isConsistent)
                guard let item else { continue }
                bytes += item.itemSize
                let shown = part.projection?.of(item) ?? item
                guard call.memory.extend(by: 200 + 4 * shown.itemSize) else {
                    // What there is no memory for is left for the next call; only an answer with nothing in it is a refusal.
                    guard !items.isEmpty || !response.items.isEmpty else {
                        throw AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later.")
                    }
                    hasRoom = false
                    read -= 1
                    break
                }
                items.append(shown)
            }
            dynamo.metrics.table(part.table).reads.add(read)
            response.items.append((part.table, items))
            response.capacities.append(Capacity(table: part.table, units: units))
            if read < part.keys.count { response.unprocessed.append((part.table, part.left(after: read))) }
        }
        return response
    }
}

extension BatchGetItem.Part {
    init(_ table: String, _ fields: WireFields) throws(AWSError) {
        self.table = table
        isConsistent = try fields.boolean("ConsistentRead") ?? false
        keys = try fields.list("Keys") { key throws(AWSError) in try AttributeValue.item(key) } ?? []
        var inputs = ExpressionInputs(names: try ExpressionInputs(fields).names)
        let expressions = LegacyMixing.present(["ProjectionExpression"], fields)
        try LegacyMixing.check(LegacyMixing.present(["AttributesToGet"], fields), expressions)
        try inputs.check(hasExpressions: !expressions.isEmpty, valuesWhere: "ProjectionExpression")
        projection = try ProjectionParts.read(fields, &inputs)
        try inputs.checkUsed()
        request = JSONValue(fields.object).object ?? JSONObject()
    }

    /// The request for those keys that were not come to.
    fileprivate func left(after count: Int) -> JSONValue {
        var request = request
        request["Keys"] = request["Keys"]?.array.map { .array(Array($0.dropFirst(count))) }
        return .object(request)
    }
}
