/// What requests that write or read one item have in common.

import AWSWire
import LatestValues

/// The expressions of one write.
struct WriteParts: Sendable {
    var condition: Condition?
    var update: UpdateProgram?

    /// Reads ConditionExpression, UpdateExpression and their placeholders, or the older forms.
    init(_ fields: WireFields, hasUpdate: Bool = false) throws(AWSError) {
        var inputs = try ExpressionInputs(fields)
        let conditionText = try fields.string("ConditionExpression")
        let updateText = hasUpdate ? try fields.string("UpdateExpression") : nil
        let expressions =
            (conditionText == nil ? [] : ["ConditionExpression"]) + (updateText == nil ? [] : ["UpdateExpression"])
        let older = LegacyMixing.present(["Expected", "AttributeUpdates", "ConditionalOperator"], fields)
        try LegacyMixing.check(older, expressions)
        try inputs.check(
            hasExpressions: !expressions.isEmpty,
            valuesWhere: hasUpdate ? "UpdateExpression and ConditionExpression" : "ConditionExpression")
        // In this order, for that is the order of the service's complaints.
        if let updateText { update = try UpdateParser.program(updateText, &inputs) }
        if let conditionText {
            condition = try ConditionParser.condition(conditionText, of: "ConditionExpression", &inputs)
        }
        try inputs.checkUsed()
        if !older.isEmpty {
            condition = try LegacyConditions.condition("Expected", fields, isExpectation: true)
            if hasUpdate { update = try LegacyConditions.updates(fields) }
        }
    }
}

enum LegacyMixing {
    /// A request is of the older form or of the newer one.
    static func check(_ older: [String], _ expressions: [String]) throws(AWSError) {
        guard !older.isEmpty, !expressions.isEmpty else { return }
        throw .invalid(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
                + "{\(older.joined(separator: ", "))} Expression parameters: {\(expressions.joined(separator: ", "))}")
    }

    /// Of the members named, those that a request has.
    static func present(_ names: [String], _ fields: WireFields) -> [String] {
        names.filter { name in
            fields.object.members.contains { member in
                let isNamed = member.name.plainBytes.map { $0.elementsEqual(name.utf8) } ?? (member.name.string == name)
                return isNamed && !member.value.isNull
            }
        }
    }
}

/// What of an item an answer shows.
struct ProjectionParts: Sendable {
    /// Nil for all.
    var projection: Projection?

    /// Reads ProjectionExpression, or AttributesToGet.
    static func read(_ fields: WireFields, _ inputs: inout ExpressionInputs) throws(AWSError) -> Projection? {
        if let text = try fields.string("ProjectionExpression") {
            return Projection(try ExpressionParser.projection(text, &inputs))
        }
        guard let names = try fields.strings("AttributesToGet") else { return nil }
        guard !names.isEmpty else {
            throw .invalid(
                "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must have length "
                    + "greater than or equal to 1")
        }
        guard Set(names).count == names.count else {
            throw .invalidParameter("Duplicate value in attribute name list: \(names)")
        }
        return Projection(attributes: names.map { AttributeName($0.utf8) })
    }
}

/// What an answer tells of capacity, which nobody is charged for.
struct Capacity: Sendable {
    enum Detail: String, Sendable {
        case indexes = "INDEXES"
        case total = "TOTAL"
        case none = "NONE"
    }

    var table: String
    var tableUnits: Double
    /// By the names of indexes.
    var indexUnits: [String: Double] = [:]
    var localIndexUnits: [String: Double] = [:]

    static let rule: Constraint = .oneOf(["INDEXES", "TOTAL", "NONE"])

    /// Units of a read of so many bytes.
    static func read(_ bytes: Int, isConsistent: Bool) -> Double {
        Double(max(1, (bytes + 4095) / 4096)) * (isConsistent ? 1 : 0.5)
    }

    /// Units of a write of so many bytes.
    static func write(_ bytes: Int) -> Double { Double(max(1, (bytes + 1023) / 1024)) }

    init(table: String, units: Double) { (self.table, tableUnits) = (table, units) }

    /// Of a write and what it came to in the indexes.
    init(of decision: ItemWrite.Decision, _ table: KnownTable) {
        self.init(
            table: table.definition.name,
            units: Self.write(max(decision.old?.item.itemSize ?? 0, decision.new?.itemSize ?? 0)))
        for change in decision.changes.dropFirst() where change.key.count > 10 {
            let number = UInt16(change.key[9]) << 8 | UInt16(change.key[10])
            guard let index = table.definition.indexes.first(where: { $0.number == number }) else { continue }
            let units = Self.write(change.value?.count ?? 1)
            if index.isLocal {
                localIndexUnits[index.name, default: 0] += units
            } else {
                indexUnits[index.name, default: 0] += units
            }
        }
    }

    func times(_ factor: Double) -> Capacity {
        var capacity = self
        capacity.tableUnits *= factor
        capacity.indexUnits = indexUnits.mapValues { $0 * factor }
        capacity.localIndexUnits = localIndexUnits.mapValues { $0 * factor }
        return capacity
    }

    func adding(_ other: Capacity) -> Capacity {
        var capacity = self
        capacity.tableUnits += other.tableUnits
        capacity.indexUnits.merge(other.indexUnits, uniquingKeysWith: +)
        capacity.localIndexUnits.merge(other.localIndexUnits, uniquingKeysWith: +)
        return capacity
    }

    /// As the next value.
    func write(to writer: inout WireWriter, _ detail: Detail) {
        let total = indexUnits.values.reduce(tableUnits, +) + localIndexUnits.values.reduce(0, +)
        writer.object { writer in
            writer.field("TableName", table)
            writer.field("CapacityUnits", total)
            guard detail == .indexes else { return }
            writer.object("Table") { $0.field("CapacityUnits", tableUnits) }
            Self.write(indexUnits, "GlobalSecondaryIndexes", to: &writer)
            Self.write(localIndexUnits, "LocalSecondaryIndexes", to: &writer)
        }
    }

    private static func write(_ units: [String: Double], _ name: StaticString, to writer: inout WireWriter) {
        guard !units.isEmpty else { return }
        writer.object(name) { writer in
            for (name, units) in units {
                Array(name.utf8).withUnsafeBytes { writer.name(utf8: $0) }
                writer.object { $0.field("CapacityUnits", units) }
            }
        }
    }
}

extension WireWriter {
    /// The member ConsumedCapacity, where it is asked for.
    mutating func consumed(_ capacity: @autoclosure () -> Capacity, _ detail: Capacity.Detail) {
        guard detail != .none else { return }
        let name = Array("ConsumedCapacity".utf8)
        name.withUnsafeBytes { self.name(utf8: $0) }
        capacity().write(to: &self, detail)
    }

    /// The same of several tables.
    mutating func consumed(_ capacities: [Capacity], _ detail: Capacity.Detail) {
        guard detail != .none else { return }
        list("ConsumedCapacity", capacities) { writer, capacity in capacity.write(to: &writer, detail) }
    }
}
