/// The state of MATCH_RECOGNIZE: its runs as bytes, and what they are about.

import StreamSQL

extension MatchRun {
    func write(to writer: inout StateWriter) {
        writer.write(count: start)
        writer.write(time)
        writer.write(deadline)
        writer.write(serial)
        writer.write(best != nil)
        if let best { writer.write(best) }
        writer.write(count: threads.count)
        for thread in threads {
            writer.write(count: thread.place)
            writer.write(thread.labels)
        }
    }

    init(from reader: inout StateReader, _ instructions: Int, _ variables: Int) throws(SnapshotError) {
        func labels() throws(SnapshotError) -> [UInt8] {
            let labels = try reader.byteString()
            guard labels.allSatisfy({ Int($0) < variables }) else { throw .damaged("a row is of no variable") }
            return labels
        }
        start = try reader.number()
        time = try reader.int64()
        deadline = try reader.optionalInt64()
        serial = try reader.int64()
        best = try reader.bool() ? try labels() : nil
        threads = []
        for _ in 0..<(try reader.count(of: 16)) {
            let place = try reader.number()
            guard place < instructions else { throw .damaged("a thread is outside of the pattern") }
            threads.append(MatchThread(place: place, labels: try labels()))
        }
    }
}

extension MatchCall {
    /// What the state is about.
    func signature(over columns: [ColumnDefinition]) -> String {
        func text(_ reference: MatchReference) -> String {
            "\(reference.place.text) of \(reference.expression.map { $0.signature(over: columns) } ?? "-")"
        }
        let defined = zip(variables, conditions).map { name, condition in
            let all = columns + condition.references.indices.map { ColumnDefinition("REFERENCE$\($0)", .null) }
            let references = condition.references.map(text).joined(separator: ", ")
            return "\(name): \(condition.expression.map { $0.signature(over: all) } ?? "any row") [\(references)]"
        }
        let rows = partition.map { "\"\(columns[$0].name)\" \(columns[$0].type)" }.joined(separator: ", ")
        let kept = references.map(text).sorted().joined(separator: ", ")
        let time = within.map { "\($0) ms" } ?? "any time"
        return "by (\(rows)); \(patternText) within \(time), \(skip.text); \(defined.joined(separator: "; ")); \(kept)"
    }
}

extension MatchSkip {
    fileprivate var text: String {
        switch self {
        case .pastLastRow: "past last row"
        case .toNextRow: "to next row"
        case .toFirst(let variable): "to first \(variable)"
        case .toLast(let variable): "to last \(variable)"
        }
    }
}

extension MatchReference.Place {
    fileprivate var text: String {
        func of(_ variable: Int?) -> String { variable.map { "\($0)" } ?? "all" }
        switch self {
        case .before(let back): return "prev \(back)"
        case .first(let variable, let skip, let back): return "first \(of(variable)) \(skip) \(back)"
        case .last(let variable, let skip, let back): return "last \(of(variable)) \(skip) \(back)"
        case .all(let variable, let aggregate): return "\(aggregate.function.name) \(of(variable))"
        case .classifier: return "classifier"
        }
    }
}
