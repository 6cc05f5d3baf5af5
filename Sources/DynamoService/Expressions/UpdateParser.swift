/// Reads update expressions (Developer Guide, "Update expressions").

package import AWSWire

package enum UpdateParser {
    package static func program(_ text: String, _ inputs: inout ExpressionInputs) throws(AWSError) -> UpdateProgram {
        var parser = try ExpressionParser(text, of: "UpdateExpression", inputs)
        let program = try parser.program()
        inputs = parser.inputs
        return program
    }
}

extension ExpressionParser {
    fileprivate mutating func program() throws(AWSError) -> UpdateProgram {
        var program = UpdateProgram()
        var seen: Set<String> = []
        while !isAtEnd {
            guard let section = ["SET", "REMOVE", "ADD", "DELETE"].first(where: isWord) else { throw syntaxError() }
            guard seen.insert(section).inserted else {
                throw error("The \"\(section)\" section can only be used once in an update expression;")
            }
            advance()
            repeat {
                switch section {
                case "SET": program.sets.append(try setting())
                case "REMOVE": program.removals.append(try path())
                default:
                    let path = try path()
                    let change = UpdateProgram.Change(path: path, value: try operand(of: section))
                    if section == "ADD" { program.additions.append(change) } else { program.deletions.append(change) }
                }
                try countOperator()
            } while take(",")
        }
        try checkApart(program.paths)
        return program
    }

    /// The value of an ADD or a DELETE.
    private mutating func operand(of section: String) throws(AWSError) -> AttributeValue {
        let value = try value()
        switch (section, value) {
        case (_, .stringSet), (_, .numberSet), (_, .binarySet), ("ADD", .number): return value
        default:
            throw error(
                "Incorrect operand type for operator or function; operator: \(section), operand type: \(value.kind.longName), "
                    + "typeSet: ALLOWED_FOR_\(section)_OPERAND")
        }
    }

    private mutating func setting() throws(AWSError) -> UpdateProgram.Setting {
        let path = try path()
        try expect("=")
        let left = try settingOperand()
        for sign in ["+", "-"] where take(sign) {
            try countOperator()
            let right = try settingOperand()
            for operand in [left, right] {
                if case .value(let value) = operand, value.kind != .number { throw wrongType(sign, value) }
            }
            return UpdateProgram.Setting(path: path, value: sign == "+" ? .sum(left, right) : .difference(left, right))
        }
        return UpdateProgram.Setting(path: path, value: left)
    }

    private func wrongType(_ name: String, _ value: AttributeValue) -> AWSError {
        error(
            "Incorrect operand type for operator or function; operator or function: \(name), operand type: \(value.kind.rawValue)")
    }

    private mutating func settingOperand() throws(AWSError) -> UpdateProgram.Value {
        if take("(") {
            let value = try within { parser throws(AWSError) in try parser.settingOperand() }
            try expect(")")
            return value
        }
        if kind == .valuePlaceholder { return .value(try value()) }
        guard kind == .name, isFollowed(by: "(") else { return .path(try path()) }
        return try function()
    }

    private mutating func function() throws(AWSError) -> UpdateProgram.Value {
        let name = String(decoding: bytes, as: UTF8.self)
        guard name == "if_not_exists" || name == "list_append" else {
            throw ConditionParser.functions.contains(name)
                ? error("The function is not allowed in an update expression; function: \(name)")
                : error("Invalid function name; function: \(name)")
        }
        try countOperator()
        advance()
        try expect("(")
        let arguments = try within { parser throws(AWSError) in
            var arguments: [UpdateProgram.Value] = []
            repeat { arguments.append(try parser.settingOperand()) } while parser.take(",")
            return arguments
        }
        try expect(")")
        guard arguments.count == 2 else {
            throw error(
                "Incorrect number of operands for operator or function; operator or function: \(name), number of operands: "
                    + "\(arguments.count)")
        }
        if name == "list_append" {
            for case .value(let value) in arguments where value.kind != .list { throw wrongType(name, value) }
            return .listAppend(arguments[0], arguments[1])
        }
        guard case .path(let path) = arguments[0] else {
            throw error("Operator or function requires a document path; operator or function: \(name)")
        }
        return .ifNotExists(path, arguments[1])
    }
}
