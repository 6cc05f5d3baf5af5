/// The forms of conditions and updates from before there were expressions: Expected, ScanFilter, QueryFilter, KeyConditions, AttributeUpdates.

import AWSWire

enum LegacyConditions {
    /// A map of conditions by attribute, joined by ConditionalOperator.
    /// - Throws: `.validation`; a map that is there must not be empty.
    static func condition(
        _ name: StaticString, _ fields: WireFields, isExpectation: Bool = false
    ) throws(AWSError) -> Condition? {
        guard let map = fields[name] else { return nil }
        var conditions: [Condition] = []
        for member in map.members where !member.value.isNull {
            let path = DocumentPath(try AttributeValue.text(member.name))
            let inner = try WireFields(member.value)
            conditions.append(isExpectation ? try expectation(path, inner) : try comparison(path, inner))
        }
        guard !conditions.isEmpty else { return nil }
        return try fields.string("ConditionalOperator") == "OR" ? .any(conditions) : .all(conditions)
    }

    /// One of Expected: a value, its absence, or a comparison.
    private static func expectation(_ path: DocumentPath, _ fields: WireFields) throws(AWSError) -> Condition {
        let name = String(decoding: path.attribute, as: UTF8.self)
        let value = try fields["Value"].map { value throws(AWSError) in try AttributeValue(value) } ?? nil
        let exists = try fields.boolean("Exists")
        if fields["ComparisonOperator"] != nil {
            guard exists == nil else {
                throw .invalidParameter("Exists and ComparisonOperator cannot be used together for Attribute: \(name)")
            }
            if let value, fields["AttributeValueList"] != nil {
                throw .invalidParameter(
                    "Value and AttributeValueList cannot be used together for Attribute: \(name) (\(value.kind.rawValue))")
            }
            return try comparison(path, fields, value.map { [$0] })
        }
        guard exists != false else {
            guard value == nil else {
                throw .invalidParameter("Value cannot be used when Exists is set to false for Attribute: \(name)")
            }
            return .isMissing(path)
        }
        guard let value else {
            throw .invalidParameter(
                "Value must be provided when Exists is set to \(exists.map { "\($0)" } ?? "null") for Attribute: \(name)")
        }
        return .compare(.equal, .path(path), .value(value))
    }

    private static func comparison(
        _ path: DocumentPath, _ fields: WireFields, _ given: [AttributeValue]? = nil
    ) throws(AWSError) -> Condition {
        let name = try fields.string("ComparisonOperator") ?? ""
        let listed = try fields.list("AttributeValueList") { value throws(AWSError) in try AttributeValue(value) }
        let values = given ?? listed ?? []
        guard let counts = argumentCounts[name] else {
            throw .invalid(
                "1 validation error detected: Value '\(name.prefix(64))' at 'comparisonOperator' failed to satisfy constraint: Member "
                    + "must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"
            )
        }
        guard counts.contains(values.count) else {
            throw .invalidParameter("Invalid number of argument(s) for the \(name) ComparisonOperator")
        }
        return try condition(name, path, values)
    }

    private static let argumentCounts: [String: ClosedRange<Int>] = [
        "EQ": 1...1, "NE": 1...1, "LT": 1...1, "LE": 1...1, "GT": 1...1, "GE": 1...1, "CONTAINS": 1...1, "NOT_CONTAINS": 1...1,
        "BEGINS_WITH": 1...1, "NULL": 0...0, "NOT_NULL": 0...0, "BETWEEN": 2...2, "IN": 1...100,
    ]
    private static let comparisons: [String: Condition.Comparison] = [
        "EQ": .equal, "NE": .notEqual, "LT": .less, "LE": .atMost, "GT": .greater, "GE": .atLeast,
    ]

    private static func condition(
        _ name: String, _ path: DocumentPath, _ values: [AttributeValue]
    ) throws(AWSError) -> Condition {
        let operands = values.map { Condition.Operand.value($0) }
        if let comparison = comparisons[name] {
            if comparison != .equal, comparison != .notEqual, !values[0].isOrdered { throw wrongType(name, values[0]) }
            return .compare(comparison, .path(path), operands[0])
        }
        switch name {
        case "NULL": return .isMissing(path)
        case "NOT_NULL": return .exists(path)
        case "CONTAINS": return .contains(.path(path), operands[0])
        // Of a value that is there.
        case "NOT_CONTAINS": return .all([.exists(path), .not(.contains(.path(path), operands[0]))])
        case "BEGINS_WITH":
            guard values[0].kind == .string || values[0].kind == .binary else { throw wrongType(name, values[0]) }
            return .beginsWith(.path(path), operands[0])
        case "BETWEEN":
            for value in values where !value.isOrdered { throw wrongType(name, value) }
            return .between(.path(path), operands[0], operands[1])
        default: return .isIn(.path(path), operands)
        }
    }

    private static func wrongType(_ name: String, _ value: AttributeValue) -> AWSError {
        .invalidParameter("ComparisonOperator \(name) is not valid for \(value.kind.rawValue) AttributeValue type")
    }

    // MARK: Updates

    /// AttributeUpdates as a program.
    static func updates(_ fields: WireFields) throws(AWSError) -> UpdateProgram? {
        guard let map = fields["AttributeUpdates"] else { return nil }
        var program = UpdateProgram()
        for member in map.members where !member.value.isNull {
            let path = DocumentPath(try AttributeValue.text(member.name))
            let inner = try WireFields(member.value)
            let value = try inner["Value"].map { value throws(AWSError) in try AttributeValue(value) } ?? nil
            try add(try inner.string("Action") ?? "PUT", path, value, to: &program)
        }
        return program
    }

    private static func add(
        _ action: String, _ path: DocumentPath, _ value: AttributeValue?, to program: inout UpdateProgram
    ) throws(AWSError) {
        let name = String(decoding: path.attribute, as: UTF8.self)
        guard let value else {
            guard action == "DELETE" else {
                throw .invalidParameter("Only DELETE action is allowed when no attribute value is specified")
            }
            return program.removals.append(path)
        }
        let change = UpdateProgram.Change(path: path, value: value)
        switch (action, value) {
        case ("PUT", _): program.sets.append(UpdateProgram.Setting(path: path, value: .value(value)))
        case ("DELETE", .stringSet), ("DELETE", .numberSet), ("DELETE", .binarySet): program.deletions.append(change)
        case ("ADD", .stringSet), ("ADD", .numberSet), ("ADD", .binarySet), ("ADD", .number), ("ADD", .list):
            program.additions.append(change)
        case ("DELETE", _), ("ADD", _):
            throw .invalidParameter("\(action) action is not supported for the type \(value.kind.rawValue) of Attribute: \(name)")
        default:
            throw .invalid(
                "1 validation error detected: Value '\(action.prefix(64))' at 'attributeUpdates.\(name).member.action' failed to satisfy "
                    + "constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]")
        }
    }
}
