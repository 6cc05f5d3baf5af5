/// Plans programs: text to the typed plan that the engine runs.

/// The planner of the Kinesis Data Analytics SQL dialect. What it accepts, the engine runs; what it does not support is refused with the
/// place where it stands.
public enum Planner {
    /// The program's plan.
    ///
    /// Names are resolved in the order of the text: what a statement reads must exist before it.
    /// - Parameters:
    ///   - text: statements separated by `;`, at most 102,400 characters.
    ///   - inputs: the streams that exist before the program, with names as if quoted. Columns of record metadata are hidden ones.
    ///   - tables: the reference tables.
    /// - Throws: every error that was found, at least one, in the order of the text.
    public static func plan(_ text: String, inputs: [StreamSchema], tables: [StreamSchema] = []) throws(ProgramErrors) -> Program {
        let parsed = Parser.parse(text)
        var planner = ProgramPlanner(lostNames: parsed.lostNames)
        for input in inputs { planner.context.objects[input.name] = .input(input) }
        for table in tables { planner.context.objects[table.name] = .table(table) }
        for statement in parsed.statements where !planner.context.hasEnoughErrors {
            do throws(SQLError) { try planner.plan(statement) } catch { planner.context.report(error) }
        }
        let errors = parsed.errors + planner.context.errors
        guard errors.isEmpty else { throw ProgramErrors(errors.sorted { $0.position < $1.position }) }
        var program = planner.program
        program.tables = tables
        return program
    }
}

extension Planner {
    /// An expression over the rows of a relation with these columns, for what is not a program: examples, rules, ad-hoc conditions.
    /// - Throws: what is wrong with the text.
    public static func expression(_ text: String, over columns: [ColumnDefinition] = []) throws(ProgramErrors) -> TypedExpression {
        try expression(text, Scope(name: nil, columns: columns))
    }

    /// An expression over rows made of one of each of several relations: behind the columns of each lies its ROWTIME.
    /// - Throws: what is wrong with the text.
    package static func expression(_ text: String, joining relations: [(name: String?, columns: [ColumnDefinition])])
        throws(ProgramErrors) -> TypedExpression
    {
        try expression(text, Scope(joining: relations))
    }

    private static func expression(_ text: String, _ scope: Scope) throws(ProgramErrors) -> TypedExpression {
        let parsed = try Parser.expression(text)
        do throws(SQLError) {
            var binder = ExpressionBinder(PlanContext(lostNames: []), scope)
            return try binder.bind(parsed)
        } catch {
            throw ProgramErrors([error])
        }
    }
}

/// Plans one statement after the other.
struct ProgramPlanner {
    let context: PlanContext
    private(set) var program = Program(streams: [], pumps: [])
    /// For each pump, the streams and views it reads.
    private var reads: [String: Set<String>] = [:]
    /// For each view, the streams and other views it reads.
    private var viewReads: [String: Set<String>] = [:]

    init(lostNames: Set<String>) { context = PlanContext(lostNames: lostNames) }

    mutating func plan(_ statement: Syntax.Statement) throws(SQLError) {
        context.reads = []
        switch statement.kind {
        case .createStream(let create):
            do throws(SQLError) { try createStream(create) } catch { throw lost(create.name, error) }
        case .createPump(let create): try createPump(create)
        case .createView(let create):
            do throws(SQLError) { try create.isMaterialized ? createMaterializedView(create) : createView(create) } catch {
                throw lost(create.name, error)
            }
        case .createFunction(let create):
            do throws(SQLError) { try createFunction(create) } catch { throw lost(create.name, error) }
        case .drop(let kind, let name, let ifExists): try drop(kind, name, ifExists: ifExists)
        case .alterPump(let name, let start): program.pumps[try pumpIndex(name)].isStopped = !start
        case .insert(let insert):
            throw SQLError("INSERT runs only in a pump: CREATE OR REPLACE PUMP name AS INSERT INTO ...", at: insert.position)
        case .query(let query):
            // Without a pump a query has no effect, but it may be wrong.
            _ = try QueryPlanner(context).plan(query, for: .insert)
        }
    }

