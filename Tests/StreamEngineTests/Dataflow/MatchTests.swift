/// MATCH_RECOGNIZE beside a plain search with backtracking over all rows at once.

import StreamEngine
import StreamSQL
import Testing

@Suite("MATCH_RECOGNIZE")
struct MatchTests {
    /// A pattern as the search goes through it.
    private indirect enum Pattern {
        case variable(String)
        case sequence([Pattern])
        case choice([Pattern])
        case repeated(Pattern, least: Int, most: Int, isReluctant: Bool)
        case absence(String)

        var canBeEmpty: Bool {
            switch self {
            case .variable: false
            case .absence: true
            case .sequence(let parts): parts.allSatisfy(\.canBeEmpty)
            case .choice(let parts): parts.contains(where: \.canBeEmpty)
            case .repeated(let inner, let least, _, _): least == 0 || inner.canBeEmpty
            }
        }

        var text: String {
            switch self {
            case .variable(let name): return name
            case .absence(let name): return "NOT \(name)"
            case .sequence(let parts): return "(" + parts.map(\.text).joined(separator: " ") + ")"
            case .choice(let parts): return "(" + parts.map(\.text).joined(separator: " | ") + ")"
            case .repeated(let inner, let least, let most, let isReluctant):
                return "(\(inner.text)){\(least),\(most == 99 ? "" : "\(most)")}" + (isReluctant ? "?" : "")
            }
        }
    }

    private struct Row {
        var time: Int64
        var key: String
        var value: Int
    }

    /// The places of the rows that match from one on, in the order of preference the first.
    /// - Returns: whether `then` was content.
    private func search(
        _ pattern: Pattern, _ rows: [Row], _ place: Int, _ labels: [String], _ limit: Int64, _ then: (Int, [String]) -> Bool
    ) -> Bool {
        switch pattern {
        case .variable(let name):
            guard place < rows.count, rows[place].time < limit, holds(name, rows, place, labels) else { return false }
            return then(place + 1, labels + [name])
        case .absence(let name):
            var next = place
            while next < rows.count, rows[next].time < limit {
                if holds(name, rows, next, labels) { return false }
                next += 1
            }
            return then(place, labels)
        case .sequence(let parts):
            guard let first = parts.first else { return then(place, labels) }
            return search(first, rows, place, labels, limit) {
                search(.sequence(Array(parts.dropFirst())), rows, $0, $1, limit, then)
            }
        case .choice(let parts): return parts.contains { search($0, rows, place, labels, limit, then) }
        case .repeated(let inner, let least, let most, let isReluctant):
            func more() -> Bool {
                guard most > 0 else { return false }
                return search(inner, rows, place, labels, limit) { next, taken in
                    if next == place, least == 0 { return false }
                    return search(
                        .repeated(inner, least: max(0, least - 1), most: most == 99 ? 99 : most - 1, isReluctant: isReluctant),
                        rows, next,
                        taken, limit, then)
                }
            }
            if least > 0 { return more() }
            return isReluctant ? then(place, labels) || more() : more() || then(place, labels)
        }
    }

    /// A: values below 4; B: above 5; C: even ones; D: more than the row before; E: more than the first of the match.
    private func holds(_ name: String, _ rows: [Row], _ place: Int, _ labels: [String]) -> Bool {
        let value = rows[place].value
        return switch name {
        case "A": value < 4
        case "B": value > 5
        case "C": value % 2 == 0
        case "D": place > 0 && value > rows[place - 1].value
        case "E": labels.isEmpty ? false : value > rows[place - labels.count].value
        default: true
        }
    }

    private static let definitions = """
        DEFINE A AS V < 4, B AS B.V > 5, C AS MOD(V, 2) = 0, D AS D.V > PREV(D.V), E AS E.V > FIRST(V)
        """

    private func expected(_ pattern: Pattern, _ rows: [Row], within: Int64?, skipsPast: Bool) -> [String] {
        var (found, place) = ([(end: Int64, text: String)](), 0)
        while place < rows.count {
            let limit = within.map { rows[place].time + $0 } ?? .max
            var match: (end: Int, labels: [String])?
            _ = search(pattern, rows, place, [], limit) { end, labels in
                if end == place { return false }
                match = (end, labels)
                return true
            }
            if let match {
                found.append(
                    (
                        0,
                        "\(rows[place].key) \(rows[place].value) \(rows[match.end - 1].value) \(match.labels.count) \(match.labels.last ?? "")"
                    ))
            }
            place = skipsPast ? match?.end ?? place + 1 : place + 1
        }
        return found.map(\.text)
    }

    private func rows(_ count: Int, _ dice: inout Dice) -> [Row] {
        var time: Int64 = 1_622_538_000_000
        return (0..<count).map { _ in
            time += Int64.random(in: 0...900, using: &dice)
            return Row(
                time: time, key: ["a", "b", "c"].randomElement(using: &dice) ?? "a", value: Int.random(in: 0...9, using: &dice))
        }
    }

