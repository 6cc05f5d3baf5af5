/// TransactWriteItems: up to 100 writes and checks, all or none, once for each token (DynamoDB API, TransactWriteItems).

import AWSWire
import LatestValues
import NodeMetrics

enum TransactWriteItems: TableOperation {
    struct Request: WireReadable {
        var writes: [ItemWrite] = []
        var token, consumed: String?
        /// Of the writes, so that another request under the same token is told from the same.
        var digest: [UInt8] = []

        init(_ fields: WireFields) throws(AWSError) {
            token = try fields.string("ClientRequestToken")
            consumed = try fields.string("ReturnConsumedCapacity")
            if let token, !(1...36).contains(token.utf16.count) {
                throw .invalid(
                    "1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must have length "
                        + (token.isEmpty ? "greater than or equal to 1" : "less than or equal to 36"))
            }
            writes = try fields.list("TransactItems") { value throws(AWSError) in try Self.write(WireFields(value)) } ?? []
            guard (1...100).contains(writes.count) else {
                throw .invalid(
                    "1 validation error detected: Value '[\(writes.count) items]' at 'transactItems' failed to satisfy constraint: "
                        + "Member must have length \(writes.isEmpty ? "greater than or equal to 1" : "less than or equal to 100")")
            }
            if token != nil, let items = fields["TransactItems"] {
                digest = JSONValue(items).sortedByName.serialized.withUnsafeBytes { SHA256.digest($0) }
            }
        }

        private static func write(_ fields: WireFields) throws(AWSError) -> ItemWrite {
            var found: ItemWrite?
            for (name, make) in kinds {
                guard let value = fields.object.members.first(where: { $0.name.string == name })?.value, !value.isNull else {
                    continue
                }
                guard found == nil else {
                    throw .invalid("TransactItems can only contain one of Check, Put, Update or Delete")
                }
                found = try make(WireFields(value))
            }
            guard let found else { throw .invalid("TransactItems can only contain one of Check, Put, Update or Delete") }
            return found
        }

        private typealias Maker = @Sendable (WireFields) throws(AWSError) -> ItemWrite
        private static let kinds: [(String, Maker)] = [
            (
                "ConditionCheck",
                { (fields) throws(AWSError) in
                    guard fields["ConditionExpression"] != nil else {
                        throw .invalid("The expression can not be empty: ConditionExpression of a ConditionCheck is null")
                    }
                    return try write(fields, .check, AttributeValue.key(fields), WriteParts(fields))
                }
            ),
            (
                "Put",
                { (fields) throws(AWSError) in
                    guard let item = fields["Item"] else { throw .invalid("The Item of a Put must not be null") }
                    return try write(fields, .put, AttributeValue.item(item), WriteParts(fields))
                }
            ),
            (
                "Delete",
                { (fields) throws(AWSError) in try write(fields, .delete, AttributeValue.key(fields), WriteParts(fields)) }
            ),
            (
                "Update",
                { (fields) throws(AWSError) in
                    let parts = try WriteParts(fields, hasUpdate: true)
                    guard let update = parts.update else { throw .invalid("The UpdateExpression of an Update must not be null") }
                    return try write(fields, .update(update), AttributeValue.key(fields), parts)
                }
            ),
        ]

        private static func write(
            _ fields: WireFields, _ action: ItemWrite.Action, _ item: Item, _ parts: WriteParts
        ) throws(AWSError) -> ItemWrite {
            ItemWrite(
                table: try TableName.read(fields) ?? "", action: action, item: item, condition: parts.condition,
                showsItem: try fields.string("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")
        }
    }

    struct Response: AWSResponse {
        var capacities: [Capacity]
        var detail: Capacity.Detail

        func write(to writer: inout WireWriter) {
            writer.object { $0.consumed(capacities, detail) }
        }
    }

    /// 4 MB of items in JSON, and their conditions.
    static var memoryBound: Int { 16 << 20 }
    /// The most bytes of items that a transaction may write.
    private static let mostBytes = 4 << 20

    static func resources(_ request: Request) -> [ResourceName] {
        request.writes.map { write in
            let operation =
                switch write.action {
                case .put: "PutItem"
                case .update: "UpdateItem"
                case .delete: "DeleteItem"
                case .check: "ConditionCheckItem"
                }
            return Dynamo.resource(write.table, operation: operation)
        }
    }

