/// Expressions as text that says what they mean, by the names of columns: the same for the same meaning in every build.

extension TypedExpression {
    /// The expression over columns of these names, in one canonical form. State that was kept for an expression belongs to every other of the same
    /// signature, whatever the positions of its columns.
    public func signature(over columns: [ColumnDefinition]) -> String {
        switch self {
        case .column(let index, let type):
            let name = columns.indices.contains(index) ? columns[index].name : "\(index)"
            return "\"\(name.replacing("\"", with: "\"\""))\" \(type)"
        case .rowtime: return "ROWTIME"
        case .literal(let value, let type): return "\(Self.text(value)) \(type)"
        case .call(let function, let arguments, _) where function == .inList:
            // As the chain of comparisons that it was before it had a table.
            return Self.chain(arguments.map { $0.signature(over: columns) })
        case .call(let function, let arguments, let type):
            return "\(function.name)(\(arguments.map { $0.signature(over: columns) }.joined(separator: ", "))) \(type)"
        case .cast(let operand, let type, let mode):
            return "CAST(\(operand.signature(over: columns)) AS \(type) \(Self.text(mode)))"
        case .and(let left, let right): return "(\(left.signature(over: columns)) AND \(right.signature(over: columns)))"
        case .or(let left, let right): return "(\(left.signature(over: columns)) OR \(right.signature(over: columns)))"
        case .searchedCase(let branches, let otherwise, let type):
            let all = branches.map { "WHEN \($0.condition.signature(over: columns)) THEN \($0.result.signature(over: columns))" }
            return "CASE \(all.joined(separator: " ")) ELSE \(otherwise.signature(over: columns)) END \(type)"
        }
    }

    private static func chain(_ arguments: [String]) -> String {
        var level = arguments.dropFirst().map { "=(\(arguments[0]), \($0)) BOOLEAN" }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                index + 1 < level.count ? "(\(level[index]) OR \(level[index + 1]))" : level[index]
            }
        }
        return level.first ?? ""
    }

    private static func text(_ value: SQLValue) -> String {
        switch value {
        case .null: "NULL"
        case .boolean(let value): value ? "TRUE" : "FALSE"
        case .integer(let value): "\(value)"
        // All bits: two numbers that print alike are not alike.
        case .double(let value): "\(value.bitPattern)e"
        case .text(let value): "'\(value.replacing("'", with: "''"))'"
        case .binary(let value): "X'\(value.map { String($0, radix: 16) }.joined(separator: " "))'"
        }
    }

    private static func text(_ mode: CastMode) -> String {
        switch mode {
        case .explicit: "explicit"
        case .assignment: "assignment"
        case .widening: "widening"
        }
    }
}
