/// What the log was asked and what it answered: everything that a check is made against.

internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// The expectations of one run.
struct LogModel {
    /// What is known of an append.
    enum Outcome: Equatable {
        case waiting
        case acknowledged
        /// The log said that it left no trace.
        case refused
        /// No answer, or one that leaves it open.
        case unknown
        /// Found at a start, or not found: it stays so.
        case present, absent
    }

    struct Append {
        var batches: [Int]
        var outcome = Outcome.waiting
        /// Its place in the order of what was handed in.
        var handedIn = 0
    }

    /// A batch that is in a log.
    struct Placed {
        var batch: Int
        var base: Int64
        var end: Int64
        var arrival: Int64
        /// It was reported as damaged.
        var isDamaged = false
    }

    enum Existence: Equatable {
        case known
        /// A removal was asked for and not answered.
        case removing
        case removed
        /// It begins with a step that was not answered yet.
        case unborn
        /// It was to begin with a step that did not take place.
        case never
    }

    /// One log.
    struct Book {
        var id: LogID
        /// In order of offset.
        var placed: [Placed] = []
        /// Trims were answered up to here.
        var start: Int64 = 0
        /// Trims were asked for up to here.
        var askedStart: Int64 = 0
        /// One past the last offset.
        var end: Int64 = 0
        var existence = Existence.known
        /// The first offset that it ever had.
        var base: Int64 = 0
        /// Once it takes no records any more.
        var ended: LogEnd?
        /// Its start offset cannot be relied on: the file was damaged.
        var startIsOpen = false

        /// The index of the batch that holds an offset, or of the first behind it.
        func index(from offset: Int64) -> Int {
            var (low, high) = (0, placed.count)
            while low < high {
                let middle = (low + high) / 2
                if placed[middle].end <= offset { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    var books: [Book] = []
    var batches: [MarkedBatch] = []
    var appends: [Append] = []
    var successions: [Succession] = []
    /// The latest arrival that was told or found.
    var latestArrival = Int64.min
    /// Later arrivals must lie above it: it was settled in this process, or stored by an earlier one.
    var arrivalFloor = Int64.min
    /// Appends whose outcome a start has to settle.
    var open: [Int] = []

    /// The names that a start is given.
    var knownLogs: Set<LogID> { Set(books.filter { $0.existence != .removed && $0.existence != .never }.map(\.id)) }
    var removedLogs: Set<LogID> { Set(books.filter { $0.existence == .removed }.map(\.id)) }

    func book(of id: LogID) -> Int? { books.firstIndex { $0.id == id && $0.existence != .never } }

    /// Logs that can be used.
    var usable: [Int] { books.indices.filter { books[$0].existence == .known } }

    /// Those of them that take records.
    var writable: [Int] { books.indices.filter { books[$0].existence == .known && books[$0].ended == nil } }

    /// Makes an append of one batch for each of the logs.
    mutating func makeAppend(to logs: [Int], records: Int, bytes: Int, _ random: inout SeededGenerator) -> Int {
        var made: [Int] = []
        for log in logs {
            guard
                let batch = MarkedBatch(
                    number: batches.count, append: appends.count, log: log, records: records, bytes: bytes, &random)
            else { continue }
            made.append(batches.count)
            batches.append(batch)
        }
        appends.append(Append(batches: made))
        return appends.count - 1
    }

    /// An append was acknowledged. Returns what is wrong with the answer.
    mutating func acknowledge(_ append: Int, _ results: [LogAppended]) -> String? {
        guard appends[append].outcome == .waiting else { return "append \(append) is answered twice" }
        appends[append].outcome = .acknowledged
        guard results.count == appends[append].batches.count else { return "append \(append) has \(results.count) results" }
        var wrong: String?
        for (number, result) in zip(appends[append].batches, results) {
            let log = batches[number].log
            let arrival = result.arrivalMilliseconds
            if result.baseOffset != books[log].end {
                wrong = "append \(append) to log \(books[log].id) got offset \(result.baseOffset), expected \(books[log].end)"
            }
            if arrival < latestArrival {
                wrong = "append \(append) arrived at \(arrival), after one that arrived at \(latestArrival)"
            }
            if arrival <= arrivalFloor {
                wrong = "append \(append) arrived at \(arrival), but \(arrivalFloor) was settled or stored before"
            }
            latestArrival = max(latestArrival, arrival)
            let end = result.baseOffset + Int64(batches[number].batch.recordCount)
            books[log].placed.append(Placed(batch: number, base: result.baseOffset, end: end, arrival: arrival))
            books[log].end = end
        }
        return wrong
    }

    /// The process has ended: what was not answered is open.
    mutating func endProcess() {
        for append in appends.indices where appends[append].outcome == .waiting { appends[append].outcome = .unknown }
        open = appends.indices.filter { appends[$0].outcome == .unknown }
        for index in successions.indices where successions[index].outcome == .waiting { successions[index].outcome = .unknown }
    }
}
