/// The comparisons `=`, `<>`, `<`, `<=`, `>`, `>=`.

/// A comparison of two values of one family of types. CHAR is compared without its trailing blanks.
enum Comparison: String, CaseIterable, Sendable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    static let functions: [ScalarFunction] = allCases.map(\.function)

    private var function: ScalarFunction {
        ScalarFunction(
            name: rawValue, example: example,
            resolve: { types throws(SignatureError) in try Self.signature(types) },
            evaluate: { columns, _, _ in
                Column(.boolean, .booleans(holds(columns[0], columns[1])), nulls: Kernel.nulls(columns))
            }
        ).with {
            $0.isInfallible = true
            if self == .notEqual { $0.aliases = ["!="] }
        }
    }

    private var example: (sql: String, gives: String) {
        switch self {
        case .equal: ("1 = 1.0", "TRUE")
        case .notEqual: ("'a' <> 'b'", "TRUE")
        case .less: ("DATE '2004-02-29' < DATE '2004-03-01'", "TRUE")
        case .lessOrEqual: ("2 <= 1", "FALSE")
        case .greater: ("'b' > 'a'", "TRUE")
        case .greaterOrEqual: ("2.50 >= 2.5", "TRUE")
        }
    }

    /// Whether two types can be compared, and what they are widened to.
    static func signature(_ types: [SQLType]) throws(SignatureError) -> Signature {
        guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
        var (a, b) = (types[0], types[1])
        if a == .null { a = b == .null ? .varchar(1) : b }
        if b == .null { b = a }
        switch (a, b) {
        case _ where a == b, _ where a.isCharacter && b.isCharacter, _ where a.isBinary && b.isBinary,
            _ where a.isExactNumeric && b.isExactNumeric:
            return Signature([a, b], returns: .boolean)
        case _ where a.isNumeric && b.isNumeric: return Signature([.double, .double], returns: .boolean)
        case (.date, .timestamp), (.timestamp, .date): return Signature([.timestamp, .timestamp], returns: .boolean)
        case (.interval(let p), .interval(let q)) where p.countsMonths == q.countsMonths:
            return Signature([a, b], returns: .boolean)
        default: throw SignatureError("cannot compare \(types[0]) with \(types[1])")
        }
    }

    /// Row by row; what is said of NULL rows means nothing.
    func holds(_ a: Column, _ b: Column) -> [Bool] {
        let count = a.count
        switch (a.stored, b.stored) {
        case (.integers, .integers):
            let (p, q) = (a.integerOperand, b.integerOperand)
            let m = a.type.exactDigits?.scale ?? 0
            let n = b.type.exactDigits?.scale ?? 0
            if m == n { return compare(count, { p[$0] }, { q[$0] }) }
            let (f, g) = (Int128(DecimalDigits.power(n - m)), Int128(DecimalDigits.power(m - n)))
            return compare(count, { Int128(p[$0]) * f }, { Int128(q[$0]) * g })
        case (.doubles, .doubles):
            let (p, q) = (a.doubleOperand, b.doubleOperand)
            return compare(count, { p[$0] }, { q[$0] })
        case (.booleans, .booleans):
            let (p, q) = (a.booleans, b.booleans)
            return compare(count, { p[$0] ? 1 : 0 }, { q[$0] ? 1 : 0 })
        case (.bytes(let p), .bytes(let q)):
            let padded = a.type.isChar || b.type.isChar
            return (0..<count).map { row in
                holds(p.compare(a.place(row), with: q, b.place(row), ignoringTrailingBlanks: padded), 0)
            }
        default: preconditionFailure("\(a.type) and \(b.type) are stored differently")
        }
    }

    @inline(__always)
    private func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
        switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        }
    }

    @inline(__always)
    private func compare<Value: Comparable>(_ count: Int, _ a: (Int) -> Value, _ b: (Int) -> Value) -> [Bool] {
        @inline(__always) func all(_ test: (Value, Value) -> Bool) -> [Bool] {
            var result = [Bool](repeating: false, count: count)
            for row in 0..<count { result[row] = test(a(row), b(row)) }
            return result
        }
        switch self {
        case .equal: return all { $0 == $1 }
        case .notEqual: return all { $0 != $1 }
        case .less: return all { $0 < $1 }
        case .lessOrEqual: return all { $0 <= $1 }
        case .greater: return all { $0 > $1 }
        case .greaterOrEqual: return all { $0 >= $1 }
        }
    }
}
