/// Plans INSERT INTO: fits a query's columns to those of the stream it fills.

struct InsertPlanner {
    private let context: PlanContext
    private let target: StreamSchema

    init(_ context: PlanContext, target: StreamSchema) {
        self.context = context
        self.target = target
    }

    /// The stream that a pump may fill.
    static func target(_ name: Syntax.QualifiedName, _ context: PlanContext) throws(SQLError) -> StreamSchema {
        let written = Identifiers.written(name.last.text)
        switch try context.object(name) {
        case .stream(let schema): return schema
        case .input:
            throw SQLError("\(written) is an input of the application; nothing can be inserted into it", at: name.last.position)
        case .view, .common, .materialized:
            throw SQLError("\(written) is a view; nothing can be inserted into it", at: name.last.position)
        case .table: throw SQLError("\(written) is a reference table; nothing can be inserted into it", at: name.last.position)
        }
    }

    /// The query with exactly the target's columns, in its order and types.
    func plan(_ insert: Syntax.Insert) throws(SQLError) -> Relation {
        let namesRowtime = insert.columnNames.contains { $0.text == "ROWTIME" }
        let planned = try QueryPlanner(context).plan(insert.query, for: namesRowtime ? .insertNamingRowtime : .insert)
        try context.spend(target.columns.count, at: insert.position)
        if planned.relation.isStatic {
            throw SQLError(
                "a pump reads streams; rows of tables and VALUES have no time of their own: join them with a stream",
                at: insert.query.position)
        }
        let places = try places(insert, count: planned.columns.count)
        // A projection on top is widened in place instead of being put below another.
        var input = planned.relation
        var expressions = planned.columns.enumerated().map { TypedExpression.column($0.offset, $0.element.type) }
        var rowtime: TypedExpression?
        if case .project(let below, let columns, let time) = planned.relation {
            (input, expressions, rowtime) = (below, columns.map(\.expression), time)
        }
        var given: [Int: TypedExpression] = [:]
        for (index, place) in places.enumerated() {
            let output = planned.columns[index]
            guard let place else {
                guard output.type == .timestamp else {
                    throw SQLError("ROWTIME must be a TIMESTAMP, not \(output.type)", at: output.position)
                }
                rowtime = expressions[index]
                continue
            }
            let column = target.columns[place]
            guard output.type.canCast(to: column.type, mode: .assignment) else {
                throw SQLError(
                    "the column \(Identifiers.written(column.name)) is a \(column.type) and cannot take a \(output.type); use CAST",
                    at: output.position)
            }
            given[place] = expressions[index].converted(to: column.type, .assignment)
        }
        var columns: [ProjectedColumn] = []
        for (place, column) in target.columns.enumerated() {
            if given[place] == nil, column.notNull {
                throw SQLError(
                    "the column \(Identifiers.written(column.name)) is NOT NULL, but nothing is inserted into it",
                    at: insert.position)
            }
            columns.append(ProjectedColumn(column.name, given[place] ?? .literal(.null, column.type)))
        }
        return .project(input, columns: columns, rowtime: rowtime)
    }

    /// For each column of the query, the target's column that it fills; nil for ROWTIME.
    private func places(_ insert: Syntax.Insert, count: Int) throws(SQLError) -> [Int?] {
        let written = Identifiers.written(target.name)
        guard !insert.columnNames.isEmpty else {
            guard count == target.columns.count else {
                let remedy = count < target.columns.count ? "; name the columns to be filled, the others are NULL" : ""
                throw SQLError(
                    "\(written) has \(target.columns.count) columns, the query has \(count)\(remedy)", at: insert.query.position)
            }
            return Array(0..<count)
        }
        guard count == insert.columnNames.count else {
            throw SQLError("\(insert.columnNames.count) columns are named, the query has \(count)", at: insert.query.position)
        }
        var places: [Int?] = []
        for name in insert.columnNames {
            if name.text == "ROWTIME" {
                places.append(nil)
                continue
            }
            guard let place = target.columns.firstIndex(where: { $0.name == name.text }) else {
                let hint = Suggestion.hint(for: name.text, among: target.columns.map(\.name))
                throw SQLError("\(written) has no column \(Identifiers.written(name.text))\(hint)", at: name.position)
            }
            if places.contains(place) {
                throw SQLError("the column \(Identifiers.written(name.text)) is named twice", at: name.position)
            }
            places.append(place)
        }
        return places
    }
}

extension TypedExpression {
    /// The expression as another type; itself if it has that type already.
    func converted(to type: SQLType, _ mode: CastMode) -> TypedExpression {
        if self.type == type { return self }
        if case .literal(.null, _) = self { return .literal(.null, type) }
        return .cast(self, type, mode)
    }
}
