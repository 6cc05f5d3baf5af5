/// Finds which columns of its inputs a program reads.

import StreamSQL

enum ColumnUse {
    /// The positions of the columns that some pump reads, of all inputs together.
    static func columnsRead(by program: Program, of inputs: [StreamSchema]) -> Set<Int> {
        var read: Set<Int> = []
        for view in program.views {
            note(view.relation, needed: Set(view.relation.columns.indices), Set(inputs.map(\.name)), &read)
        }
        for pump in program.pumps { note(pump.query, needed: Set(pump.query.columns.indices), Set(inputs.map(\.name)), &read) }
        return read
    }

    /// - Parameter needed: the columns of the relation whose values somebody above it uses.
    private static func note(_ relation: Relation, needed: Set<Int>, _ inputs: Set<String>, _ read: inout Set<Int>) {
        switch relation {
        case .table, .values: break
        case .lookup(let left, let right, let join):
            let count = left.columns.count
            let used = union(join.keys.map(\.left) + (join.condition.map { [$0] } ?? [])).union(needed).filter { $0 < count }
            note(left, needed: used, inputs, &read)
            note(right, needed: Set(right.columns.indices), inputs, &read)
        case .eventTime(let input, let event):
            note(input, needed: needed.union(event.time.columnsRead), inputs, &read)
        case .select(let input, let selection):
            note(input, needed: needed.union(union(selection.keys.map(\.expression))), inputs, &read)
        case .stream(let schema):
            if inputs.contains(schema.name) { read.formUnion(needed) }
        case .filter(let input, let condition):
            note(input, needed: needed.union(condition.columnsRead), inputs, &read)
        case .project(let input, let columns, let rowtime):
            // What is computed may fail, whether it is used or not; a column that is only handed on cannot.
            let computed = columns.indices.filter { index in
                if case .column = columns[index].expression { needed.contains(index) } else { true }
            }
            note(input, needed: union(computed.map { columns[$0].expression } + (rowtime.map { [$0] } ?? [])), inputs, &read)
        case .tumblingAggregate(let input, let aggregate):
            note(
                input, needed: union(aggregate.keys + [aggregate.window] + aggregate.results.compactMap(\.argument)), inputs, &read)
        case .runAggregate(let input, let aggregate), .runningAggregate(let input, let aggregate):
            note(
                input, needed: union(aggregate.keys + [aggregate.window] + aggregate.results.compactMap(\.argument)), inputs, &read)
        case .staggerAggregate(let input, let aggregate):
            note(input, needed: union(aggregate.keys + aggregate.results.compactMap(\.argument)), inputs, &read)
        case .match(let input, let call):
            let references = call.references + call.conditions.flatMap(\.references)
            let count = input.columns.count
            let used = union(call.conditions.compactMap(\.expression) + references.compactMap(\.expression)).filter { $0 < count }
            note(input, needed: used.union(call.partition), inputs, &read)
        case .sessionAggregate(let input, let aggregate):
            note(input, needed: union(aggregate.keys + aggregate.results.compactMap(\.argument)), inputs, &read)
        case .sliding(let input, let windows):
            let used = union(windows.windows.flatMap(\.partition) + windows.calls.flatMap(\.arguments))
            note(input, needed: used.union(needed.filter { $0 < input.columns.count }), inputs, &read)
        case .parseLogs(let input, let parses):
            note(input, needed: union(parses.map(\.text)).union(needed.filter { $0 < input.columns.count }), inputs, &read)
        case .join(let left, let right, _):
            note(left, needed: Set(left.columns.indices), inputs, &read)
            note(right, needed: Set(right.columns.indices), inputs, &read)
        case .distinct(let input, let distinct):
            note(input, needed: needed.union(distinct.columns), inputs, &read)
        case .tableFunction(let input, _), .sort(let input, _), .topRows(let input, _), .fill(let input, _):
            // They hold rows, or hand them on whole.
            note(input, needed: Set(input.columns.indices), inputs, &read)
        case .unionAll(let branches):
            for branch in branches { note(branch, needed: Set(branch.columns.indices), inputs, &read) }
        }
    }

    private static func union(_ expressions: [TypedExpression]) -> Set<Int> {
        expressions.reduce(into: []) { $0.formUnion($1.columnsRead) }
    }
}