    private func pattern(_ depth: Int, _ names: [String], _ dice: inout Dice) -> Pattern {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 2), using: &dice) {
        case 0, 1: return .variable(names.randomElement(using: &dice) ?? "A")
        case 2, 3: return .sequence((0..<2).map { _ in pattern(depth - 1, names, &dice) })
        case 4: return .choice((0..<2).map { _ in pattern(depth - 1, names, &dice) })
        default:
            let least = Int.random(in: 0...2, using: &dice)
            // How often an empty part is repeated is a matter of taste.
            var inner = pattern(depth - 1, names, &dice)
            while inner.canBeEmpty { inner = pattern(depth - 1, names, &dice) }
            return .repeated(
                inner, least: least, most: Bool.random(using: &dice) ? 99 : max(1, least) + 1,
                isReluctant: Bool.random(using: &dice))
        }
    }

    private func play(_ text: String, _ rows: [Row], batch: Int) throws -> [String] {
        var dataflow = try Flow.make(text)
        var found: [String] = []
        func take() {
            for (_, batch) in dataflow.takeOutput() {
                for row in 0..<batch.count { found.append(batch.columns.map { $0.text(row) ?? "NULL" }.joined(separator: " ")) }
            }
        }
        for start in stride(from: 0, to: rows.count, by: batch) {
            var builder = ColumnBatchBuilder(Flow.input.columns.map(\.type))
            for row in rows[start..<min(rows.count, start + batch)] {
                builder.rowtimes.append(row.time)
                builder.columns[0].append(.text(row.key))
                builder.columns[1].append(Int64(row.value))
                builder.columns[2].appendNull()
                builder.columns[3].appendNull()
            }
            try dataflow.insert(builder.finish(), into: "S")
            take()
        }
        try dataflow.finish()
        take()
        return found
    }

    @Test("random patterns give the matches that a search with backtracking finds", arguments: 0..<150)
    func againstBacktracking(seed: Int) throws {
        var dice = Dice(seed: UInt64(seed + 1))
        let names = seed % 3 == 0 ? ["A", "B", "C", "D", "E"] : ["A", "B", "C", "D"]
        var parts = [Pattern.variable(names.randomElement(using: &dice) ?? "A"), pattern(2, names, &dice)]
        let within: Int64? = seed % 2 == 0 ? 3000 : nil
        if within != nil, seed % 4 == 0 { parts.append(.absence(names[Int.random(in: 0...2, using: &dice)])) }
        let pattern = Pattern.sequence(parts)
        let skipsPast = Bool.random(using: &dice)
        let all = rows(120, &dice)
        let used = names.filter { pattern.text.contains($0) }
        let definitions = Self.definitions.dropFirst(7).split(separator: ", ").reduce(into: [String]()) { list, part in
            // MOD(V, 2) has a comma too.
            if part.hasPrefix("2)") { list[list.count - 1] += ", " + part } else { list.append(String(part)) }
        }.filter { definition in used.contains(String(definition.prefix(1))) }
        let text = """
            CREATE STREAM O (K VARCHAR(8), F INTEGER, L INTEGER, N BIGINT, C VARCHAR(8));
            CREATE PUMP P AS INSERT INTO O SELECT STREAM * FROM S MATCH_RECOGNIZE (
              PARTITION BY K ORDER BY ROWTIME MEASURES FIRST(V) AS F, LAST(V) AS L, COUNT(*) AS N, CLASSIFIER() AS C
              ONE ROW PER MATCH AFTER MATCH SKIP \(skipsPast ? "PAST LAST ROW" : "TO NEXT ROW")
              PATTERN \(pattern.text) \(within.map { "WITHIN INTERVAL '\($0 / 1000)' SECOND" } ?? "") DEFINE \(definitions.joined(separator: ", ")));
            """
        var wanted: [String] = []
        for key in ["a", "b", "c"] {
            wanted += expected(pattern, all.filter { $0.key == key }, within: within, skipsPast: skipsPast)
        }
        let found = try play(text, all, batch: 1000)
        #expect(found.sorted() == wanted.sorted(), "\(pattern.text), within \(within ?? 0), past: \(skipsPast)")
        // The matches of a partition leave in the order of their first rows.
        for key in ["a", "b", "c"] { #expect(found.filter { $0.hasPrefix(key) } == wanted.filter { $0.hasPrefix(key) }) }
        #expect(try play(text, all, batch: 7) == found)
    }

    /// Rows of one partition, all of its first variable or of none.
    private func played(_ pattern: String, rows: Int, isFirst: (Int) -> Bool) throws -> Dataflow {
        var dataflow = try Flow.make(
            "CREATE STREAM O (N BIGINT); CREATE PUMP P AS INSERT INTO O SELECT STREAM * FROM S MATCH_RECOGNIZE (MEASURES COUNT(*) AS N \(pattern));"
        )
        try dataflow.insert(
            ColumnBatch(
                rowtimes: (0..<rows).map { 1_622_538_000_000 + Int64($0) },
                columns: [
                    .nulls(.varchar(8), count: rows), Column(.integer, .integers((0..<rows).map { isFirst($0) ? 1 : 7 })),
                    .nulls(.double, count: rows), .nulls(.decimal(precision: 9, scale: 2), count: rows),
                ]), into: "S")
        return dataflow
    }

    @Test("what a partition may hold is bounded; a row that is too many goes to the error stream")
    func bounds() throws {
        let runs = try played(
            "AFTER MATCH SKIP TO NEXT ROW PATTERN (A X* B) DEFINE A AS V < 4, B AS V = 100", rows: 1010, isFirst: { _ in true })
        #expect(runs.errorRowCount == 10)
        let long = try played("PATTERN (A X* B) DEFINE A AS V < 4, B AS V = 100", rows: 10_005, isFirst: { $0 == 0 })
        #expect(long.errorRowCount == 1)
        // A run that stands where an earlier one does is not kept.
        let idle = try played("PATTERN (A X* B) DEFINE A AS V < 4, B AS V = 100", rows: 3000, isFirst: { _ in true })
        #expect(idle.errorRowCount == 0)
        let ways = try played(
            "PATTERN ((A | X)* B) DEFINE A AS A.V < 4 + COUNT(X.V), B AS V = 100", rows: 14, isFirst: { _ in true })
        #expect(ways.errorRowCount > 0)
        for dataflow in [runs, long, idle, ways] { #expect(dataflow.stateBytes < 100 << 20) }
    }
}
