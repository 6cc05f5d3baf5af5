/// Conditions on items: what ConditionExpression, FilterExpression and KeyConditionExpression become, and what holds of an item.

/// A condition.
package indirect enum Condition: Hashable, Sendable {
    case all([Condition])
    case any([Condition])
    case not(Condition)
    case compare(Comparison, Operand, Operand)
    case between(Operand, Operand, Operand)
    case isIn(Operand, [Operand])
    case exists(DocumentPath)
    case isMissing(DocumentPath)
    case hasType(DocumentPath, AttributeValue.Kind)
    case beginsWith(Operand, Operand)
    case contains(Operand, Operand)

    package enum Comparison: String, Hashable, Sendable {
        case equal = "="
        case notEqual = "<>"
        case less = "<"
        case atMost = "<="
        case greater = ">"
        case atLeast = ">="
    }

    /// What is compared.
    package enum Operand: Hashable, Sendable {
        case path(DocumentPath)
        case value(AttributeValue)
        /// The size of what a path leads to.
        case size(DocumentPath)

        func value(in item: Item) -> AttributeValue? {
            switch self {
            case .path(let path): path.value(in: item)
            case .value(let value): value
            case .size(let path): path.value(in: item).flatMap(\.sizeFunction)
            }
        }
    }

    /// Whether it holds of an item; of none, as of one without attributes.
    package func holds(of item: Item) -> Bool {
        switch self {
        case .all(let conditions): conditions.allSatisfy { $0.holds(of: item) }
        case .any(let conditions): conditions.contains { $0.holds(of: item) }
        case .not(let condition): !condition.holds(of: item)
        case .compare(let comparison, let left, let right):
            comparison.holds(left.value(in: item), right.value(in: item))
        case .between(let operand, let low, let high):
            Self.isBetween(operand.value(in: item), low.value(in: item), high.value(in: item))
        case .isIn(let operand, let choices):
            operand.value(in: item).map { value in choices.contains { $0.value(in: item) == value } } ?? false
        case .exists(let path): path.value(in: item) != nil
        case .isMissing(let path): path.value(in: item) == nil
        case .hasType(let path, let kind): path.value(in: item)?.kind == kind
        case .beginsWith(let operand, let prefix): Self.begins(operand.value(in: item), with: prefix.value(in: item))
        case .contains(let operand, let part):
            if let value = operand.value(in: item), let part = part.value(in: item) { value.contains(part) } else { false }
        }
    }

    private static func isBetween(_ value: AttributeValue?, _ low: AttributeValue?, _ high: AttributeValue?) -> Bool {
        guard let value, let low, let high, let isBelow = value.isBefore(low), let isAbove = high.isBefore(value) else {
            return false
        }
        return !isBelow && !isAbove
    }

    private static func begins(_ value: AttributeValue?, with prefix: AttributeValue?) -> Bool {
        switch (value, prefix) {
        case (.string(let text), .string(let prefix)), (.binary(let text), .binary(let prefix)): text.starts(with: prefix)
        default: false
        }
    }

    /// The attributes that it speaks of.
    var attributes: Set<AttributeName> {
        switch self {
        case .all(let conditions), .any(let conditions): conditions.reduce(into: []) { $0.formUnion($1.attributes) }
        case .not(let condition): condition.attributes
        case .compare(_, let left, let right), .beginsWith(let left, let right), .contains(let left, let right):
            Set([left.attribute, right.attribute].compactMap { $0 })
        case .between(let operand, let low, let high):
            Set([operand.attribute, low.attribute, high.attribute].compactMap { $0 })
        case .isIn(let operand, let choices): Set(([operand] + choices).compactMap(\.attribute))
        case .exists(let path), .isMissing(let path), .hasType(let path, _): [path.attribute]
        }
    }
}

extension Condition.Operand {
    fileprivate var attribute: AttributeName? {
        switch self {
        case .path(let path), .size(let path): path.attribute
        case .value: nil
        }
    }
}

extension Condition.Comparison {
    /// What is not there equals nothing, and has no order.
    func holds(_ left: AttributeValue?, _ right: AttributeValue?) -> Bool {
        guard let left, let right else { return self == .notEqual }
        switch self {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less: return left.isBefore(right) ?? false
        case .greater: return right.isBefore(left) ?? false
        case .atMost: return right.isBefore(left).map { !$0 } ?? false
        case .atLeast: return left.isBefore(right).map { !$0 } ?? false
        }
    }
}

extension AttributeValue {
    /// What `size` of expressions gives; nil for types that have none.
    fileprivate var sizeFunction: AttributeValue? {
        let count: Int
        switch self {
        // Of a text the characters count, of UTF-16 as in Java.
        case .string(let text): count = String(decoding: text, as: UTF8.self).utf16.count
        case .binary(let bytes): count = bytes.count
        case .list(let elements): count = elements.count
        case .map(let members): count = members.count
        case .stringSet(let elements), .binarySet(let elements): count = elements.count
        case .numberSet(let numbers): count = numbers.count
        case .number, .bool, .null: return nil
        }
        return .number(DynamoNumber(Int64(count)))
    }

    /// Whether a text has a part, a set or a list an element.
    func contains(_ part: AttributeValue) -> Bool {
        switch (self, part) {
        case (.string(let text), .string(let part)), (.binary(let text), .binary(let part)): text.hasPart(part)
        case (.stringSet(let elements), .string(let element)), (.binarySet(let elements), .binary(let element)):
            elements.contains(element)
        case (.numberSet(let numbers), .number(let number)): numbers.contains(number)
        case (.list(let elements), _): elements.contains(part)
        default: false
        }
    }
}

extension [UInt8] {
    /// Whether some bytes stand in it one after the other, found in a time that grows with the sum of both lengths (Knuth, Morris, Pratt 1977): both come
    /// from outside, and a loop waits.
    fileprivate func hasPart(_ part: [UInt8]) -> Bool {
        guard !part.isEmpty else { return true }
        guard part.count <= count else { return false }
        let borders = part.borders
        var matched = 0
        for byte in self {
            while matched > 0, part[matched] != byte { matched = Int(borders[matched - 1]) }
            if part[matched] == byte { matched += 1 }
            if matched == part.count { return true }
        }
        return false
    }

    /// For each beginning the length of its longest proper beginning that it ends with too.
    private var borders: [Int32] {
        var borders = [Int32](repeating: 0, count: count)
        var length = 0
        for index in indices.dropFirst() {
            while length > 0, self[length] != self[index] { length = Int(borders[length - 1]) }
            if self[length] == self[index] { length += 1 }
            borders[index] = Int32(truncatingIfNeeded: length)
        }
        return borders
    }
}
