/// Binds long chains of operators without going as deep as they are long.

extension ExpressionBinder {
    /// `first op a op b ...`, from left to right.
    mutating func bind(_ first: Syntax.Expression, _ links: [Syntax.Link]) throws(SQLError) -> TypedExpression {
        var result = try bind(first)
        // Joining texts is associative, so a chain of it can be a tree of logarithmic depth.
        if links.allSatisfy({ $0.operation == "||" }) {
            var level = [(value: result, position: first.position)]
            for link in links { level.append((try bind(link.operand), link.position)) }
            while level.count > 1 {
                var next: [(value: TypedExpression, position: SourcePosition)] = []
                for index in stride(from: 0, to: level.count, by: 2) {
                    guard index + 1 < level.count else {
                        next.append(level[index])
                        continue
                    }
                    let right = level[index + 1]
                    try context.spend(at: right.position)
                    // The position of a part is that of the sign before it.
                    next.append((try apply("||", [level[index].value, right.value], at: right.position), level[index].position))
                }
                level = next
            }
            return level[0].value
        }
        // Other operators are not: numbers overflow and round, and dates are no intervals. The tree is as deep as the chain is long.
        var depth = result.depth
        for link in links {
            try context.spend(at: link.position)
            let right = try bind(link.operand)
            result = try apply(link.operation, [result, right], at: link.position)
            var step = 1
            if case .call(_, let operands, _) = result, case .cast? = operands.first { step = 2 }
            depth = max(depth + step, right.depth + 2)
            if depth > PlanContext.maximumTypedDepth {
                throw SQLError(
                    "this expression is too long; chains of operators other than ||, AND and OR may be about \(PlanContext.maximumTypedDepth) levels deep in all",
                    at: link.position)
            }
        }
        return result
    }
}
