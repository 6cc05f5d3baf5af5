/// Plans as text: what `EXPLAIN` and `millrace sql explain` show.

extension Program {
    /// The pumps and the materialized views, each with its operators.
    public var explanation: String {
        let views = views.map { view in
            let body = view.relation.explanation.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
            return (["materialized view \(Identifiers.written(view.name)), kept by key"] + body).joined(separator: "\n")
        }
        return (pumpExplanations + views).joined(separator: "\n")
    }

    private var pumpExplanations: [String] {
        pumps.map { pump in
            let head = "pump \(Identifiers.written(pump.name)) fills \(Identifiers.written(pump.target))"
            let body = pump.query.explanation.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
            return ([head + (pump.isStopped ? " (stopped)" : "")] + body).joined(separator: "\n")
        }
    }
}

extension Relation {
    /// The operators, each with its inputs indented below it.
    public var explanation: String {
        var lines: [String] = []
        explain(at: 0, into: &lines)
        return lines.joined(separator: "\n")
    }

    private func explain(at depth: Int, into lines: inout [String]) {
        lines.append(String(repeating: "  ", count: depth) + line)
        for input in inputs { input.explain(at: depth + 1, into: &lines) }
    }

    private var line: String {
        let below = inputs.first?.columns ?? []
        func text(_ expression: TypedExpression) -> String { expression.explained(over: below) }
        func list(_ expressions: [TypedExpression]) -> String { expressions.map(text).joined(separator: ", ") }
        func sorted(_ keys: [SortKey]) -> String {
            keys.map { key in
                text(key.expression) + (key.isDescending ? " DESC" : "")
                    + (key.movesNulls ? key.nullsFirst ? " NULLS FIRST" : " NULLS LAST" : "")
            }.joined(separator: ", ")
        }
        func results(_ calls: [AggregateCall]) -> String {
            calls.map { call in
                if call.function.name.hasPrefix("APPROX_PERCENTILE "), let argument = call.argument {
                    return "APPROX_PERCENTILE(\(text(argument)), \(call.function.name.dropFirst(18)))"
                }
                return "\(call.function.name)(\(call.isDistinct ? "DISTINCT " : "")\(call.argument.map(text) ?? "*"))"
            }.joined(separator: ", ")
        }
        func grouped(_ name: String, _ keys: [TypedExpression], _ calls: [AggregateCall], _ window: String) -> String {
            "\(name) by (\(list(keys)))\(window) -> \(results(calls))"
        }
        switch self {
        case .stream(let schema): return "stream \(Identifiers.written(schema.name))"
        case .table(let schema): return "reference table \(Identifiers.written(schema.name))"
        case .values(let values): return "VALUES of \(values.rows.count) rows"
        case .filter(_, let condition): return "filter \(text(condition))"
        case .project(_, let columns, let rowtime):
            let items = columns.map { column in
                let expression = text(column.expression)
                let name = Identifiers.written(column.name)
                return expression == name ? name : "\(expression) AS \(name)"
            }
            return "project \((items + (rowtime.map { ["\(text($0)) AS ROWTIME"] } ?? [])).joined(separator: ", "))"
        case .tumblingAggregate(_, let aggregate):
            let window = aggregate.isWhole ? ", at the end" : " in windows of \(text(aggregate.window))"
            return grouped("group", aggregate.keys, aggregate.results, window)
        case .runAggregate(_, let aggregate):
            return grouped("group", aggregate.keys, aggregate.results, " while \(text(aggregate.window)) is the same")
        case .staggerAggregate(_, let aggregate):
            return grouped("group", aggregate.keys, aggregate.results, " in windows of \(aggregate.length) ms from the first row")
        case .fill(_, let fill):
            let values = zip(fill.values, fill.aggregate.results).map { value, result in
                switch value {
                case .null: "NULL"
                case .previous: "PREVIOUS"
                case .linear: "LINEAR"
                case .constant(let constant): text(.literal(constant, result.type))
                }
            }
            return "fill windows without rows with \(values.joined(separator: ", ")), for \(fill.most) windows"
        case .match(_, let call):
            let keys = call.partition.map { Identifiers.written(below[$0].name) }.joined(separator: ", ")
            let time = call.within.map { " within \($0) ms" } ?? ""
            return "match \(call.patternText) by (\(keys))\(time)"
        case .runningAggregate(_, let aggregate): return grouped("keep groups", aggregate.keys, aggregate.results, "")
        case .sessionAggregate(_, let aggregate):
            return grouped(
                "group", aggregate.keys, aggregate.results, " in sessions that end \(aggregate.gap) ms after their last row")
        case .tableFunction(_, let call): return "table function adding \(call.addedColumns.map(\.name).joined(separator: ", "))"
        case .sort(_, let sort): return "sort by \(sorted(sort.keys)) while \(text(sort.period)) is the same"
        case .select(_, let selection):
            let order = selection.keys.isEmpty ? [] : ["sort by \(sorted(selection.keys))"]
            let limit = selection.count.map { ["first \($0)"] } ?? []
            let offset = selection.offset > 0 ? ["after \(selection.offset)"] : []
            return (order + limit + offset).joined(separator: ", ")
        case .eventTime(_, let event):
            return "sort by \(text(event.time)) AS ROWTIME, waiting \(event.lateness) ms for what is late"
        case .unionAll: return "union all"
        case .sliding(_, let windows): return "\(windows.calls.count) functions over \(windows.windows.count) windows"
        case .distinct(_, let distinct): return "distinct while \(text(distinct.window)) is the same"
        case .parseLogs(_, let parses): return "parse \(parses.count) logs"
        case .topRows(_, let top): return "first \(top.count) rows of each window by \(sorted(top.keys))"
        case .join(let left, let right, let join):
            func window(_ side: JoinSide) -> String { side.window.map { "\($0)" } ?? "none" }
            let condition = join.condition.map { $0.explained(over: WindowJoin.columns(left.columns, right.columns)) } ?? "TRUE"
            return
                "\(join.keys.isEmpty ? "nested" : "hash") window join on \(condition), windows \(window(join.left)) and \(window(join.right))"
        case .lookup(let left, let right, let join):
            let keys = join.keys.map { "\($0.left.explained(over: left.columns)) = \($0.right.explained(over: right.columns))" }
            let rest = join.condition.map { [$0.explained(over: left.columns + right.columns)] } ?? []
            let on = (keys + rest).joined(separator: " AND ")
            return "\(join.keys.isEmpty ? "nested" : "hash") \(join.kind) lookup\(on.isEmpty ? "" : " on \(on)")"
        }
    }
}

