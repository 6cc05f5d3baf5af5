/// The operators of one pump, made from its plan.

import StreamSQL

/// Operators in an order in which each comes after its inputs; the last one's rows are the pump's.
struct OperatorGraph: Sendable {
    /// Where an operator's rows come from.
    enum Source: Sendable {
        /// Position among the dataflow's streams.
        case stream(Int)
        /// Position among this graph's nodes.
        case node(Int)
    }

    private struct Node: Sendable {
        var operation: any Operator
        var inputs: [Source]
    }

    private var nodes: [Node] = []
    private var root: Source = .stream(0)
    /// The streams that the pump reads.
    private(set) var streams: Set<Int> = []

    /// - Parameters:
    ///   - streams: positions of the dataflow's streams by stored name.
    ///   - nextSeed: the seed of the next forest; each takes one.
    init(_ relation: Relation, streams: [String: Int], nextSeed: inout UInt64) throws(DataflowError) {
        root = try add(relation, streams, &nextSeed)
    }

    private mutating func add(_ relation: Relation, _ streams: [String: Int], _ nextSeed: inout UInt64) throws(DataflowError)
        -> Source
    {
        switch relation {
        case .stream(let schema):
            guard let index = streams[schema.name] else { throw .unusablePlan("there is no stream \(schema.name)") }
            self.streams.insert(index)
            return .stream(index)
        case .filter(let input, let condition):
            let source = try add(input, streams, &nextSeed)
            return add(FilterOperator(condition: PreparedExpression(condition), columns: input.columns), [source])
        case .project(let input, let columns, let rowtime):
            let source = try add(input, streams, &nextSeed)
            let project = ProjectOperator(
                expressions: columns.map { PreparedExpression($0.expression) }, rowtime: rowtime.map { PreparedExpression($0) },
                inputColumns: input.columns, columns: relation.columns)
            return add(project, [source])
        case .tumblingAggregate(let input, let aggregate):
            let source = try add(input, streams, &nextSeed)
            return add(AggregateOperator(aggregate, inputColumns: input.columns), [source])
        case .tableFunction(let input, let call):
            let source = try add(input, streams, &nextSeed)
            switch call.function {
            case .randomCutForest(let forest):
                let seed = nextSeed
                nextSeed &+= 1
                switch forest.result {
                case .score:
                    let operation = try ForestOperator<ScoreResults>(
                        forest, settings: (), inputColumns: input.columns, columns: relation.columns, seed: seed)
                    return add(operation, [source])
                case .grade:
                    let operation = try ForestOperator<GradeResults>(
                        forest, settings: (), inputColumns: input.columns, columns: relation.columns, seed: seed)
                    return add(operation, [source])
                case .explanation(let withDirectionality):
                    let settings = ExplanationResults.Settings(
                        withDirectionality: withDirectionality, type: call.addedColumns.last?.type ?? .varchar(65_535),
                        names: forest.inputs.map { input.columns[$0].name })
                    let operation = try ForestOperator<ExplanationResults>(
                        forest, settings: settings, inputColumns: input.columns, columns: relation.columns, seed: seed)
                    return add(operation, [source])
                }
            }
        case .sort(let input, let sort):
            let source = try add(input, streams, &nextSeed)
            let wholeWindows = sort.period == .rowtime && input.isAggregation
            return add(SortOperator(sort, columns: input.columns, comesInWholeWindows: wholeWindows), [source])
        case .unionAll(let inputs):
            var sources: [Source] = []
            for input in inputs { sources.append(try add(input, streams, &nextSeed)) }
            return add(UnionOperator(columns: relation.columns), sources)
        }
    }

    private mutating func add(_ operation: some Operator, _ inputs: [Source]) -> Source {
        nodes.append(Node(operation: operation, inputs: inputs))
        return .node(nodes.count - 1)
    }

    /// Plays the rows that the streams have in this call.
    mutating func run(_ streams: [KeyedBatch], _ context: inout OperatorContext) -> KeyedBatch {
        var results: [KeyedBatch] = []
        func rows(_ source: Source) -> KeyedBatch {
            switch source {
            case .stream(let index): streams[index]
            case .node(let index): results[index]
            }
        }
        for index in nodes.indices {
            results.append(nodes[index].operation.process(nodes[index].inputs.map(rows), &context))
        }
        return rows(root)
    }

    var deadline: Int64? { nodes.compactMap(\.operation.deadline).min() }
    var stateBytes: Int { nodes.reduce(0) { $0 + $1.operation.stateBytes } }

    func writeState(to writer: inout StateWriter) {
        writer.write(count: nodes.count)
        for node in nodes { node.operation.writeState(to: &writer) }
    }

    mutating func readState(from reader: inout StateReader) throws(SnapshotError) {
        guard try reader.int64() == Int64(nodes.count) else { throw .otherProgram }
        for index in nodes.indices { try nodes[index].operation.readState(from: &reader) }
    }
}

extension Relation {
    /// Whether the rows are an aggregation's, filtered and projected at most.
    fileprivate var isAggregation: Bool {
        switch self {
        case .tumblingAggregate: true
        case .filter(let input, _), .project(let input, _, nil): input.isAggregation
        default: false
        }
    }
}
