/// A program as Flink SQL: what can be said in it, and by name what cannot.

/// The text of a program for Flink 2: tables for the sources and for the streams that leave, views for those in between, and one statement set.
///
/// ROWTIME, the time of arrival, is a column of the sources with a watermark; windows are those of event time on it. What Flink emits is what the program
/// emits where time goes on: a window that closes without a later record closes there when the watermark passes it.
public struct FlinkExport: Sendable {
    /// What has no counterpart, with its line.
    public struct Gap: Sendable, Hashable {
        /// The pump or view that is left out for it.
        public var name: String
        public var reason: String
        public var line: Int
    }

    public private(set) var text = ""
    public private(set) var gaps: [Gap] = []

    private var helpers: [String] = []
    private var inserts: [String] = []
    private let program: Program

    /// - Parameters:
    ///   - inputs: the streams that exist before the program, with the names of the Kinesis streams that fill them.
    ///   - tables: its reference tables.
    /// - Throws: the errors of a program that is wrong.
    public init(_ code: String, inputs: [(schema: StreamSchema, stream: String)], tables: [StreamSchema] = []) throws(ProgramErrors)
    {
        program = try Planner.plan(code, inputs: inputs.map(\.schema), tables: tables)
        let statements = Parser.parse(code).statements
        for input in inputs { text += Self.source(input.schema, input.stream) }
        for table in tables { text += Self.table(table) }
        let pumps = statements.compactMap { statement -> Syntax.CreatePump? in
            if case .createPump(let pump) = statement.kind { pump } else { nil }
        }
        for statement in statements { note(statement) }
        let read = Set(pumps.flatMap { Self.names(in: $0.insert.query) })
        for stream in program.streams {
            let writers = pumps.filter { $0.insert.target.last.text == stream.name && !$0.isStopped }
            let isSink = !read.contains(stream.name)
            if isSink { text += Self.sink(stream) }
            say(stream, writers, isSink: isSink)
        }
        text += helpers.joined()
        if !inserts.isEmpty { text += "EXECUTE STATEMENT SET\nBEGIN\n\(inserts.joined())END;\n" }
    }

    private mutating func note(_ statement: Syntax.Statement) {
        switch statement.kind {
        case .createFunction(let function): gap(function.name.last.text, "CREATE FUNCTION with a body in SQL", statement.position)
        case .createView(let view) where view.isMaterialized:
            gap(view.name.last.text, "a materialized view that is read by key", statement.position)
        case .createView(let view): gap(view.name.last.text, "CREATE VIEW of a stream", statement.position)
        case .createStream, .createPump, .drop, .alterPump, .insert, .query: break
        }
    }

    private mutating func gap(_ name: String, _ reason: String, _ position: SourcePosition) {
        gaps.append(Gap(name: name, reason: reason, line: position.line))
        helpers.append("-- \(name) cannot be said: line \(position.line): \(reason).\n")
    }

    /// Writes what fills a stream: a view where the program reads it, else what is inserted into its table.
    private mutating func say(_ stream: StreamSchema, _ writers: [Syntax.CreatePump], isSink: Bool) {
        var queries: [String] = []
        for pump in writers {
            do throws(Unsaid) {
                var select = FlinkSelect(prefix: pump.name.last.text, keepsTime: !isSink)
                var query = try select.written(pump.insert.query)
                helpers += select.views
                if !pump.insert.columnNames.isEmpty, !isSink {
                    throw Unsaid(
                        reason: "an INSERT with a list of columns into a stream that is read", position: pump.insert.position)
                }
                if isSink {
                    let columns = pump.insert.columnNames.map { FlinkExpressions.quoted($0.text) }.joined(separator: ", ")
                    query =
                        "INSERT INTO \(FlinkExpressions.quoted(stream.name))\(columns.isEmpty ? "" : " (\(columns))")\n\(query);\n"
                    inserts.append(query)
                } else {
                    queries.append(query)
                }
            } catch {
                gap(pump.name.last.text, error.reason, error.position)
            }
        }
        if !isSink, !queries.isEmpty {
            let columns = (stream.columns.map(\.name) + ["ROWTIME"]).map(FlinkExpressions.quoted).joined(separator: ", ")
            helpers.append(
                "CREATE TEMPORARY VIEW \(FlinkExpressions.quoted(stream.name)) (\(columns)) AS\n\(queries.joined(separator: "\nUNION ALL\n"));\n\n"
            )
        }
    }

    // MARK: Tables

    private static func columns(_ schema: StreamSchema) -> [String] {
        schema.columns.filter { !$0.isHidden }.map { "  \(FlinkExpressions.quoted($0.name)) \(FlinkExpressions.type($0.type))" }
    }