extension TypedExpression {
    /// The expression as people would write it, with the names of columns.
    func explained(over columns: [ColumnDefinition]) -> String {
        switch self {
        case .column(let index, _):
            return columns.indices.contains(index) ? Identifiers.written(columns[index].name) : "column \(index)"
        case .rowtime: return "ROWTIME"
        case .literal(let value, let type): return Self.literal(value, type)
        case .call(let function, let arguments, _):
            let parts = arguments.map { $0.explained(over: columns) }
            let isSign = function.name.first?.isLetter == false
            if isSign, parts.count == 2 { return "(\(parts[0]) \(function.name) \(parts[1]))" }
            if function.name.hasPrefix("IS "), parts.count == 1 { return "\(parts[0]) \(function.name)" }
            return "\(function.name)(\(parts.joined(separator: ", ")))"
        case .cast(let operand, let type, let mode):
            let inner = operand.explained(over: columns)
            return mode == .explicit ? "CAST(\(inner) AS \(type))" : inner
        case .and(let a, let b): return "(\(a.explained(over: columns)) AND \(b.explained(over: columns)))"
        case .or(let a, let b): return "(\(a.explained(over: columns)) OR \(b.explained(over: columns)))"
        case .searchedCase(let branches, let otherwise, _):
            let all = branches.map { "WHEN \($0.condition.explained(over: columns)) THEN \($0.result.explained(over: columns))" }
            return "CASE \(all.joined(separator: " ")) ELSE \(otherwise.explained(over: columns)) END"
        }
    }

    private static func literal(_ value: SQLValue, _ type: SQLType) -> String {
        switch (value, type) {
        case (.null, _): "NULL"
        case (.boolean(let value), _): value ? "TRUE" : "FALSE"
        case (.text(let text), _): "'\(text.replacing("'", with: "''"))'"
        case (.double(let value), _): "\(value)"
        case (.binary(let bytes), _): "X'\(bytes.map { String($0, radix: 16) }.joined())'"
        case (.integer, .interval), (.integer, .decimal), (.integer, .date), (.integer, .time), (.integer, .timestamp):
            "\(type) \(Column(type, values: [value]).text(0) ?? "NULL")"
        case (.integer(let value), _): "\(value)"
        }
    }
}
