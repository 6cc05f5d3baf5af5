/// Plans MATCH_RECOGNIZE.

struct MatchPlanner {
    private let context: PlanContext
    private let input: Relation
    /// The input's columns; the variables are names for it.
    private let scope: Scope
    private let match: Syntax.MatchRecognize
    /// By name, in the order in which the pattern names them.
    private var variables: [String] = []

    /// The most instructions that a pattern may become.
    private static let mostInstructions = 1000
    private static let mostVariables = 60

    init(_ context: PlanContext, _ input: Relation, _ scope: Scope, _ match: Syntax.MatchRecognize) {
        self.context = context
        self.input = input
        self.scope = scope
        self.match = match
    }

    /// The rows of the matches: the partition's columns, then the measures.
    mutating func plan() throws(SQLError) -> Relation {
        let isBounded = context.isBounded(input)
        var pattern: [MatchInstruction] = []
        try note(match.pattern)
        guard variables.count <= Self.mostVariables else {
            throw SQLError("a pattern has at most \(Self.mostVariables) variables", at: match.position)
        }
        try compile(match.pattern, isLast: true, into: &pattern)
        pattern.append(.match)
        if match.pattern.canBeEmpty {
            throw SQLError("the pattern matches no row at all; let it need one, with + for *", at: match.position)
        }
        let call = MatchCall(
            partition: try partition(), variables: variables, conditions: try conditions(), pattern: pattern,
            patternText: match.pattern.written, within: try within(), skip: try skip(), references: [], measures: [])
        return .match(try ordered(isBounded: isBounded), try measured(call))
    }

    private func ordered(isBounded: Bool) throws(SQLError) -> Relation {
        var keys: [SortKey] = []
        for (place, term) in match.order.enumerated() {
            var binder = ExpressionBinder(context, scope)
            let bound = try binder.bind(term.expression)
            if !isBounded {
                guard place == 0, bound == .rowtime, !term.isDescending, term.within == nil, match.order.count == 1 else {
                    throw SQLError(
                        "MATCH_RECOGNIZE on a stream goes by ROWTIME; for a time of the rows themselves, FROM (SELECT ... ORDER BY t WITHIN INTERVAL ...)",
                        at: term.expression.start)
                }
            }
            keys.append(term.key(bound))
        }
        return isBounded ? OrderPlanner.select(input, keys, nil) : input
    }

    private func partition() throws(SQLError) -> [Int] {
        var columns: [Int] = []
        for term in match.partition {
            var binder = ExpressionBinder(context, scope)
            guard case .column(let index, _) = try binder.bind(term) else {
                throw SQLError("PARTITION BY of MATCH_RECOGNIZE takes columns", at: term.start)
            }
            if !columns.contains(index) { columns.append(index) }
        }
        return columns
    }

    private func within() throws(SQLError) -> Int64? {
        guard let within = match.within else {
            if let absence = match.pattern.absences.first {
                throw SQLError(
                    "NOT \(Identifiers.written(absence.text)) needs WITHIN and an interval after PATTERN (...): that is when it is over",
                    at: absence.position)
            }
            return nil
        }
        guard case .literal(.integer(let length), .interval(let qualifier)) = within.kind, !qualifier.countsMonths, length > 0
        else {
            throw SQLError(
                "WITHIN takes an interval above 0 of days or smaller units, such as INTERVAL '5' MINUTE", at: within.start)
        }
        return length
    }

    private func skip() throws(SQLError) -> MatchSkip {
        switch match.skip {
        case .pastLastRow: return .pastLastRow
        case .toNextRow: return .toNextRow
        case .toFirst(let name): return .toFirst(try variable(name))
        case .toLast(let name): return .toLast(try variable(name))
        }
    }

    private func variable(_ name: Syntax.Name) throws(SQLError) -> Int {
        if let index = variables.firstIndex(of: name.text) { return index }
        throw SQLError(
            "the pattern has no variable \(Identifiers.written(name.text))\(Suggestion.hint(for: name.text, among: variables))",
            at: name.position)
    }

    // MARK: The pattern

    private mutating func note(_ pattern: Syntax.RowPattern) throws(SQLError) {
        switch pattern {
        case .variable(let name), .absence(let name):
            if !variables.contains(name.text) { variables.append(name.text) }
        case .sequence(let parts), .alternation(let parts): for part in parts { try note(part) }
        case .repetition(let inner, _, _, _): try note(inner)
        }
    }