    /// Readers of what could not be created need no errors of their own.
    private func lost(_ name: Syntax.QualifiedName, _ error: SQLError) -> SQLError {
        if context.objects[name.last.text] == nil { context.lostNames.insert(name.last.text) }
        return error
    }

    // MARK: Streams and views

    private mutating func createStream(_ create: Syntax.CreateStream) throws(SQLError) {
        let name = create.name.last
        try checkFree(name, orReplace: create.orReplace, kind: .stream)
        var columns: [ColumnDefinition] = []
        var seen: Set<String> = []
        for column in create.columns {
            if column.name.text == "ROWTIME" {
                throw SQLError("every stream has a ROWTIME already; give this column another name", at: column.name.position)
            }
            guard seen.insert(column.name.text).inserted else {
                throw SQLError("there is a column \(Identifiers.written(column.name.text)) already", at: column.name.position)
            }
            columns.append(ColumnDefinition(column.name.text, column.type, notNull: column.notNull))
        }
        let schema = StreamSchema(name: name.text, columns: columns)
        program.streams.removeAll { $0.name == name.text }
        program.streams.append(schema)
        context.objects[name.text] = .stream(schema)
    }

    private mutating func createView(_ create: Syntax.CreateView) throws(SQLError) {
        let name = create.name.last
        try checkFree(name, orReplace: create.orReplace, kind: .view)
        try context.beginExpansion(of: name.text, .view, at: name.position)
        defer { context.endExpansion(of: name.text, .view) }
        let planned = try QueryPlanner(context).plan(create.query, for: .subquery)
        _ = try QueryPlanner.renamed(planned.columns.map(\.definition), create.columnNames)
        program.views.removeAll { $0.name == name.text }
        viewReads[name.text] = context.reads
        context.objects[name.text] = .view(create)
    }

    private mutating func createMaterializedView(_ create: Syntax.CreateView) throws(SQLError) {
        let name = create.name.last
        try checkFree(name, orReplace: create.orReplace, kind: .view)
        let view = try MaterializedView.plan(create, context)
        viewReads[name.text] = context.reads
        program.views.removeAll { $0.name == name.text }
        program.views.append(view)
        context.objects[name.text] = .materialized(view.schema)
    }

    /// A name can be defined if it is new, or if OR REPLACE is given and nothing depends on the old definition.
    private func checkFree(_ name: Syntax.Name, orReplace: Bool, kind: Syntax.ObjectKind) throws(SQLError) {
        let written = Identifiers.written(name.text)
        if name.text.uppercased() == "ERROR_STREAM" {
            throw SQLError("error_stream exists already and cannot be defined by a program", at: name.position)
        }
        switch context.objects[name.text] {
        case nil: return
        case .input: throw SQLError("\(written) is an input of the application and cannot be defined again", at: name.position)
        case .table: throw SQLError("\(written) is a reference table and cannot be defined again", at: name.position)
        case .stream where kind != .stream: throw SQLError("\(written) is a stream already", at: name.position)
        case .view where kind != .view, .materialized where kind != .view:
            throw SQLError("\(written) is a view already", at: name.position)
        default: break
        }
        guard orReplace else {
            throw SQLError("\(written) exists already; write CREATE OR REPLACE \(kind.rawValue)", at: name.position)
        }
        try checkUnused(name, "defined again")
    }

    private func checkUnused(_ name: Syntax.Name, _ what: String) throws(SQLError) {
        let written = Identifiers.written(name.text)
        for pump in program.pumps where pump.target == name.text || reads[pump.name]?.contains(name.text) == true {
            throw SQLError(
                "\(written) cannot be \(what) after the pump \(Identifiers.written(pump.name)), which uses it", at: name.position)
        }
        for view in viewReads.keys.sorted() where view != name.text && viewReads[view]?.contains(name.text) == true {
            throw SQLError(
                "\(written) cannot be \(what) after the view \(Identifiers.written(view)), which uses it", at: name.position)
        }
    }

    // MARK: Pumps

