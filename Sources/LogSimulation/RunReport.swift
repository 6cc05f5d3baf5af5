/// Adds up what seeds have tried, and prints it.

/// The sums of a run, by kind.
public struct RunReport: Sendable {
    private var tallies: [FaultKind: Tally] = [:]
    public private(set) var violations = 0

    public init() {}

    public mutating func add(_ result: SeedResult) {
        tallies[result.kind, default: Tally()] += result.tally
        violations += result.violations.count
    }

    /// The sum over all kinds.
    public var total: Tally { tallies.values.reduce(into: Tally()) { $0 += $1 } }

    /// What was violated, and one command that repeats it; empty when nothing was.
    public static func lines(for result: SeedResult) -> [String] {
        guard !result.violations.isEmpty else { return [] }
        return ["log-simulator --seeds \(result.seed)..\(result.seed) --fault \(result.kind.rawValue)"]
            + result.violations.map { "    \($0)" }
    }

    /// One line for each kind that was run, with a head and a sum.
    public var table: [String] {
        let columns: [(String, KeyPath<Tally, Int>)] = [
            ("seeds", \.seeds), ("opens", \.opens), ("crashes", \.crashes), ("faults", \.faults), ("appends", \.appends),
            ("acked", \.acknowledged), ("found", \.unacknowledgedFound), ("reads", \.reads), ("damaged", \.damaged),
            ("unknowable", \.unknowable),
        ]
        func line(_ name: String, _ cells: [String]) -> String {
            name.padded(to: 15) + cells.map { $0.padded(toLeft: 12) }.joined()
        }
        var lines = [line("kind", columns.map(\.0))]
        for kind in FaultKind.allCases {
            guard let tally = tallies[kind] else { continue }
            lines.append(line(kind.rawValue, columns.map { "\(tally[keyPath: $0.1])" }))
        }
        if total.successions > 0 {
            lines.append("logs ended and begun: \(total.successions) steps, \(total.successionsFound) found without an answer")
        }
        if let store = tallies[.store] {
            lines.append(
                "store: \(store.streams) streams created, \(store.fenced) appends refused for their fence, \(store.trimmed) shards trimmed by retention"
            )
        }
        if tallies.count > 1 { lines.append(line("all", columns.map { "\(total[keyPath: $0.1])" })) }
        return lines
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
    fileprivate func padded(toLeft width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}
