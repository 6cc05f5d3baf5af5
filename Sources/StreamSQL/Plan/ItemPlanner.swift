/// Plans COUNT_DISTINCT_ITEMS_TUMBLING and TOP_K_ITEMS_TUMBLING: tumbling aggregations over one column.

enum ItemPlanner {
    static let functions = ["COUNT_DISTINCT_ITEMS_TUMBLING", "TOP_K_ITEMS_TUMBLING"]

    static func plan(_ name: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, _ input: Relation) throws(SQLError)
        -> Relation
    {
        name.text == "TOP_K_ITEMS_TUMBLING" ? try top(name, arguments, input) : try distinct(name, arguments, input)
    }

    private static func distinct(_ name: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, _ input: Relation)
        throws(SQLError) -> Relation
    {
        let arguments = try TableArguments(name, arguments, count: 2)
        let column = try arguments.column(0, "the column's name", of: input.columns)
        let window = try window(arguments, 1)
        let item = TypedExpression.column(column, input.columns[column].type)
        let count = AggregateCall(.distinctItems, item, type: .bigint)
        return .project(
            .tumblingAggregate(input, TumblingAggregate(keys: [], window: window, results: [count])),
            columns: [ProjectedColumn("NUMBER_OF_DISTINCT_ITEMS", .column(1, .bigint))], rowtime: nil)
    }

    /// The service's counts are approximate; these are exact.
    private static func top(_ name: Syntax.Name, _ arguments: ArraySlice<Syntax.TableArgument>, _ input: Relation)
        throws(SQLError) -> Relation
    {
        let arguments = try TableArguments(name, arguments, count: 3)
        let column = try arguments.column(0, "the column's name", of: input.columns)
        let most = try arguments.integer(1, "the number of items", 1...100_000)
        let window = try window(arguments, 2)
        let type = input.columns[column].type
        let item = TypedExpression.column(column, type)
        guard let isNotNull = ScalarFunctions.named("IS NOT NULL") else { return input }
        let counted = Relation.tumblingAggregate(
            .filter(input, condition: .call(isNotNull, [item], .boolean)),
            TumblingAggregate(keys: [item], window: window, results: [AggregateCall(.count, nil, type: .bigint)]))
        let first = TopRows(keys: [SortKey(.column(2, .bigint), isDescending: true)], count: most)
        // An item is a text, whatever its column's type.
        let text = type.isCharacter ? item.type : .varchar(Cast.textLength(type))
        return .project(
            .topRows(counted, first),
            columns: [
                ProjectedColumn("ITEM", TypedExpression.column(0, type).converted(to: text, .explicit)),
                ProjectedColumn("ITEM_COUNT", .column(2, .bigint)),
            ], rowtime: nil)
    }

    /// STEP(ROWTIME BY so many seconds).
    private static func window(_ arguments: TableArguments, _ place: Int) throws(SQLError) -> TypedExpression {
        let seconds = try arguments.integer(place, "the window's size", 1...3600)
        return .call(
            .step, [.rowtime, .literal(.integer(Int64(seconds) * 1000), .interval(IntervalQualifier(.second)))], .timestamp)
    }
}
