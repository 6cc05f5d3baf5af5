/// What the operations on single items have in common: they are answered on the event loop.

import AWSWire
import NodeMetrics

/// A request for one item, or for a change of one.
protocol ItemRequest: WireReadable, NamesTable {
    var consumed: String? { get }
}

extension ItemRequest {
    var detail: Capacity.Detail { consumed.flatMap { Capacity.Detail(rawValue: $0) } ?? .none }
}

protocol ItemOperation: DirectOperation where Service == Dynamo, Request: ItemRequest {
    static var rules: [Rule<Request>] { get }
    static func start(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: DirectCall)
}

extension ItemOperation {
    static var errors: [AWSError.Name] {
        [.resourceNotFound, .conditionalCheckFailed, .provisionedThroughputExceeded, .validation]
    }
    /// An item of 400 KB in JSON, where a byte may take six characters, and an older one beside it.
    static var memoryBound: Int { 5 << 20 }

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ dynamo: Dynamo) throws(AWSError) -> Request {
        try format.request(Request.self, body, rules: rules, depthLimit: 2 * AttributeValue.mostLevels + 16)
    }

    static func resources(_ request: borrowing Request, _ dynamo: Dynamo) -> [ResourceName] {
        [Dynamo.resource(request.tableName)]
    }

    static func start(_ request: consuming Request, _ dynamo: Dynamo, _ call: DirectCall) {
        let request = request
        if let tables = dynamo.opener.opened { return start(request, tables, dynamo, call) }
        Task {
            do throws(AWSError) {
                let tables = try await dynamo.opener.tables()
                call.loop.run { start(request, tables, dynamo, call) }
            } catch {
                call.loop.run { call.fail(error) }
            }
        }
    }

    static func answer(_ call: DirectCall, _ write: (inout WireWriter) -> Void) {
        var writer = WireWriter(call.format)
        writer.object { write(&$0) }
        let count = writer.count
        // What an answer takes is as large as the item that was loaded for it.
        guard count < 64 << 10 || call.memory.extend(by: count) else {
            return call.fail(AWSError(.serviceUnavailable, "The node has too many requests in memory. Try again later."))
        }
        call.succeed(capacity: count) { memory in
            writer.withBytes { memory.copyMemory(from: $0) }
            return count
        }
    }
}

extension ItemOperation where Request: WriteRequest {
    static func start(_ request: Request, _ tables: Tables, _ dynamo: Dynamo, _ call: DirectCall) {
        let table = request.table
        tables.write(request.write, on: call.loop) { result in
            switch result {
            case .success(let decision):
                dynamo.metrics.table(table).writes.add()
                answer(call) { writer in
                    writer.item("Attributes", request.shown(decision))
                    guard request.detail != .none, let known = tables.find(table) else { return }
                    writer.consumed(Capacity(of: decision, known), request.detail)
                }
            case .failure(let error):
                if error.name == .conditionalCheckFailed { dynamo.metrics.table(table).refusals.add() }
                call.fail(error)
            }
        }
    }
}

/// A request for a change of one item.
protocol WriteRequest: ItemRequest {
    var write: ItemWrite { get }
    var returnValues: String? { get }
}

extension WriteRequest {
    /// The member Attributes.
    func shown(_ decision: ItemWrite.Decision) -> Item? {
        switch returnValues {
        case "ALL_OLD": decision.old?.item
        case "ALL_NEW": decision.new
        case "UPDATED_OLD": updated(decision.old?.item)
        case "UPDATED_NEW": updated(decision.new)
        default: nil
        }
    }

    private func updated(_ item: Item?) -> Item? {
        guard case .update(let program) = write.action, let item else { return nil }
        let part = Projection(program.paths).of(item)
        return part.isEmpty ? nil : part
    }

    static var returnValuesRule: Rule<Self> {
        .member(
            "returnValues", \.returnValues, .oneOf(["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]))
    }
    static var consumedRule: Rule<Self> { .member("returnConsumedCapacity", \.consumed, Capacity.rule) }

    /// Puts and deletions have no new values to show.
    static func checkOldOnly(_ returnValues: String?) throws(AWSError) {
        switch returnValues {
        case "ALL_NEW", "UPDATED_NEW", "UPDATED_OLD": throw .invalid("Return values set to invalid value")
        default: return
        }
    }
}
