/// Checks after a start which logs have ended and which have begun: together or not at all.

internal import HostSimulation
internal import StreamLog

extension LogChecker {
    /// Settles the steps that were not answered.
    mutating func settleSuccessions(_ log: StreamLog<SimulatedDisk>, _ model: inout LogModel, isSettled: Bool) {
        for index in model.successions.indices where model.successions[index].outcome == .unknown {
            let succession = model.successions[index]
            let ends = succession.ending.map { end(of: $0, log, model) }
            let known = ends.compactMap { $0 }
            if known.count != ends.count, !known.isEmpty, damage == nil {
                blame("of \(succession.ending.map { model.books[$0].id }), which end in one step, \(known.count) have ended")
            }
            guard isSettled else { continue }
            if known.count < ends.count {
                model.dismiss(index, as: .absent)
                continue
            }
            // What of the records is there is compared later; the end lies behind all of them.
            for (book, end) in zip(succession.ending, known) { model.books[book].end = end.offset }
            _ = model.carryOut(index, known, as: .present)
            tally.successionsFound += 1
        }
    }

    private func end(of book: Int, _ log: StreamLog<SimulatedDisk>, _ model: LogModel) -> LogEnd? {
        do throws(LogError) {
            return try log.end(model.books[book].id)
        } catch {
            return nil
        }
    }

    /// Compares ends and beginnings with those that were told.
    mutating func checkSuccessions(_ log: StreamLog<SimulatedDisk>, _ model: LogModel) {
        let open = Set(model.successions.filter(\.isOpen).flatMap(\.ending))
        for (index, book) in model.books.enumerated() where book.existence == .known {
            let found = end(of: index, log, model)
            if let told = book.ended {
                if found?.offset != told.offset {
                    blame("log \(book.id) ended at \(told.offset), and now at \(found.map { "\($0.offset)" } ?? "nowhere")")
                }
                if let found, found.arrivalMilliseconds != told.arrivalMilliseconds, damage == nil {
                    blame("log \(book.id) ended at \(told.arrivalMilliseconds), now at \(found.arrivalMilliseconds)")
                }
            } else if found != nil, !open.contains(index) {
                blame("log \(book.id) has ended, and nobody has asked for it")
            }
            do throws(LogError) {
                let start = try log.bounds(book.id).startOffset
                if start < book.base, !(damage?.starts.contains(book.id) ?? false), !book.startIsOpen {
                    blame("log \(book.id) begins at \(start), before the end of the log that it continues, \(book.base)")
                }
            } catch {
                // Said already where it is wrong.
            }
        }
    }
}
