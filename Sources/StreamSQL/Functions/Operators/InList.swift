/// `x IN (1, 2, 3, ...)` with many literals: one look into a table of them, where a chain of comparisons would look at each.

extension ScalarFunction {
    /// The operand, then the literals, all of types that are compared without a cast. Made by the planner only; programs write IN.
    static let inList = ScalarFunction(
        name: "IN", resolve: { types throws(SignatureError) in Signature(types, returns: .boolean) },
        evaluate: { columns, _, context in InList.evaluate(columns, count: context.count) }
    ).with { $0.isInfallible = true }
}

enum InList {
    /// From so many literals on. Fewer are compared sooner than a table of them is made.
    private static let least = 8

    /// The same as a chain of equalities joined by OR; nil where they are not comparisons of one operand with literals of one kind.
    static func merged(_ equalities: [TypedExpression]) -> TypedExpression? {
        guard equalities.count >= least else { return nil }
        var operand: TypedExpression?
        var literals: [TypedExpression] = []
        for equality in equalities {
            guard case .call(let function, let arguments, _) = equality, function.name == Comparison.equal.rawValue,
                arguments.count == 2, case .literal(let value, let type) = arguments[1], value != .null,
                operand == nil || operand?.type == arguments[0].type,
                literals.first.map({ Self.isAlike($0.type, type) }) ?? true
            else { return nil }
            operand = operand ?? arguments[0]
            literals.append(arguments[1])
        }
        guard let operand, operand.type.storage != .booleans else { return nil }
        return .call(.inList, [operand] + literals, .boolean)
    }

    /// Whether values of two types are compared with a third one in the same way.
    private static func isAlike(_ a: SQLType, _ b: SQLType) -> Bool {
        a.storage == b.storage && a.isChar == b.isChar && a.exactDigits?.scale == b.exactDigits?.scale
    }

    static func evaluate(_ columns: [Column], count: Int) -> Column {
        guard count > 0 else { return .empty(.boolean) }
        let (operand, literals) = (columns[0], columns.dropFirst())
        let holds: [Bool]
        switch operand.stored {
        case .integers: holds = integers(operand, literals)
        case .doubles:
            let known = Set(literals.map { $0.doubleOperand[0] })
            let values = operand.doubleOperand
            holds = (0..<count).map { known.contains(values[$0]) }
        case .bytes: holds = texts(operand, literals, count)
        case .booleans: holds = [Bool](repeating: false, count: count)
        }
        return Column(.boolean, .booleans(holds), nulls: Kernel.nulls([operand]))
    }

    private static func integers(_ operand: Column, _ literals: ArraySlice<Column>) -> [Bool] {
        let own = operand.type.exactDigits?.scale ?? 0
        var known: Set<Int64> = []
        for literal in literals {
            let value = Int128(literal.integerOperand[0])
            let scale = literal.type.exactDigits?.scale ?? 0
            // In units of the operand's scale; what is no whole number of them is no value of its.
            let up = Int128(DecimalDigits.power(own - scale))
            let down = Int128(DecimalDigits.power(scale - own))
            let (scaled, overflow) = value.multipliedReportingOverflow(by: up)
            guard !overflow, scaled % down == 0, let found = Int64(exactly: scaled / down) else { continue }
            known.insert(found)
        }
        let values = operand.integerOperand
        return (0..<operand.count).map { known.contains(values[$0]) }
    }

    private static func texts(_ operand: Column, _ literals: ArraySlice<Column>, _ count: Int) -> [Bool] {
        let isPadded = operand.type.isChar || literals.contains { $0.type.isChar }
        func text(_ bytes: ByteColumn, _ row: Int) -> ArraySlice<UInt8> {
            var slice = bytes.bytes[bytes.range(row)]
            if isPadded { while slice.last == UInt8(ascii: " ") { slice.removeLast() } }
            return slice
        }
        var known: Set<ArraySlice<UInt8>> = []
        for literal in literals { known.insert(text((literal.isScalar ? literal.runs : literal).byteColumn, 0)) }
        // Lengths tell most texts apart that are not in the list.
        let lengths = Set(known.map(\.count))
        let values = operand.byteColumn
        return (0..<count).map { row in
            let value = text(values, row)
            return lengths.contains(value.count) && known.contains(value)
        }
    }
}
