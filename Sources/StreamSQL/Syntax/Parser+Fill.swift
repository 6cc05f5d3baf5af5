/// FILL as written.

extension Syntax {
    /// `FILL (value, ...) [FOR n WINDOWS]` after the terms of GROUP BY.
    package struct Fill: Sendable {
        package var values: [FillValue]
        package var most: Int?
        package var position: SourcePosition
    }

    package struct FillValue: Sendable {
        package enum Kind: Sendable {
            case null, previous, linear
            case constant(SQLValue, SQLType)
        }
        package var kind: Kind
        package var position: SourcePosition
    }
}

extension Parser {
    var beginsFill: Bool { isWord("FILL") && isSign("(", ahead: 1) }

    mutating func fill() throws(SQLError) -> Syntax.Fill {
        let position = current.position
        try expectWord("FILL")
        try expectSign("(")
        var values: [Syntax.FillValue] = []
        repeat { values.append(try fillValue()) } while takeSign(",")
        guard takeSign(")") else { throw unexpected("','", "')'") }
        guard takeWord("FOR") else { return Syntax.Fill(values: values, most: nil, position: position) }
        guard case .integer(let digits) = current.kind, let most = Int(digits), (1...10_000).contains(most) else {
            throw SQLError("FOR takes a number of windows from 1 to 10000", at: current.position)
        }
        advance()
        guard takeWord("WINDOWS") || takeWord("WINDOW") else { throw unexpected("WINDOWS") }
        return Syntax.Fill(values: values, most: most, position: position)
    }

    private mutating func fillValue() throws(SQLError) -> Syntax.FillValue {
        let position = current.position
        if takeWord("NULL") { return Syntax.FillValue(kind: .null, position: position) }
        if takeWord("PREVIOUS") || takeWord("PREV") { return Syntax.FillValue(kind: .previous, position: position) }
        if takeWord("LINEAR") { return Syntax.FillValue(kind: .linear, position: position) }
        let expression = try expression()
        var (literal, isNegative) = (expression, false)
        if case .negated(let inner) = expression.kind { (literal, isNegative) = (inner, true) }
        guard case .literal(let value, let type) = literal.kind, let signed = value.signed(isNegative) else {
            throw SQLError("FILL takes NULL, PREVIOUS, LINEAR or a literal", at: position)
        }
        return Syntax.FillValue(kind: .constant(signed, type), position: position)
    }
}

extension SQLValue {
    /// The value, or its opposite; nil where it has none.
    fileprivate func signed(_ isNegative: Bool) -> SQLValue? {
        guard isNegative else { return self }
        switch self {
        case .integer(let value): return .integer(0 &- value)
        case .double(let value): return .double(-value)
        default: return nil
        }
    }
}
