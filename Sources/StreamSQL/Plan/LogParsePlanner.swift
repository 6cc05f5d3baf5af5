/// Plans calls of log parsers in a select list: each becomes columns, one a field, that one operator makes.

struct LogParsePlanner {
    private let context: PlanContext
    private let scope: Scope
    private var parses: [LogParse] = []
    /// Where the calls stand.
    private(set) var positions: [SourcePosition] = []

    init(_ context: PlanContext, _ scope: Scope) {
        self.context = context
        self.scope = scope
    }

    /// A field as a column past the scope's last.
    struct Field {
        var name: String
        var expression: TypedExpression
        var position: SourcePosition
    }

    /// The fields of all calls, in the order of their columns.
    var columns: [ColumnDefinition] { parses.flatMap(\.columns) }

    func relation(over input: Relation) -> Relation { parses.isEmpty ? input : .parseLogs(input, parses) }

    /// Takes the items that are calls of log parsers.
    /// - Returns: for each item its fields; nil for another item.
    mutating func take(_ items: [(expression: Syntax.Expression?, name: String)]) throws(SQLError) -> [[Field]?] {
        var all: [[Field]?] = []
        for (expression, name) in items {
            guard case .call(let call)? = expression?.kind, context.functions[call.name.text] == nil,
                let function = LogParsers.named(call.name.text)
            else {
                all.append(nil)
                continue
            }
            all.append(try plan(call, function, record: name))
        }
        return all
    }

    private mutating func plan(_ call: Syntax.Call, _ function: LogParserFunction, record: String) throws(SQLError) -> [Field] {
        let position = call.name.position
        guard let text = call.arguments.first, !call.isStar, !call.isDistinct, call.window == nil else {
            throw SQLError("\(function.name) takes a text to parse", at: position)
        }
        var binder = ExpressionBinder(context, scope)
        let bound = try binder.bind(text)
        guard bound.type.isCharacter || bound.type == .null else {
            throw SQLError("\(function.name): argument 1 must be a character string, not \(bound.type)", at: text.start)
        }
        var literals: [SQLValue?] = []
        for argument in call.arguments.dropFirst() {
            let argument = try binder.bind(argument)
            if case .literal(let value, _) = argument { literals.append(value) } else { literals.append(nil) }
        }
        let parser: LogParser
        do throws(SignatureError) { parser = try function.make(literals) } catch {
            throw SQLError(
                "\(function.name): \(error.message)",
                at: error.argument.flatMap { call.arguments.indices.contains($0) ? call.arguments[$0].start : nil } ?? position)
        }
        try context.spend(parser.fields.count, at: position)
        let first = scope.columns.count + columns.count
        parses.append(
            LogParse(
                parser: parser, text: bound.converted(to: bound.type == .null ? .varchar(1) : bound.type, .widening), record: record
            ))
        positions.append(position)
        return parser.fields.enumerated().map { index, field in
            Field(name: field.name, expression: .column(first + index, field.type), position: position)
        }
    }
}