    private static func source(_ schema: StreamSchema, _ stream: String) -> String {
        let time = ["  `ROWTIME` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL", "  WATERMARK FOR `ROWTIME` AS `ROWTIME`"]
        return """
            CREATE TABLE \(FlinkExpressions.quoted(schema.name)) (
            \((columns(schema) + time).joined(separator: ",\n"))
            ) WITH ('connector' = 'kinesis', 'stream.arn' = \(FlinkExpressions.text(stream)), 'source.init.position' = 'LATEST', 'format' = 'json');


            """
    }

    private static func sink(_ schema: StreamSchema) -> String {
        """
        CREATE TABLE \(FlinkExpressions.quoted(schema.name)) (
        \(columns(schema).joined(separator: ",\n"))
        ) WITH ('connector' = 'kinesis', 'stream.arn' = '\(schema.name)', 'format' = 'json');


        """
    }

    private static func table(_ schema: StreamSchema) -> String {
        """
        CREATE TABLE \(FlinkExpressions.quoted(schema.name)) (
        \(columns(schema).joined(separator: ",\n"))
        ) WITH ('connector' = 'filesystem', 'path' = '\(schema.name).json', 'format' = 'json');


        """
    }

    /// The streams that a query reads.
    private static func names(in query: Syntax.Query) -> [String] {
        switch query.body {
        case .select(let select): select.from.map(names) ?? []
        case .values: []
        case .set(_, let queries): queries.flatMap(names(in:))
        case .parenthesized(let query): names(in: query)
        }
    }

    private static func names(_ reference: Syntax.TableReference) -> [String] {
        switch reference.kind {
        case .named(let name): [name.last.text]
        case .subquery(let query): names(in: query)
        case .function(_, let arguments, _):
            arguments.flatMap { argument -> [String] in
                if case .cursor(let query, _) = argument { names(in: query) } else { [] }
            }
        case .join(_, let left, let right, _): names(left) + names(right)
        case .match(let inner, _): names(inner)
        }
    }
}

/// Writes queries; what Flink wants to have a name becomes a view before.
struct FlinkSelect {
    let prefix: String
    /// Whether the rows' time is a last column, for those that read them.
    var keepsTime: Bool
    private(set) var views: [String] = []

    init(prefix: String, keepsTime: Bool) {
        self.prefix = prefix
        self.keepsTime = keepsTime
    }

    mutating func written(_ query: Syntax.Query) throws(Unsaid) -> String {
        if !query.with.isEmpty { throw Unsaid(reason: "WITH", position: query.position) }
        if !query.order.isEmpty { throw Unsaid(reason: "ORDER BY within the rows of one time", position: query.position) }
        if query.limit != nil { throw Unsaid(reason: "LIMIT", position: query.position) }
        switch query.body {
        case .select(let select): return try written(select)
        case .values: throw Unsaid(reason: "VALUES as a stream", position: query.position)
        case .parenthesized(let inner): return try written(inner)
        case .set(.unionAll, let parts):
            var texts: [String] = []
            for part in parts { texts.append(try written(part)) }
            return texts.joined(separator: "\nUNION ALL\n")
        case .set(let operation, _): throw Unsaid(reason: "\(operation.rawValue) of streams", position: query.position)
        }
    }

    private mutating func written(_ select: Syntax.Select) throws(Unsaid) -> String {
        if let fill = select.fill { throw Unsaid(reason: "FILL of windows without rows", position: fill.position) }
        if let stagger = select.stagger { throw Unsaid(reason: "WINDOWED BY STAGGER", position: stagger.range.position) }
        if select.isDistinct {
            throw Unsaid(reason: "SELECT DISTINCT of a stream, which gives a changelog there", position: select.position)
        }
        guard let from = select.from else { throw Unsaid(reason: "a SELECT without FROM", position: select.position) }
        var expressions = FlinkExpressions()
        for window in select.windows { expressions.windows[window.name.text] = window.window }
        let terms = select.groupBy ?? []
        if let term = terms.firstIndex(where: { FlinkTumbling($0) != nil }) { expressions.tumbling = FlinkTumbling(terms[term]) }
        if select.groupBy != nil, expressions.tumbling == nil {
            throw Unsaid(reason: "GROUP BY without a stretch of ROWTIME of a fixed width", position: select.groupPosition)
        }
        var filters: [String] = []
        var source = try self.source(from, &filters, isTumbled: expressions.tumbling != nil)
        var time = source.time
        if let tumbling = expressions.tumbling {
            let width = FlinkExpressions.interval(tumbling.milliseconds, IntervalQualifier(.second))
            source.text =
                "TABLE(TUMBLE(TABLE \(source.text), DESCRIPTOR(`ROWTIME`), \(width)))\(source.alias.map { " AS \($0)" } ?? "")"
            time = "window_time"
        }
        var items: [String] = []
        for item in select.items { items.append(try self.item(item, expressions)) }
        if keepsTime { items.append("\(time) AS `ROWTIME`") }
        var text = "SELECT \(items.joined(separator: ", "))\nFROM \(source.text)"
        if let filter = select.filter { filters.append(try expressions.written(filter)) }
        if !filters.isEmpty { text += "\nWHERE \(filters.map { "(\($0))" }.joined(separator: " AND "))" }
        if expressions.tumbling != nil {
            var keys = ["window_start", "window_end", "window_time"]
            for term in terms where !(expressions.tumbling?.isTerm(term) ?? false) { keys.append(try expressions.written(term)) }
            text += "\nGROUP BY \(keys.joined(separator: ", "))"
        }
        if let having = select.having { text += "\nHAVING \(try expressions.written(having))" }
        return text
    }