    private mutating func createPump(_ create: Syntax.CreatePump) throws(SQLError) {
        let name = create.name.last
        let existing = program.pumps.firstIndex { $0.name == name.text }
        if existing != nil, !create.orReplace {
            throw SQLError(
                "there is a pump \(Identifiers.written(name.text)) already; write CREATE OR REPLACE PUMP", at: name.position)
        }
        if let existing {
            program.pumps.remove(at: existing)
            reads[name.text] = nil
        }
        let target = try InsertPlanner.target(create.insert.target, context)
        let query = try InsertPlanner(context, target: target).plan(create.insert)
        try checkAcyclic(create.insert.target.last, target: target.name)
        reads[name.text] = context.reads
        program.pumps.append(Pump(name: name.text, target: target.name, query: query, isStopped: create.isStopped))
    }

    /// A stream must not be fed from itself, be it through other streams.
    private func checkAcyclic(_ position: Syntax.Name, target: String) throws(SQLError) {
        var seen: Set<String> = []
        var open = context.reads
        while let stream = open.popFirst() {
            if stream == target {
                throw SQLError(
                    "this pump would feed \(Identifiers.written(target)) from itself, directly or through other streams",
                    at: position.position)
            }
            guard seen.insert(stream).inserted else { continue }
            for pump in program.pumps where pump.target == stream { open.formUnion(reads[pump.name] ?? []) }
        }
    }

    private func pumpIndex(_ name: Syntax.QualifiedName) throws(SQLError) -> Int {
        if let index = program.pumps.firstIndex(where: { $0.name == name.last.text }) { return index }
        throw missing(.pump, name, among: program.pumps.map(\.name))
    }

    // MARK: Functions

    private mutating func createFunction(_ create: Syntax.CreateFunction) throws(SQLError) {
        let name = create.name.last
        let types = create.parameters.map(\.type)
        let same = context.functions[name.text]?.firstIndex { $0.parameters.map(\.type) == types }
        if same != nil, !create.orReplace {
            throw SQLError("there is a function \(Identifiers.written(name.text)) of these parameters already", at: name.position)
        }
        var seen: Set<String> = []
        for parameter in create.parameters where !seen.insert(parameter.name.text).inserted {
            throw SQLError("there is a parameter \(Identifiers.written(parameter.name.text)) already", at: parameter.name.position)
        }
        // The body is checked now, with NULLs for the arguments, so that its errors show even if nobody calls it.
        let arguments = create.parameters.map { TypedExpression.literal(.null, $0.type) }
        _ = try ExpressionBinder(context, Scope.empty).inline(create, arguments, at: name.position)
        if let same { context.functions[name.text]?.remove(at: same) }
        context.functions[name.text, default: []].append(create)
    }

    // MARK: DROP

    private mutating func drop(_ kind: Syntax.ObjectKind, _ name: Syntax.QualifiedName, ifExists: Bool) throws(SQLError) {
        let stored = name.last.text
        switch (kind, context.objects[stored]) {
        case (.pump, _):
            if ifExists, !program.pumps.contains(where: { $0.name == stored }) { return }
            program.pumps.remove(at: try pumpIndex(name))
            reads[stored] = nil
        case (.function, _):
            guard context.functions.removeValue(forKey: stored) != nil || ifExists else {
                throw missing(kind, name, among: context.functions.keys.sorted())
            }
        case (.stream, .stream):
            try checkUnused(name.last, "dropped")
            program.streams.removeAll { $0.name == stored }
            context.objects[stored] = nil
        case (.view, .materialized):
            program.views.removeAll { $0.name == stored }
            viewReads[stored] = nil
            context.objects[stored] = nil
        case (.view, .view):
            try checkUnused(name.last, "dropped")
            viewReads[stored] = nil
            context.objects[stored] = nil
        case (.stream, .input): throw SQLError("an input of the application cannot be dropped", at: name.last.position)
        default:
            if !ifExists { throw missing(kind, name, among: context.objects.keys.sorted()) }
        }
    }

    private func missing(_ kind: Syntax.ObjectKind, _ name: Syntax.QualifiedName, among names: [String]) -> SQLError {
        let stored = name.last.text
        if context.lostNames.contains(stored) { return .consequence(at: name.position) }
        return SQLError(
            "there is no \(kind.rawValue.lowercased()) \(Identifiers.written(stored))\(Suggestion.hint(for: stored, among: names))",
            at: name.last.position)
    }
}
