/// Which partition key a row gets when it leaves: rows of one key stay in one shard, in their order.

import StreamSQL

/// The reference says nothing of the partition keys that the service gave to its outputs. Here a row keeps the key of what it is about, so that
/// a consumer sees the rows of one key in their order.
enum PartitionKeyRule: Equatable, Sendable {
    /// The row's own values in these columns: the grouping terms, or the columns of PARTITION BY.
    case columns([Int])
    /// The partition key of the record that the row was made from.
    case record
    /// One key for all rows: nothing tells them apart.
    case whole

    /// The rule for a stream of a program.
    static func rule(of stream: String, in program: Program, inputs: [StreamSchema]) -> PartitionKeyRule {
        if inputs.contains(where: { $0.name == stream }) { return .record }
        return common(
            program.pumps.filter { $0.target == stream && !$0.isStopped }.map { rule(of: $0.query, in: program, inputs: inputs) })
    }

    private static func common(_ rules: [PartitionKeyRule]) -> PartitionKeyRule {
        guard let first = rules.first, rules.allSatisfy({ $0 == first }) else { return .whole }
        return first
    }

    private static func rule(of relation: Relation, in program: Program, inputs: [StreamSchema]) -> PartitionKeyRule {
        switch relation {
        case .stream(let schema): return rule(of: schema.name, in: program, inputs: inputs)
        case .filter(let input, _), .sliding(let input, _), .distinct(let input, _), .parseLogs(let input, _),
            .topRows(let input, _), .fill(let input, _):
            return rule(of: input, in: program, inputs: inputs)
        case .sort(let input, _), .eventTime(let input, _):
            // Sorted rows leave in other events than those of their records.
            let below = rule(of: input, in: program, inputs: inputs)
            return below == .record ? .whole : below
        case .project(let input, let columns, _):
            guard case .columns(let keys) = rule(of: input, in: program, inputs: inputs) else {
                return rule(of: input, in: program, inputs: inputs)
            }
            // Some of a key's columns hold rows of one key together too.
            let kept = keys.compactMap { key in columns.firstIndex { $0.expression.isColumn(key) } }
            return kept.isEmpty ? .whole : .columns(kept)
        case .tumblingAggregate(_, let aggregate):
            return aggregate.keys.isEmpty ? .whole : .columns(Array(aggregate.keys.indices))
        case .join, .table, .values, .select: return .whole
        // The columns of the left come first, and its rows leave in the events in which they come.
        case .lookup(let left, _, _): return rule(of: left, in: program, inputs: inputs)
        case .runAggregate(_, let aggregate), .runningAggregate(_, let aggregate):
            return aggregate.keys.isEmpty ? .whole : .columns(Array(aggregate.keys.indices))
        case .staggerAggregate(_, let aggregate):
            return aggregate.keys.isEmpty ? .whole : .columns(Array(aggregate.keys.indices))
        case .match(_, let call): return call.partition.isEmpty ? .whole : .columns(Array(call.partition.indices))
        case .sessionAggregate(_, let aggregate):
            return aggregate.keys.isEmpty ? .whole : .columns(Array(aggregate.keys.indices))
        case .tableFunction(let input, let call):
            return call.function.maker.partitionKeys(below: rule(of: input, in: program, inputs: inputs))
        case .unionAll(let branches):
            return common(branches.map { rule(of: $0, in: program, inputs: inputs) })
        }
    }
}

extension TypedExpression {
    /// Whether it is a column, converted at most for the stream that takes it.
    fileprivate func isColumn(_ index: Int) -> Bool {
        switch self {
        case .column(let column, _): column == index
        case .cast(let operand, _, .assignment), .cast(let operand, _, .widening): operand.isColumn(index)
        default: false
        }
    }
}
