/// A query over what is stored: one SELECT whose streams have an end.

/// What a bounded query becomes.
public struct QueryPlan: Sendable {
    public var relation: Relation
    /// The columns of its rows, named as the query names them.
    public var columns: [ColumnDefinition]
}

extension Planner {
    /// The plan of a query over streams that have an end. CREATE VIEW and CREATE FUNCTION may stand before it.
    ///
    /// It is standard SQL: GROUP BY any terms, ORDER BY any terms, LIMIT, DISTINCT, all joins and set operations. Names without quotes also mean
    /// those that differ in case only.
    /// - Parameters:
    ///   - streams: what FROM can name.
    ///   - tables: the reference tables.
    /// - Throws: every error that was found, in the order of the text.
    public static func query(_ text: String, streams: [StreamSchema], tables: [StreamSchema] = []) throws(ProgramErrors)
        -> QueryPlan
    {
        let parsed = Parser.parse(text)
        guard parsed.errors.isEmpty else { throw ProgramErrors(parsed.errors) }
        var planner = ProgramPlanner(lostNames: parsed.lostNames)
        planner.context.streamsEnd = true
        planner.context.ignoresCase = true
        for stream in streams { planner.context.objects[stream.name] = .input(stream) }
        for table in tables { planner.context.objects[table.name] = .table(table) }
        var plan: QueryPlan?
        for statement in parsed.statements {
            do throws(SQLError) {
                switch statement.kind {
                case .query(let query) where plan == nil: plan = try Self.plan(query, planner.context)
                case .createView(let view) where view.isMaterialized:
                    throw SQLError("a materialized view is part of an application; a query reads it", at: statement.position)
                case .createView, .createFunction: try planner.plan(statement)
                default:
                    throw SQLError("a query is one SELECT, after CREATE VIEW and CREATE FUNCTION at most", at: statement.position)
                }
            } catch { planner.context.report(error) }
        }
        let errors = planner.context.errors
        guard errors.isEmpty else { throw ProgramErrors(errors.sorted { $0.position < $1.position }) }
        guard let plan else { throw ProgramErrors([SQLError("there is no query", at: .start)]) }
        return plan
    }

    private static func plan(_ query: Syntax.Query, _ context: PlanContext) throws(SQLError) -> QueryPlan {
        let planned = try QueryPlanner(context).plan(query, for: .insertNamingRowtime)
        return QueryPlan(relation: planned.relation, columns: planned.columns.map(\.definition))
    }

    /// The names that FROM reads in a text, as far as it can be read, each once: streams, tables, and views and tables of WITH that the text itself defines are
    /// left out.
    public static func namesRead(in text: String) -> [NameRead] {
        var reads = NamesRead()
        for statement in Parser.parse(text).statements { reads.note(statement) }
        var seen: Set<NameRead> = []
        return reads.names.map { name in
            NameRead(
                name: name.last.text, isQuoted: name.last.isQuoted, qualifier: name.qualifiers.last?.text,
                isQualifierQuoted: name.qualifiers.last?.isQuoted ?? false)
        }.filter { seen.insert($0).inserted }
    }
}

/// A name that FROM reads, as it is written: in upper case where it is not in quotes.
public struct NameRead: Hashable, Sendable {
    public var name: String
    public var isQuoted: Bool
    /// What stands before it and a point: an application, whose view it is.
    public var qualifier: String?
    public var isQualifierQuoted: Bool
}

/// Collects names in FROM.
private struct NamesRead {
    var names: [Syntax.QualifiedName] = []
    private var defined: Set<String> = []

    mutating func note(_ statement: Syntax.Statement) {
        switch statement.kind {
        case .query(let query): note(query)
        case .insert(let insert): note(insert.query)
        case .createPump(let pump): note(pump.insert.query)
        case .createView(let view):
            note(view.query)
            defined.insert(view.name.last.text)
        case .createStream(let stream): defined.insert(stream.name.last.text)
        case .createFunction, .drop, .alterPump: break
        }
    }

    private mutating func note(_ query: Syntax.Query) {
        let outer = defined
        for table in query.with {
            note(table.query)
            defined.insert(table.name.text)
        }
        switch query.body {
        case .select(let select): note(select)
        case .values(let rows): for row in rows { for expression in row { note(expression) } }
        case .set(_, let operands): for operand in operands { note(operand) }
        case .parenthesized(let inner): note(inner)
        }
        for term in query.order { note(term.expression) }
        defined = outer
    }

    private mutating func note(_ select: Syntax.Select) {
        if let from = select.from { note(from) }
        for case .expression(let expression, _) in select.items { note(expression) }
        for expression in [select.filter, select.having].compactMap(\.self) + (select.groupBy ?? []) { note(expression) }
    }

    private mutating func note(_ reference: Syntax.TableReference) {
        switch reference.kind {
        case .named(let name): if !defined.contains(name.last.text) { names.append(name) }
        case .subquery(let query): note(query)
        case .function(_, let arguments, _): for case .cursor(let query, _) in arguments { note(query) }
        case .match(let input, _): note(input)
        case .join(_, let left, let right, let condition):
            note(left)
            note(right)
            if case .on(let expression) = condition { note(expression) }
        }
    }

    private mutating func note(_ expression: Syntax.Expression) {
        switch expression.kind {
        case .exists(let query), .subquery(let query), .inQuery(_, let query, _): note(query)
        default: break
        }
        for child in expression.kind.children { note(child) }
    }
}
