/// The arguments of a table function after its cursor: literals, by their places.

struct TableArguments {
    private let function: Syntax.Name
    private let expressions: [Syntax.Expression]

    /// - Parameter count: how many there must be.
    init(_ function: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, count: Int) throws(SQLError) {
        self.function = function
        expressions = arguments.compactMap { if case .expression(let expression) = $0 { expression } else { nil } }
        guard expressions.count == count else {
            throw SQLError("\(function.text) takes \(count + 1) arguments, not \(expressions.count + 1)", at: function.position)
        }
    }

    func start(_ place: Int) -> SourcePosition { expressions[place].start }

    func integer(_ place: Int, _ what: String, _ range: ClosedRange<Int>) throws(SQLError) -> Int {
        var literal = expressions[place]
        var isNegative = false
        if case .negated(let operand) = literal.kind { (literal, isNegative) = (operand, true) }
        guard case .literal(.integer(let value), let type) = literal.kind, type.isInteger else {
            throw SQLError("\(what) must be a whole number written out", at: start(place))
        }
        guard !isNegative, let number = Int(exactly: value), range.contains(number) else {
            throw SQLError(
                "\(what) must be between \(range.lowerBound) and \(range.upperBound), not \(isNegative ? "-" : "")\(value)",
                at: start(place))
        }
        return number
    }

    func text(_ place: Int, _ what: String) throws(SQLError) -> String {
        guard case .literal(.text(let text), _) = expressions[place].kind else {
            throw SQLError("\(what) must be a text in single quotes", at: start(place))
        }
        return text
    }

    /// A number above 0, with or without digits after the point.
    func positive(_ place: Int, _ what: String) throws(SQLError) -> Double {
        let value: Double
        switch expressions[place].kind {
        case .literal(.integer(let digits), let type) where type.isExactNumeric:
            value = Double(digits) / Double(DecimalDigits.power(type.exactDigits?.scale ?? 0))
        case .literal(.double(let number), _): value = number
        default: throw SQLError("\(what) must be a number written out", at: start(place))
        }
        guard value > 0, value.isFinite else { throw SQLError("\(what) must be above 0", at: start(place)) }
        return value
    }

    /// The position of the cursor's column that a text names, as it is stored.
    func column(_ place: Int, _ what: String, of columns: [ColumnDefinition]) throws(SQLError) -> Int {
        let name = try text(place, what)
        // The service takes the name as it is stored; programs in the field also write it as in the program, where case does not count.
        let found = columns.indices.filter { columns[$0].name == name }
        if found.count == 1 { return found[0] }
        let alike = columns.indices.filter { columns[$0].name.uppercased() == name.uppercased() }
        if found.isEmpty, alike.count == 1 { return alike[0] }
        guard found.isEmpty else { throw SQLError("the cursor has two columns '\(name)'", at: start(place)) }
        throw SQLError(
            "the cursor has no column '\(name)'\(Suggestion.hint(for: name, among: columns.map(\.name)))", at: start(place))
    }

    /// 'asc' or 'desc'.
    func isDescending(_ place: Int, _ what: String) throws(SQLError) -> Bool {
        switch try text(place, what).lowercased() {
        case "asc": return false
        case "desc": return true
        default: throw SQLError("\(what) must be 'asc' or 'desc'", at: start(place))
        }
    }
}
