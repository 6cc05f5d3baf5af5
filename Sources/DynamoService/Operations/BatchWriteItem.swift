/// BatchWriteItem: up to 25 puts and deletions, each for itself (DynamoDB API, BatchWriteItem).

import AWSWire
import NodeMetrics

enum BatchWriteItem: TableOperation {
    struct Part: Sendable {
        var write: ItemWrite
        /// As it came, for what is left to be done.
        var request: JSONValue
    }

    struct Request: WireReadable {
        var parts: [Part] = []
        var tables: [String] = []
        var consumed: String?

        init(_ fields: WireFields) throws(AWSError) {
            consumed = try fields.string("ReturnConsumedCapacity")
            guard let map = fields["RequestItems"], map.kind == .object else {
                throw .invalid(
                    "1 validation error detected: Value null at 'requestItems' failed to satisfy constraint: Member must not be null"
                )
            }
            for member in map.members {
                let table = TableName.name(in: String(decoding: try AttributeValue.text(member.name), as: UTF8.self))
                tables.append(table)
                guard member.value.kind == .array else { throw AWSError(.serialization, "Expected list or null") }
                for element in member.value.elements { parts.append(try Self.part(table, element)) }
            }
            guard !parts.isEmpty else {
                throw .invalid("The batch write request list for a table cannot be null or empty")
            }
            guard parts.count <= 25 else { throw .invalid("Too many items requested for the BatchWriteItem call") }
        }

        private static func part(_ table: String, _ value: WireValue) throws(AWSError) -> Part {
            let fields = try WireFields(value)
            let put = try fields["PutRequest"].map { value throws(AWSError) in try WireFields(value) }
            let deletion = try fields["DeleteRequest"].map { value throws(AWSError) in try WireFields(value) }
            let write: ItemWrite
            switch (put, deletion) {
            case (.some(let put), nil):
                guard let item = put["Item"] else {
                    throw .invalid(
                        "1 validation error detected: Value null at 'requestItems.\(table).member.1.member.putRequest.item' failed to satisfy constraint: Member must not be null"
                    )
                }
                write = ItemWrite(table: table, action: .put, item: try AttributeValue.item(item))
            case (nil, .some(let deletion)):
                write = ItemWrite(table: table, action: .delete, item: try AttributeValue.key(deletion))
            default:
                throw .invalid(
                    "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
            }
            return Part(write: write, request: JSONValue(value))
        }
    }

    struct Response: AWSResponse {
        var unprocessed: [(table: String, requests: [JSONValue])]
        var capacities: [Capacity]
        var detail: Capacity.Detail

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.object("UnprocessedItems") { writer in
                    for (table, requests) in unprocessed { writer.field(named: table, .array(requests)) }
                }
                writer.consumed(capacities, detail)
            }
        }
    }

    /// 16 MB of items in JSON.
    static var memoryBound: Int { 24 << 20 }

    static func resources(_ request: Request) -> [ResourceName] { request.tables.map { Dynamo.resource($0) } }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        var places: Set<[UInt8]> = []
        for part in request.parts {
            guard places.insert(try part.write.target(tables).key).inserted else {
                throw .invalid("Provided list of item keys contains duplicates")
            }
        }
        let results = await withTaskGroup(of: (Int, Result<ItemWrite.Decision, AWSError>).self) { group in
            for (index, part) in request.parts.enumerated() {
                group.addTask {
                    do throws(AWSError) { return (index, .success(try await tables.write(part.write))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return try answer(request, results, tables, dynamo)
    }

    private static func answer(
        _ request: Request, _ results: [Int: Result<ItemWrite.Decision, AWSError>], _ tables: Tables, _ dynamo: Dynamo
    ) throws(AWSError) -> Response {
        var (unprocessed, capacities) = ([String: [JSONValue]](), [String: Capacity]())
        for (index, part) in request.parts.enumerated() {
            let name = part.write.table
            switch results[index] {
            case .success(let decision):
                dynamo.metrics.table(name).writes.add()
                guard let table = tables.find(name) else { continue }
                let capacity = Capacity(of: decision, table)
                capacities[name] = capacities[name]?.adding(capacity) ?? capacity
            case .failure(let error) where error.name == .provisionedThroughputExceeded:
                unprocessed[name, default: []].append(part.request)
            case .failure(let error): throw error
            case nil: continue
            }
        }
        return Response(
            unprocessed: unprocessed.map { ($0.key, $0.value) }, capacities: Array(capacities.values),
            detail: request.consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none)
    }
}