    private func item(_ item: Syntax.SelectItem, _ expressions: FlinkExpressions) throws(Unsaid) -> String {
        switch item {
        // It would bring the time along.
        case .star(let position): throw Unsaid(reason: "SELECT *; name the columns", position: position)
        case .qualifiedStar(let name): throw Unsaid(reason: "SELECT *; name the columns", position: name.position)
        case .expression(let expression, let alias):
            return try expressions.written(expression) + (alias.map { " AS \(FlinkExpressions.quoted($0.text))" } ?? "")
        }
    }

    private struct Source {
        var text: String
        var alias: String?
        /// The column with the rows' time.
        var time = "`ROWTIME`"
    }

    private mutating func source(
        _ reference: Syntax.TableReference, _ filters: inout [String], isTumbled: Bool
    ) throws(Unsaid) -> Source {
        let alias = reference.alias.map { FlinkExpressions.quoted($0.text) }
        if !reference.columnNames.isEmpty { throw Unsaid(reason: "an alias with a list of columns", position: reference.position) }
        switch reference.kind {
        case .named(let name):
            let text = FlinkExpressions.quoted(name.last.text)
            if isTumbled { return Source(text: text, alias: alias ?? text) }
            return Source(text: text + (alias.map { " AS \($0)" } ?? ""), alias: alias ?? text)
        case .subquery(let query):
            var inner = FlinkSelect(prefix: prefix, keepsTime: true)
            inner.views = views
            let text = try inner.written(query)
            views = inner.views
            // The window functions take names only.
            let name = FlinkExpressions.quoted("\(prefix)_\(views.count + 1)")
            views.append("CREATE TEMPORARY VIEW \(name) AS\n\(text);\n\n")
            if isTumbled { return Source(text: name, alias: alias) }
            return Source(text: name + (alias.map { " AS \($0)" } ?? ""), alias: alias)
        case .match:
            throw Unsaid(reason: "MATCH_RECOGNIZE: write its clauses by hand, Flink has most of them", position: reference.position)
        case .function(let name, _, _): throw Unsaid(reason: "the table function \(name.text)", position: reference.position)
        case .join(let kind, let left, let right, let condition):
            if isTumbled {
                throw Unsaid(
                    reason: "GROUP BY over a join in one SELECT; put the join into a stream of its own",
                    position: reference.position)
            }
            return try join(kind, left, right, condition, reference.position)
        }
    }

    /// A join of two streams within windows of time: an interval join.
    private mutating func join(
        _ kind: Syntax.JoinKind, _ left: Syntax.TableReference, _ right: Syntax.TableReference, _ condition: Syntax.JoinCondition,
        _ position: SourcePosition
    ) throws(Unsaid) -> Source {
        guard case .on(let expression) = condition else { throw Unsaid(reason: "a join without ON", position: position) }
        var none: [String] = []
        let (a, b) = (try source(left, &none, isTumbled: false), try source(right, &none, isTumbled: false))
        guard let first = a.alias, let second = b.alias else {
            throw Unsaid(reason: "a join of something without a name", position: position)
        }
        var bounds = ""
        if left.window != nil || right.window != nil {
            let (before, after) = (try width(right.window), try width(left.window))
            bounds = " AND \(first).`ROWTIME` BETWEEN \(second).`ROWTIME` - \(after) AND \(second).`ROWTIME` + \(before)"
        }
        let text = "\(a.text)\n\(kind.rawValue) \(b.text) ON (\(try FlinkExpressions().written(expression)))\(bounds)"
        return Source(text: text, alias: nil, time: "\(first).`ROWTIME`")
    }

    private func width(_ window: Syntax.Window?) throws(Unsaid) -> String {
        guard let window else { return "INTERVAL '0' SECOND" }
        guard let frame = window.frame, frame.isRange, case .preceding(let width) = frame.start else {
            throw Unsaid(reason: "a join within a number of rows", position: window.position)
        }
        return try FlinkExpressions().written(width)
    }
}
