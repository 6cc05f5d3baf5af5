/// Logs that end and begin in one step, as the model expects them.

internal import StreamLog

extension LogModel {
    /// One step that was handed in.
    struct Succession {
        /// Books, in order.
        var ending: [Int]
        var beginning: [(book: Int, continuing: Int?)]
        /// Its place in the order of what was handed in.
        var handedIn: Int
        var outcome = Outcome.waiting

        var isOpen: Bool { outcome == .waiting || outcome == .unknown }
    }

    /// Books that take records, and that nobody is about to end.
    var mayEnd: [Int] {
        let open = Set(successions.filter(\.isOpen).flatMap(\.ending))
        return writable.filter { !open.contains($0) }
    }

    /// A step was answered, or found at a start: its logs have ended at these offsets.
    mutating func carryOut(_ index: Int, _ ends: [LogEnd], as outcome: Outcome) -> String? {
        successions[index].outcome = outcome
        let succession = successions[index]
        guard ends.count == succession.ending.count else {
            return "a step that ends \(succession.ending.count) logs tells \(ends.count) ends"
        }
        var wrong: String?
        for (book, end) in zip(succession.ending, ends) {
            if end.offset != books[book].end {
                wrong = "log \(books[book].id) ended at \(end.offset), its records end at \(books[book].end)"
            }
            books[book].ended = end
        }
        for (book, continuing) in succession.beginning {
            let base = continuing.flatMap { books[$0].ended?.offset } ?? 0
            books[book].existence = .known
            books[book].base = base
            (books[book].start, books[book].askedStart, books[book].end) = (base, base, base)
        }
        return wrong
    }

    /// A step did not take place, and never will.
    mutating func dismiss(_ index: Int, as outcome: Outcome) {
        successions[index].outcome = outcome
        guard outcome == .refused || outcome == .absent else { return }
        for (book, _) in successions[index].beginning { books[book].existence = .never }
    }

    /// What is wrong with an append being accepted; nil when nothing is.
    func objection(toAccepting append: Int) -> String? {
        for batch in appends[append].batches {
            let book = batches[batch].log
            for succession in successions where succession.ending.contains(book) {
                switch succession.outcome {
                case .acknowledged, .present: return "append \(append) is accepted by log \(books[book].id), which has ended"
                case .waiting where succession.handedIn < appends[append].handedIn:
                    return "append \(append) to log \(books[book].id) overtakes the end that was handed in before it"
                default: break
                }
            }
        }
        return nil
    }

    /// What is wrong with an append being refused because a log has ended; nil when nothing is.
    func objection(toRefusing append: Int, by log: LogID) -> String? {
        guard let book = book(of: log), books[book].ended != nil else {
            return "append \(append) is refused by log \(log) as one that has ended, and nobody was told that it has"
        }
        let isLater = successions.contains {
            $0.ending.contains(book)
                && ($0.outcome == .present || $0.outcome == .acknowledged && $0.handedIn < appends[append].handedIn)
        }
        return isLater ? nil : "append \(append) was handed in before the end of log \(log) and is refused as if it came after it"
    }

    /// What whoever names the logs could tell of them.
    var extents: [LogID: LogExtent] {
        var extents: [LogID: LogExtent] = [:]
        for book in books where (book.existence == .known || book.existence == .removing) && (book.base > 0 || book.ended != nil) {
            extents[book.id] = LogExtent(
                startOffset: book.base, endOffset: book.ended?.offset, endMilliseconds: book.ended?.arrivalMilliseconds)
        }
        return extents
    }
}