    /// - Parameter isLast: whether nothing comes behind it.
    private func compile(_ pattern: Syntax.RowPattern, isLast: Bool, into program: inout [MatchInstruction]) throws(SQLError) {
        guard program.count <= Self.mostInstructions else {
            throw SQLError("the pattern is too large after its repetitions are written out", at: match.position)
        }
        switch pattern {
        case .variable(let name): program.append(.row(variable: try variable(name)))
        case .absence(let name):
            guard isLast else {
                throw SQLError(
                    "NOT \(Identifiers.written(name.text)) stands at the end of a pattern: it holds until the time of WITHIN is over",
                    at: name.position)
            }
            program.append(.absence(variable: try variable(name)))
        case .sequence(let parts):
            for (place, part) in parts.enumerated() {
                try compile(part, isLast: isLast && place == parts.count - 1, into: &program)
            }
        case .alternation(let parts):
            var ends: [Int] = []
            for part in parts.dropLast() {
                let split = program.count
                program.append(.split(split + 1, 0))
                try compile(part, isLast: isLast, into: &program)
                ends.append(program.count)
                program.append(.jump(0))
                program[split] = .split(split + 1, program.count)
            }
            if let last = parts.last { try compile(last, isLast: isLast, into: &program) }
            for end in ends { program[end] = .jump(program.count) }
        case .repetition(let inner, let least, let most, let isReluctant):
            for _ in 0..<least { try compile(inner, isLast: false, into: &program) }
            func split(_ inside: Int, _ behind: Int) -> MatchInstruction {
                isReluctant ? .split(behind, inside) : .split(inside, behind)
            }
            guard let most else {
                let start = program.count
                program.append(.jump(0))
                try compile(inner, isLast: false, into: &program)
                program.append(.jump(start))
                program[start] = split(start + 1, program.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<most {
                splits.append(program.count)
                program.append(.jump(0))
                try compile(inner, isLast: false, into: &program)
            }
            for place in splits { program[place] = split(place + 1, program.count) }
        }
    }

    // MARK: Conditions and measures

    private func conditions() throws(SQLError) -> [MatchCondition] {
        var conditions = [MatchCondition](repeating: MatchCondition(expression: nil, references: []), count: variables.count)
        var defined: Set<Int> = []
        for definition in match.definitions {
            let index = try variable(definition.variable)
            guard defined.insert(index).inserted else {
                throw SQLError(
                    "\(Identifiers.written(definition.variable.text)) is defined already", at: definition.variable.position)
            }
            var references = MatchReferences(context, scope.calling(variables), variables: variables, defining: index)
            try references.take(definition.condition)
            var binder = ExpressionBinder(context, scope.calling(variables))
            binder.aggregateRefusal = "cannot stand here"
            binder.substitutes = references.substitutes
            let bound = try binder.condition(definition.condition, in: "DEFINE")
            conditions[index] = MatchCondition(expression: bound, references: references.found)
        }
        return conditions
    }

    private func measured(_ call: MatchCall) throws(SQLError) -> MatchCall {
        var call = call
        var references = MatchReferences(context, scope.calling(variables), variables: variables, defining: nil)
        for measure in match.measures { try references.take(measure.expression) }
        var seen = Set(call.partition.map { scope.columns[$0].name })
        for measure in match.measures {
            guard seen.insert(measure.name.text).inserted else {
                throw SQLError("there is a column \(Identifiers.written(measure.name.text)) already", at: measure.name.position)
            }
            var binder = ExpressionBinder(context, scope.calling(variables))
            binder.substitutes = references.substitutes
            let bound = try binder.bind(measure.expression)
            // Columns are all references by now, counted from the input's last column.
            let moved = bound.shifted(by: -scope.columns.count)
            call.measures.append(ProjectedColumn(measure.name.text, moved))
        }
        call.references = references.found
        guard !(call.partition.isEmpty && call.measures.isEmpty) else {
            throw SQLError("MATCH_RECOGNIZE gives no column: it has neither PARTITION BY nor MEASURES", at: match.position)
        }
        return call
    }
}

extension Syntax.RowPattern {
    /// Whether no row at all is a match.
    fileprivate var canBeEmpty: Bool {
        switch self {
        case .variable: false
        case .absence: true
        case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
        case .alternation(let parts): parts.contains(where: \.canBeEmpty)
        case .repetition(let inner, let least, _, _): least == 0 || inner.canBeEmpty
        }
    }

    fileprivate var absences: [Syntax.Name] {
        switch self {
        case .variable: []
        case .absence(let name): [name]
        case .sequence(let parts), .alternation(let parts): parts.flatMap(\.absences)
        case .repetition(let inner, _, _, _): inner.absences
        }
    }

    fileprivate var written: String {
        switch self {
        case .variable(let name): return Identifiers.written(name.text)
        case .absence(let name): return "NOT \(Identifiers.written(name.text))"
        case .sequence(let parts): return parts.map(\.grouped).joined(separator: " ")
        case .alternation(let parts): return parts.map(\.grouped).joined(separator: " | ")
        case .repetition(let inner, let least, let most, let isReluctant):
            let quantifier =
                switch (least, most) {
                case (0, nil): "*"
                case (1, nil): "+"
                case (0, 1): "?"
                case (let least, let most) where least == most: "{\(least)}"
                default: "{\(least),\(most.map(String.init) ?? "")}"
                }
            return inner.grouped + quantifier + (isReluctant ? "?" : "")
        }
    }

    private var grouped: String {
        switch self {
        case .variable, .absence, .repetition: written
        case .sequence, .alternation: "(\(written))"
        }
    }
}
