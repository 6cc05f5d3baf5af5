/// Reads condition, filter and key condition expressions (Developer Guide, "Condition and filter expressions").

package import AWSWire

/// Precedence, from loose to tight: OR, AND, NOT, the rest.
package enum ConditionParser {
    static let functions: Set<String> = [
        "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
    ]

    /// - Parameter parameter: as messages name it, such as `FilterExpression`.
    package static func condition(
        _ text: String, of parameter: String, _ inputs: inout ExpressionInputs
    ) throws(AWSError) -> Condition {
        var parser = try ExpressionParser(text, of: parameter, inputs)
        let condition = try parser.disjunction()
        try parser.expectEnd()
        inputs = parser.inputs
        return condition
    }
}

extension ExpressionParser {
    fileprivate mutating func disjunction() throws(AWSError) -> Condition {
        var conditions = [try conjunction()]
        while take(word: "OR") {
            try countOperator()
            conditions.append(try conjunction())
        }
        return conditions.count == 1 ? conditions[0] : .any(conditions)
    }

    private mutating func conjunction() throws(AWSError) -> Condition {
        var conditions = [try negation()]
        while take(word: "AND") {
            try countOperator()
            conditions.append(try negation())
        }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    private mutating func negation() throws(AWSError) -> Condition {
        guard take(word: "NOT") else { return try primary() }
        try countOperator()
        return .not(try within { parser throws(AWSError) in try parser.negation() })
    }

    private mutating func primary() throws(AWSError) -> Condition {
        if take("(") {
            let start = position
            let condition = try within { parser throws(AWSError) in try parser.disjunction() }
            // `((a = b))`; not `((a = b) AND (c = d))`.
            if let last = lastParenthesis, last == start..<position {
                throw error("The expression has redundant parentheses;")
            }
            try expect(")")
            lastParenthesis = start - 1..<position
            return condition
        }
        if kind == .name, isFollowed(by: "("), !isWord("size") { return try function() }
        let left = try operand()
        if take(word: "BETWEEN") { return try between(left) }
        if take(word: "IN") { return try choice(left) }
        guard kind == .sign, let comparison = Condition.Comparison(rawValue: String(decoding: bytes, as: UTF8.self)) else {
            throw syntaxError()
        }
        advance()
        try countOperator()
        let right = try operand()
        try checkDistinct(left, [right], comparison.rawValue)
        if comparison != .equal, comparison != .notEqual {
            for operand in [left, right] { try checkOrdered(operand, comparison.rawValue) }
        }
        return .compare(comparison, left, right)
    }

    // MARK: Operands

    private mutating func operand() throws(AWSError) -> Condition.Operand {
        if kind == .valuePlaceholder { return .value(try value()) }
        guard kind == .name, isFollowed(by: "(") else { return .path(try path()) }
        guard bytes.elementsEqual("size".utf8) else {
            let name = String(decoding: bytes, as: UTF8.self)
            throw ConditionParser.functions.contains(name)
                ? error("The function is not allowed to be used this way in an expression; function: \(name)")
                : error("Invalid function name; function: \(name)")
        }
        let arguments = try arguments("size", 1)
        guard case .path(let path) = arguments[0] else { throw needsPath("size") }
        return .size(path)
    }

    private mutating func between(_ operand: Condition.Operand) throws(AWSError) -> Condition {
        try countOperator()
        let low = try self.operand()
        guard take(word: "AND") else { throw syntaxError() }
        let high = try self.operand()
        for operand in [operand, low, high] { try checkOrdered(operand, "BETWEEN") }
        if case .value(let lower) = low, case .value(let upper) = high {
            guard lower.kind == upper.kind else {
                throw error(
                    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: "
                        + "\(lower.shown), upper bound operand: AttributeValue: \(upper.shown)")
            }
            if upper.isBefore(lower) ?? false {
                throw error(
                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
                        + "AttributeValue: \(lower.shown), upper bound operand: AttributeValue: \(upper.shown)")
            }
        }
        return .between(operand, low, high)
    }

    /// The most that IN may list.
    private static let mostChoices = 100

    private mutating func choice(_ operand: Condition.Operand) throws(AWSError) -> Condition {
        try countOperator()
        try expect("(")
        var choices: [Condition.Operand] = []
        repeat { choices.append(try self.operand()) } while take(",")
        try expect(")")
        guard choices.count <= Self.mostChoices else {
            throw error(
                "Invalid number of operands for operator or function; operator or function: IN, number of operands: \(choices.count + 1)"
            )
        }
        return .isIn(operand, choices)
    }

    // MARK: Functions

    private mutating func function() throws(AWSError) -> Condition {
        let name = String(decoding: bytes, as: UTF8.self)
        switch name {
        case "attribute_exists", "attribute_not_exists":
            guard case .path(let path) = try arguments(name, 1)[0] else { throw needsPath(name) }
            return name == "attribute_exists" ? .exists(path) : .isMissing(path)
        case "attribute_type":
            let arguments = try arguments(name, 2)
            guard case .path(let path) = arguments[0] else { throw needsPath(name) }
            return .hasType(path, try type(arguments[1]))
        case "begins_with":
            let arguments = try arguments(name, 2)
            for case .value(let value) in arguments where value.kind != .string && value.kind != .binary {
                throw wrongType(name, value)
            }
            try checkDistinct(arguments[0], [arguments[1]], name)
            return .beginsWith(arguments[0], arguments[1])
        case "contains":
            let arguments = try arguments(name, 2)
            try checkDistinct(arguments[0], [arguments[1]], name)
            return .contains(arguments[0], arguments[1])
        default: throw error("Invalid function name; function: \(name)")
        }
    }

    private mutating func type(_ operand: Condition.Operand) throws(AWSError) -> AttributeValue.Kind {
        guard case .value(let value) = operand else { throw error("The second operand of attribute_type must be a value") }
        guard case .string(let text) = value else { throw wrongType("attribute_type", value) }
        let name = String(decoding: text.prefix(64), as: UTF8.self)
        guard let kind = AttributeValue.Kind(rawValue: name) else {
            throw error("Invalid attribute type name found; type: \(name), valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
        }
        return kind
    }

    private mutating func arguments(_ name: String, _ count: Int) throws(AWSError) -> [Condition.Operand] {
        try countOperator()
        advance()
        try expect("(")
        let arguments = try within { parser throws(AWSError) in
            var arguments: [Condition.Operand] = []
            repeat { arguments.append(try parser.operand()) } while parser.take(",")
            return arguments
        }
        try expect(")")
        guard arguments.count == count else {
            throw error(
                "Incorrect number of operands for operator or function; operator or function: \(name), number of operands: "
                    + "\(arguments.count)")
        }
        return arguments
    }

    // MARK: Checks

    private func needsPath(_ name: String) -> AWSError {
        error("Operator or function requires a document path; operator or function: \(name)")
    }

    private func wrongType(_ name: String, _ value: AttributeValue) -> AWSError {
        error(
            "Incorrect operand type for operator or function; operator or function: \(name), operand type: \(value.kind.rawValue)")
    }

    private func checkOrdered(_ operand: Condition.Operand, _ name: String) throws(AWSError) {
        guard case .value(let value) = operand, !value.isOrdered else { return }
        throw wrongType(name, value)
    }

    private func checkDistinct(
        _ first: Condition.Operand, _ others: [Condition.Operand], _ name: String
    ) throws(AWSError) {
        guard case .path(let path) = first, others.contains(first) else { return }
        throw error(
            "The first operand must be distinct from the remaining operands for this operator or function; operator: \(name), "
                + "first operand: \(path.shown)")
    }
}