    static func run(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: AWSCall) async throws(AWSError) -> Response {
        let detail = request.consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none
        var targets: [ItemWrite.Target] = []
        for write in request.writes { targets.append(try write.target(tables)) }
        let keys = targets.map(\.key)
        guard Set(keys).count == keys.count else {
            throw .invalid("Transaction request cannot include multiple operations on one item")
        }
        let token = request.token.map { KeyCoding.token($0) }
        let locked = keys + (token.map { [$0] } ?? [])
        await tables.locks.acquire(locked)
        defer { tables.locks.release(locked) }
        if let token, let made = tables.tokens.find(token, now: tables.now) {
            guard made.digest == request.digest else {
                throw AWSError(
                    .idempotentParameterMismatch,
                    "DynamoDB rejected the request because it retried a request with a different payload "
                        + "but with an idempotent token that was already used.")
            }
            return Response(capacities: [], detail: detail)
        }
        let decisions = try await decide(request, targets, tables)
        try await make(decisions, targets, token, request.digest, tables)
        var capacities: [String: Capacity] = [:]
        for (decision, target) in zip(decisions, targets) {
            let name = target.table.definition.name
            dynamo.metrics.table(name).writes.add()
            let capacity = Capacity(of: decision, target.table).times(2)
            capacities[name] = capacities[name]?.adding(capacity) ?? capacity
        }
        return Response(capacities: Array(capacities.values), detail: detail)
    }

    /// - Throws: `.transactionCanceled` with a reason for each write.
    private static func decide(
        _ request: Request, _ targets: [ItemWrite.Target], _ tables: Tables
    ) async throws(AWSError) -> [ItemWrite.Decision] {
        var (decisions, reasons, bytes) = ([ItemWrite.Decision](), [AWSError?](), 0)
        for (write, target) in zip(request.writes, targets) {
            let old = try await tables.load(target.key)
            do throws(AWSError) {
                let decision = try write.decide(target, tables, old)
                bytes += decision.new?.itemSize ?? 0
                decisions.append(decision)
                reasons.append(nil)
            } catch {
                guard error.name == .conditionalCheckFailed || error.name == .validation else { throw error }
                reasons.append(error)
            }
        }
        if reasons.contains(where: { $0 != nil }) { throw canceled(reasons) }
        guard bytes <= mostBytes else { throw .invalid("Transaction request size exceeded the maximum allowed size") }
        return decisions
    }

    private static func canceled(_ reasons: [AWSError?]) -> AWSError {
        let codes = reasons.map { $0.map { $0.name == .validation ? "ValidationError" : "ConditionalCheckFailed" } ?? "None" }
        let list = zip(codes, reasons).map { code, reason -> JSONValue in
            var members = JSONObject([.init(name: "Code", value: .string(code))])
            members["Message"] = reason?.message.map { .string($0) }
            members["Item"] = reason?.particulars?["Item"]
            return .object(members)
        }
        return AWSError(
            .transactionCanceled,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [\(codes.joined(separator: ", "))]",
            particulars: JSONObject([.init(name: "CancellationReasons", value: .array(list))]))
    }

    private static func make(
        _ decisions: [ItemWrite.Decision], _ targets: [ItemWrite.Target], _ token: [UInt8]?, _ digest: [UInt8], _ tables: Tables
    ) async throws(AWSError) {
        var (changes, starts) = ([LatestChange](), [Int]())
        for decision in decisions {
            starts.append(changes.count)
            changes += decision.changes
        }
        let made = token.map { ($0, TransactionTokens.Made(time: tables.now, digest: digest)) }
        if let (token, made) = made { changes.append(LatestChange(token, to: TransactionTokens.value(made))) }
        guard !changes.isEmpty else { return }
        let revisions = try await tables.update(changes)
        if let (token, made) = made { tables.tokens.insert(token, made) }
        for (index, decision) in decisions.enumerated() where !decision.changes.isEmpty {
            if let new = decision.new { tables.cache.insert(targets[index].key, new, revision: revisions[starts[index]]) }
        }
    }
}

extension JSONValue {
    /// With the members of objects in the order of their names: many clients send them in any order, another one each time.
    fileprivate var sortedByName: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.sortedByName))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.sorted { $0.name < $1.name }.map { .init(name: $0.name, value: $0.value.sortedByName) }))
        default: self
        }
    }
}
