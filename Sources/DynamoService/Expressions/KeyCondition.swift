/// Which part of a partition a query is about: what KeyConditionExpression, or the older KeyConditions, must come to.

package import AWSWire

/// A partition key, and what holds of the sort keys.
package struct KeyCondition: Hashable, Sendable {
    package enum Sort: Hashable, Sendable {
        case all
        case compare(Condition.Comparison, AttributeValue)
        case between(AttributeValue, AttributeValue)
        case beginsWith(AttributeValue)
    }

    package var partition: AttributeValue
    package var sort: Sort = .all

    /// Takes a condition apart.
    /// - Parameter sort: the schema's sort key; nil where it has none.
    package init(_ condition: Condition, partition: KeyElement, sort: KeyElement?) throws(AWSError) {
        var parts: [Condition] = []
        try Self.flatten(condition, into: &parts)
        var found: [AttributeName: Sort] = [:]
        for part in parts {
            let (name, sort) = try Self.part(part)
            guard found.updateValue(sort, forKey: name) == nil else {
                throw .invalid("KeyConditionExpressions must only contain one condition per key")
            }
        }
        guard found.count <= 2 else { throw .invalid("Conditions can be of length 1 or 2 only") }
        guard let equal = found.removeValue(forKey: partition.name) else { throw Self.missed(partition) }
        guard case .compare(.equal, let value) = equal else { throw .invalid("Query key condition not supported") }
        try Self.check(value, partition)
        self.partition = value
        guard let (name, range) = found.first else { return }
        guard let sort else { throw .invalid("Query key condition not supported") }
        guard name == sort.name else { throw Self.missed(sort) }
        try Self.check(range, sort)
        self.sort = range
    }

    private static func missed(_ element: KeyElement) -> AWSError {
        .invalid("Query condition missed key schema element: \(element.shownName)")
    }

    private static func flatten(_ condition: Condition, into parts: inout [Condition]) throws(AWSError) {
        guard case .all(let conditions) = condition else { return parts.append(condition) }
        for condition in conditions { try flatten(condition, into: &parts) }
    }

    private static func part(_ condition: Condition) throws(AWSError) -> (AttributeName, Sort) {
        switch condition {
        case .compare(.notEqual, _, _): throw notSupported("<>")
        case .compare(let comparison, .path(let path), .value(let value)):
            return (try attribute(path), .compare(comparison, value))
        case .compare(let comparison, .value(let value), .path(let path)):
            return (try attribute(path), .compare(comparison.mirrored, value))
        case .between(.path(let path), .value(let low), .value(let high)): return (try attribute(path), .between(low, high))
        case .beginsWith(.path(let path), .value(let prefix)): return (try attribute(path), .beginsWith(prefix))
        case .any: throw notSupported("OR")
        case .not: throw notSupported("NOT")
        case .isIn: throw notSupported("IN")
        case .exists: throw notSupported("attribute_exists")
        case .isMissing: throw notSupported("attribute_not_exists")
        case .hasType: throw notSupported("attribute_type")
        case .contains: throw notSupported("contains")
        case .compare(_, .size, _), .compare(_, _, .size): throw notSupported("size")
        case .all, .compare, .between, .beginsWith: throw .invalid("Query key condition not supported")
        }
    }

    private static func notSupported(_ name: String) -> AWSError {
        .invalid("Invalid operator used in KeyConditionExpression: \(name)")
    }

    private static func attribute(_ path: DocumentPath) throws(AWSError) -> AttributeName {
        guard path.steps.isEmpty else {
            throw .invalid("Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes")
        }
        return path.attribute
    }

    private static func check(_ range: Sort, _ element: KeyElement) throws(AWSError) {
        switch range {
        case .all: return
        case .compare(_, let value): try check(value, element)
        case .between(let low, let high):
            try check(low, element)
            try check(high, element)
        case .beginsWith(let prefix):
            try check(prefix, element)
            guard prefix.kind != .number else {
                throw .invalid(
                    "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: "
                        + "begins_with, operand type: N")
            }
        }
    }

    private static func check(_ value: AttributeValue, _ element: KeyElement) throws(AWSError) {
        guard value.kind == element.kind else {
            throw .invalidParameter("Condition parameter type does not match schema type")
        }
        try element.check(sizeOf: value)
    }
}

extension Condition.Comparison {
    /// The same with its sides exchanged.
    fileprivate var mirrored: Condition.Comparison {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .greater: .less
        case .atMost: .atLeast
        case .atLeast: .atMost
        }
    }
}

/// An attribute of a key schema.
package struct KeyElement: Hashable, Sendable {
    package var name: AttributeName
    package var kind: AttributeValue.Kind
    package var isPartition: Bool

    package init(name: AttributeName, kind: AttributeValue.Kind, isPartition: Bool) {
        (self.name, self.kind, self.isPartition) = (name, kind, isPartition)
    }

    var shownName: String { String(decoding: name, as: UTF8.self) }

    /// Bytes (Developer Guide, "Quotas").
    private var mostBytes: Int { isPartition ? 2048 : 1024 }

    /// Whether a value can stand in a key here: of the type, not empty, not too long.
    func fits(_ value: AttributeValue) -> Bool {
        guard value.kind == kind else { return false }
        switch value {
        case .string(let bytes), .binary(let bytes): return (1...mostBytes).contains(bytes.count)
        default: return true
        }
    }

    /// Checks that a value is not empty nor too long for a key.
    func check(sizeOf value: AttributeValue) throws(AWSError) {
        let count: Int
        switch value {
        case .string(let bytes), .binary(let bytes): count = bytes.count
        default: return
        }
        guard count > 0 else {
            throw .invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
                    + "\(value.kind == .string ? "string" : "binary") value. Key: \(shownName)")
        }
        guard count <= mostBytes else {
            throw .invalidParameter(
                isPartition
                    ? "Size of hashkey has exceeded the maximum size limit of2048 bytes"
                    : "Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
        }
    }
}
