/// What conditions and measures of MATCH_RECOGNIZE see of the rows of a partition.

import StreamSQL

/// Reads references from the rows that a partition keeps, which have some of the input's columns.
struct MatchValues: Sendable {
    /// The input's columns that are kept.
    let kept: [Int]
    /// How many rows before the first of a run may be looked at.
    let behind: Int
    private let inputColumns: [ColumnDefinition]
    private let variables: [String]

    init(_ call: MatchCall, _ inputColumns: [ColumnDefinition]) {
        let references = call.references + call.conditions.flatMap(\.references)
        kept = references.reduce(into: Set<Int>()) { $0.formUnion($1.expression?.columnsRead ?? []) }.sorted()
        behind = references.reduce(0) { max($0, $1.place.reach) }
        self.inputColumns = inputColumns
        variables = call.variables
    }

    var columns: [ColumnDefinition] { kept.map { inputColumns[$0] } }

    func rows(of batch: ColumnBatch) -> ColumnBatch { ColumnBatch(rowtime: batch.rowtime, columns: kept.map { batch.columns[$0] }) }

    /// The reference with its expression over the kept columns.
    func prepared(_ reference: MatchReference) -> MatchReference {
        var prepared = reference
        prepared.expression = reference.expression?.mapColumns { kept.firstIndex(of: $0) ?? 0 }
        if case .all(let variable, var aggregate) = reference.place {
            aggregate.argument = prepared.expression
            prepared.place = .all(variable: variable, aggregate)
        }
        return prepared
    }

    /// A reference's value, one row.
    /// - Parameters:
    ///   - start: the place of the run's first row among the kept ones.
    ///   - labels: for the rows from there on.
    func value(
        _ reference: MatchReference, _ rows: ColumnBatch, start: Int, _ labels: [UInt8], _ key: EventKey,
        _ context: inout OperatorContext, errors: inout [RowError]
    ) -> Column {
        func of(_ places: [Int]) -> [Int] { places.filter { $0 >= 0 && $0 < rows.count } }
        let own: [Int]
        switch reference.place {
        case .classifier:
            let name = labels.last.map { variables[Int($0)] }
            return Column(reference.type, values: [name.map { .text($0) } ?? .null])
        case .all(let variable, let aggregate):
            let places = of(labels.indices.filter { variable == nil || Int(labels[$0]) == variable }.map { start + $0 })
            var accumulator = aggregate.function.makeAccumulator(aggregate.argument?.type, aggregate.type)
            accumulator.grow(to: 1)
            let some = rows.gather(rows: places)
            let argument = aggregate.argument.map {
                context.evaluate(
                    PreparedExpression($0), over: KeyedBatch(some, keys: [EventKey](repeating: key, count: places.count)),
                    errors: &errors)
            }
            accumulator.update(groups: [Int](repeating: 0, count: places.count), argument: argument)
            return accumulator.results(errors: &errors)
        // The row at hand is the last one that is kept.
        case .before(let back): own = of([rows.count - 1 - back])
        case .first(let variable, let skip, let back):
            let places = labels.indices.filter { variable == nil || Int(labels[$0]) == variable }
            own = of(places.dropFirst(skip).prefix(1).map { start + $0 - back })
        case .last(let variable, let skip, let back):
            let places = labels.indices.filter { variable == nil || Int(labels[$0]) == variable }
            own = of(places.dropLast(skip).suffix(1).map { start + $0 - back })
        }
        guard let place = own.first, let expression = reference.expression else { return .nulls(reference.type, count: 1) }
        return context.evaluate(
            PreparedExpression(expression), over: KeyedBatch(rows.slice(place..<place + 1), keys: [key]), errors: &errors)
    }
}

extension MatchReference.Place {
    /// How many rows before a match's own it may look at.
    fileprivate var reach: Int {
        switch self {
        case .before(let back), .first(_, _, let back), .last(_, _, let back): back
        case .all, .classifier: 0
        }
    }
}
