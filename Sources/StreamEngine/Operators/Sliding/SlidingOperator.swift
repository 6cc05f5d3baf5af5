/// Functions with OVER: every row leaves at once, with what the rows up to it in its windows give.

import StreamSQL

/// A row's window holds the rows of its partition that came up to it and lie within the frame; rows of the same ROWTIME that come later are not seen yet
/// (SQL Reference, "WINDOW Clause"). ROWTIME never decreases.
struct SlidingOperator: WholeStateOperator {
    /// A function as its window sees it.
    private struct Function: Sendable {
        var window: Int
        /// Its place among the window's functions.
        var place: Int
    }

    private let partitions: [[PreparedExpression]]
    private let arguments: [[PreparedExpression]]
    private let functions: [Function]
    /// For each window, the functions over it, and those of whose first arguments rows are kept.
    private let calls: [[Int]]
    private let kept: [[Int]]
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    let state: OperatorState?

    private var windows: [WindowFrames]
    private(set) var stateBytes = 0
    var frozen = WholeState()

    init(_ sliding: SlidingWindows, inputColumns: [ColumnDefinition], columns: [ColumnDefinition]) {
        self.inputColumns = inputColumns
        self.columns = columns
        partitions = sliding.windows.map { $0.partition.map { PreparedExpression($0) } }
        arguments = sliding.calls.map { $0.arguments.map { PreparedExpression($0) } }
        var functions: [Function] = []
        var calls = sliding.windows.map { _ in [Int]() }
        var kept = calls
        var windows: [WindowFrames] = []
        for (index, call) in sliding.calls.enumerated() {
            functions.append(Function(window: call.window, place: calls[call.window].count))
            calls[call.window].append(index)
            guard let first = call.arguments.first else { continue }
            // One column for all functions of an argument.
            if !kept[call.window].contains(where: { sliding.calls[$0].arguments.first == first }) {
                kept[call.window].append(index)
            }
        }
        for (index, window) in sliding.windows.enumerated() {
            let own = calls[index].map { sliding.calls[$0] }
            let firsts = own.map { call in
                call.arguments.first.flatMap { first in kept[index].firstIndex { sliding.calls[$0].arguments.first == first } }
            }
            windows.append(
                WindowFrames(
                    window, calls: own, firstArguments: firsts,
                    keptTypes: kept[index].map { sliding.calls[$0].arguments[0].type }))
        }
        (self.functions, self.calls, self.kept, self.windows) = (functions, calls, kept, windows)
        state = OperatorState(kind: "over", version: 1, signature: sliding.signature(over: inputColumns))
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0].with(.empty(columns)) }
        var errors: [RowError] = []
        var keys = partitions.map { $0.map { context.evaluate($0, over: input, errors: &errors) } }
        var values = arguments.map { $0.map { context.evaluate($0, over: input, errors: &errors) } }
        var rows = input
        if let keep = context.reject(errors, of: input, columns: inputColumns) {
            rows = input.filtered(by: keep)
            keys = keys.map { $0.map { $0.filtered(by: keep) } }
            values = values.map { $0.map { $0.filtered(by: keep) } }
        }
        var results: [[Column]] = []
        var failures: [RowError] = []
        stateBytes = 0
        for index in windows.indices {
            results.append(
                windows[index].slide(
                    rows.batch, keys: keys[index], kept: kept[index].map { values[$0][0] },
                    arguments: calls[index].map { values[$0] },
                    errors: &failures))
            stateBytes += windows[index].byteCount()
        }
        var output = rows
        output.batch.columns += functions.map { results[$0.window][$0.place] }
        // A row whose result does not fit stays in the windows of those that follow.
        guard let keep = context.reject(failures, of: rows, columns: inputColumns) else { return inputs[0].with(output) }
        return inputs[0].with(output.filtered(by: keep))
    }

    // MARK: State

    func write(to writer: inout StateWriter) { for window in windows { window.write(to: &writer) } }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        for index in windows.indices { try windows[index].read(from: &reader) }
    }
}

extension SlidingWindows {
    /// What the state is about.
    fileprivate func signature(over columns: [ColumnDefinition]) -> String {
        let shown = windows.map { window in
            let terms = window.partition.map { $0.signature(over: columns) }.joined(separator: ", ")
            switch window.frame {
            case .endless: return "by \(terms)"
            case .range(let milliseconds): return "by \(terms); \(milliseconds) ms"
            case .rows(let count): return "by \(terms); \(count) rows"
            }
        }
        let functions = calls.map { call in
            let arguments = call.arguments.prefix(1).map { $0.signature(over: columns) }.joined()
            return "\(call.function.name)(\(arguments)) \(call.type) over \(call.window)"
        }
        return (shown + functions).joined(separator: " | ")
    }
}
