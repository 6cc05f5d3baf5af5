/// The ways in which the rows of one partition may become matches.

import StreamSQL

/// A way through the pattern: where it stands, and for which variable each row since the run's first was taken.
struct MatchThread: Sendable, Hashable {
    var place: Int
    var labels: [UInt8]
}

/// All ways that begin at one row.
struct MatchRun: Sendable {
    /// The number of its first row in the partition.
    var start: Int
    /// ROWTIME of that row.
    var time: Int64
    /// The clock at which its time is over; nil without WITHIN.
    var deadline: Int64?
    /// Tells it from every other run that the operator ever had.
    var serial: Int64
    /// In the order in which they are preferred.
    var threads: [MatchThread] = []
    /// What is a match unless a thread becomes one.
    var best: [UInt8]?

    var byteCount: Int { threads.reduce(96 + (best?.count ?? 0)) { $0 + 48 + $1.labels.count } }
}

/// A partition's rows, as far as they are looked at again, and the runs over them.
struct MatchPartition: Sendable {
    var key: [UInt8]
    /// Of the columns of PARTITION BY.
    var values: [SQLValue]
    /// The columns that references read.
    var rows: ColumnBatch
    /// How many rows came before those that are kept.
    var firstRow = 0
    var runs: [MatchRun] = []
    var isInUse = true
    /// What it was counted with.
    var countedBytes = 0

    var rowCount: Int { firstRow + rows.count }
    var byteCount: Int { runs.reduce(rows.byteCount + 160 + 2 * key.count) { $0 + $1.byteCount } }

    /// Lets go of rows that nothing looks at any more.
    /// - Parameter behind: how many rows before the first of a run may be looked at.
    mutating func trim(behind: Int) {
        let needed = max(0, (runs.first?.start ?? rowCount) - behind)
        let count = needed - firstRow
        guard count > 0, count == rows.count || count >= max(8, rows.count / 2) else { return }
        rows = rows.slice(count..<rows.count)
        firstRow = needed
    }
}

/// Goes through the pattern's program.
struct MatchProgram: Sendable {
    let instructions: [MatchInstruction]
    /// Whether two threads at one place have the same future, whatever came before.
    let forgets: Bool
    private let skip: MatchSkip
    private let isTimed: Bool
    /// The variables that a first row may be taken for.
    let firsts: [Int]

    /// How many threads a run may have.
    static let mostThreads = 1000

    init(_ call: MatchCall) {
        instructions = call.pattern
        forgets = call.conditions.allSatisfy(\.isOfRow)
        skip = call.skip
        isTimed = call.within != nil
        var threads: [MatchThread] = []
        var seen: Set<Int> = []
        _ = Self.follow(0, [], call.pattern, &seen, &threads)
        var firsts: [Int] = []
        for thread in threads { if case .row(let variable) = call.pattern[thread.place] { firsts.append(variable) } }
        self.firsts = firsts
    }

    /// The threads of a run before its first row.
    var beginning: [MatchThread] {
        var (threads, seen) = ([MatchThread](), Set<Int>())
        _ = Self.follow(0, [], instructions, &seen, &threads)
        return threads
    }

    /// Adds the threads that wait behind a place.
    /// - Returns: whether the end of the pattern is among them; what is preferred less was not looked at then.
    private static func follow(
        _ place: Int, _ labels: [UInt8], _ instructions: [MatchInstruction], _ seen: inout Set<Int>, _ threads: inout [MatchThread]
    ) -> Bool {
        var open = [place]
        while let next = open.popLast() {
            guard seen.insert(next).inserted else { continue }
            switch instructions[next] {
            case .match: return true
            case .jump(let target): open.append(target)
            case .split(let first, let second):
                open.append(second)
                open.append(first)
            case .row, .absence: threads.append(MatchThread(place: next, labels: labels))
            }
        }
        return false
    }

    /// Takes a row into a run.
    /// - Parameter holds: whether a variable's condition lets the row through, for a thread with these labels.
    /// - Returns: whether there were more threads than there may be.
    func step(_ run: inout MatchRun, _ holds: (Int, [UInt8]) -> Bool) -> Bool {
        var (next, seen) = ([MatchThread](), Set<Int>())
        for thread in run.threads {
            switch instructions[thread.place] {
            case .absence(let variable):
                if holds(variable, thread.labels) || forgets && !seen.insert(thread.place).inserted { continue }
                next.append(thread)
            case .row(let variable):
                guard holds(variable, thread.labels) else { continue }
                let labels = thread.labels + [UInt8(truncatingIfNeeded: variable)]
                if !forgets { seen.removeAll(keepingCapacity: true) }
                if Self.follow(thread.place + 1, labels, instructions, &seen, &next) {
                    run.best = labels
                    run.threads = next
                    return false
                }
            case .split, .jump, .match: break
            }
            if next.count > Self.mostThreads {
                run.threads = Array(next.prefix(Self.mostThreads))
                return true
            }
        }
        run.threads = next
        return false
    }

    /// Whether a run that begins can change nothing: an earlier one stands in all its places, without a match so far. Where that one matches, it does so over
    /// the beginning of this one; where it fails, this one fails.
    func isIdle(_ run: MatchRun, beside runs: [MatchRun]) -> Bool {
        guard forgets, skip == .pastLastRow, !isTimed, run.best == nil else { return false }
        let places = Set(run.threads.map(\.place))
        return runs.contains { $0.best == nil && places.isSubset(of: $0.threads.map(\.place)) }
    }

    /// The time of a run is over: what waited for an absence is a match.
    func end(_ run: inout MatchRun) {
        for thread in run.threads {
            if case .absence = instructions[thread.place] {
                run.best = thread.labels
                break
            }
        }
        run.threads = []
    }

    /// The first row at which a further match may begin.
    func next(after run: MatchRun, _ labels: [UInt8]) -> Int {
        func place(_ index: Int?) -> Int { run.start + max(1, index ?? 1) }
        switch skip {
        case .pastLastRow: return run.start + max(1, labels.count)
        case .toNextRow: return run.start + 1
        case .toFirst(let variable): return place(labels.firstIndex { Int($0) == variable })
        case .toLast(let variable): return place(labels.lastIndex { Int($0) == variable })
        }
    }
}

/// The deadlines of runs, the earliest on top. One that has ended otherwise stays until it is its turn.
struct MatchDeadlines: Sendable {
    struct Entry: Sendable {
        var deadline: Int64
        var serial: Int64
        var partition: Int
    }

    private var entries: [Entry] = []

    var first: Entry? { entries.first }
    var count: Int { entries.count }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (entries[a].deadline, entries[a].serial) < (entries[b].deadline, entries[b].serial)
    }

    mutating func add(_ entry: Entry) {
        entries.append(entry)
        var place = entries.count - 1
        while place > 0, precedes(place, (place - 1) / 2) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func removeFirst() {
        guard let last = entries.popLast() else { return }
        if entries.isEmpty { return }
        entries[0] = last
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < entries.count && precedes(child, least) { least = child }
            if least == place { return }
            entries.swapAt(place, least)
            place = least
        }
    }

    /// Keeps those of runs that go on.
    mutating func keep(_ isLive: (Entry) -> Bool) {
        let kept = entries.filter(isLive)
        entries = []
        for entry in kept { add(entry) }
    }
}
