/// Compares a log that was opened again with what the model expects of it.

internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// One look at a whole log, and what it means for the model.
struct LogChecker {
    /// What the files' damage excuses; nil where nothing is excused.
    let damage: Damage?
    /// Reads may fail with the disk's error.
    let mayFail: Bool
    private(set) var violations: [String] = []
    var tally = Tally()
    /// Batches that are damaged now and were not before.
    private var newlyDamaged: Set<Int> = []
    /// Of all that is served.
    private var latest = Int64.min

    init(damage: Damage?, mayFail: Bool) {
        self.damage = damage
        self.mayFail = mayFail
    }

    /// What one log holds.
    private struct Content {
        var start: Int64
        var end: Int64
        var batches: [LogBatch] = []
        var damaged: [ClosedRange<Int64>] = []

        func isDamaged(_ offset: Int64) -> Bool { damaged.contains { $0.contains(offset) } }
    }

    mutating func blame(_ text: String) {
        if violations.count < 20 { violations.append(text) }
    }

    /// Checks all logs after a start.
    /// - Parameter isSettled: whether what is found now, and what is not, will stay so: the log is not sealed.
    mutating func check(
        _ log: StreamLog<SimulatedDisk>, _ report: RecoveryReport, _ model: inout LogModel, isSettled: Bool, maxBytes: Int
    ) {
        check(report, model)
        settleSuccessions(log, &model, isSettled: isSettled)
        checkSuccessions(log, model)
        var found: [Int: (log: Int, base: Int64)] = [:]
        var contents: [Content?] = []
        for index in model.books.indices {
            guard model.books[index].existence != .unborn, model.books[index].existence != .never else {
                contents.append(nil)
                continue
            }
            let content = content(of: index, log, &model, maxBytes)
            contents.append(content)
            guard let content else { continue }
            for batch in content.batches {
                tally.reads += 1
                guard let number = MarkedBatch.number(of: batch.batch), number < model.batches.count else {
                    blame("log \(model.books[index].id) serves a batch at \(batch.baseOffset) that nobody appended")
                    continue
                }
                if found[number] != nil || model.batches[number].log != index {
                    blame("batch \(number) is served a second time, by log \(model.books[index].id) at \(batch.baseOffset)")
                }
                found[number] = (index, batch.baseOffset)
            }
        }
        for index in model.books.indices {
            guard let content = contents[index] else { continue }
            compare(content, report, with: index, &model, isSettled: isSettled)
        }
        if let damage, damage.appendsAreWhole {
            for batch in newlyDamaged {
                let append = model.batches[batch].append
                for mate in model.appends[append].batches where found[mate] != nil && damage.suspects.contains(mate) {
                    blame("append \(append) is served in part: batch \(mate), not \(batch)")
                }
            }
        }
        checkWholeness(contents, found, &model, isSettled: isSettled)
        // Where files are damaged the latest arrival can be lost with them.
        if damage != nil { model.latestArrival = latest }
        if isSettled { model.latestArrival = max(model.latestArrival, latest) }
        model.arrivalFloor = model.latestArrival
    }

    private mutating func check(_ report: RecoveryReport, _ model: LogModel) {
        if !report.unknownLogs.isEmpty { blame("the start finds unknown logs \(report.unknownLogs)") }
        guard damage == nil else { return }
        let isAtRest = model.books.allSatisfy { !$0.placed.contains { $0.isDamaged } }
        if isAtRest, !report.damages.isEmpty { blame("the start reports damage where there is none: \(report.damages)") }
        if isAtRest, !report.quarantined.isEmpty { blame("the start moves files to quarantine: \(report.quarantined)") }
    }

    /// Reads a log from its start to its end; nil when it is gone, as it may be.
    private mutating func content(
        of index: Int, _ log: StreamLog<SimulatedDisk>, _ model: inout LogModel, _ maxBytes: Int
    ) -> Content? {
        let book = model.books[index]
        let bounds: (startOffset: Int64, highWatermark: Int64)
        do throws(LogError) {
            bounds = try log.bounds(book.id)
        } catch {
            if book.existence == .known { blame("log \(book.id) is gone: \(error)") }
            model.books[index].existence = .removed
            return nil
        }
        if book.existence == .removed {
            if bounds.highWatermark > 0 { blame("log \(book.id) was removed and is there again") }
            return nil
        }
        var content = Content(start: bounds.startOffset, end: bounds.highWatermark)
        var offset = content.start
        while offset < content.end {
            do throws(LogError) {
                let read = try log.readNow(book.id, from: offset, maxBytes: maxBytes)
                if read.batches.isEmpty {
                    blame("log \(book.id) gives nothing at \(offset), before its end at \(content.end)")
                    return content
                }
                for batch in read.batches {
                    guard batch.endOffset > offset,
                        batch.baseOffset == offset || (batch.baseOffset < offset && offset == content.start)
                    else {
                        blame("log \(book.id) gives \(batch.baseOffset)..<\(batch.endOffset) where \(offset) is next")
                        return content
                    }
                    offset = batch.endOffset
                    content.batches.append(batch)
                }
            } catch .damaged(_, let from, let through) {
                guard from <= offset, through >= offset, through < content.end else {
                    blame("log \(book.id) calls \(from)...\(through) damaged when asked for \(offset) of ..<\(content.end)")
                    return content
                }
                content.damaged.append(offset...through)
                offset = through + 1
            } catch {
                if !mayFail { blame("reading log \(book.id) at \(offset) fails: \(error)") }
                // What it holds will be seen at a later start; what is appended meanwhile stands behind it.
                model.books[index].end = max(book.end, bounds.highWatermark)
                return nil
            }
        }
        return content
    }

    private mutating func compare(
        _ content: Content, _ report: RecoveryReport, with index: Int, _ model: inout LogModel, isSettled: Bool
    ) {
        let book = model.books[index]
        checkStart(content, book, &model.books[index])
        for range in report.damages where range.log == book.id {
            for batch in content.batches where batch.baseOffset <= range.through && batch.endOffset > range.from {
                blame("log \(book.id) reports \(range.from)...\(range.through) as damaged and serves \(batch.baseOffset)")
            }
        }
        var served = content.batches[...]
        var kept: [LogModel.Placed] = []
        var arrival = Int64.min
        for batch in content.batches {
            if batch.arrivalMilliseconds < arrival { blame("arrival times of log \(book.id) go back at \(batch.baseOffset)") }
            arrival = batch.arrivalMilliseconds
            latest = max(latest, arrival)
        }
        for var placed in book.placed {
            if placed.end <= content.start {
                // Trimmed.
                continue
            }
            while let first = served.first, first.endOffset <= placed.base { served.removeFirst() }
            if let first = served.first, first.baseOffset < placed.end, first.endOffset > placed.base {
                check(first, against: placed, book, model)
                if first.baseOffset == placed.base { served.removeFirst() }
                placed.isDamaged = false
                kept.append(placed)
            } else if content.isDamaged(max(placed.base, content.start)) {
                let isExcused = placed.isDamaged || damage?.suspects.contains(placed.batch) ?? false
                let isBelowTrim = placed.end <= book.start
                if !isExcused && !isBelowTrim {
                    blame("log \(book.id) calls acknowledged batch \(placed.batch) at \(placed.base) damaged; it is not")
                }
                if !isBelowTrim { tally.damaged += 1 }
                if !placed.isDamaged { newlyDamaged.insert(placed.batch) }
                placed.isDamaged = true
                kept.append(placed)
            } else {
                if damage?.losable.contains(placed.batch) ?? false {
                    tally.unknowable += 1
                } else {
                    blame(
                        "log \(book.id) (\(content.start)..<\(content.end)) has lost acknowledged batch \(placed.batch) at \(placed.base)..<\(placed.end)"
                    )
                }
            }
        }
        model.books[index].placed = kept
        if content.end < book.end, damage == nil { blame("log \(book.id) ends at \(content.end), it ended at \(book.end)") }
        model.books[index].end = content.end
    }

    private mutating func checkStart(_ content: Content, _ book: LogModel.Book, _ mine: inout LogModel.Book) {
        let isOpen = book.startIsOpen || damage?.starts.contains(book.id) ?? false
        if isOpen { mine.startIsOpen = true }
        if content.start < book.start, !isOpen {
            blame("log \(book.id) begins at \(content.start), it was trimmed to \(book.start)")
        }
        if content.start > book.askedStart {
            blame("log \(book.id) begins at \(content.start), nobody trimmed it past \(book.askedStart)")
        }
        if content.damaged.contains(where: { $0.lowerBound < book.start }), damage == nil, !isOpen {
            blame("log \(book.id) has damage before \(book.start)")
        }
        // A start that went back may stay so, or not.
        if !isOpen { mine.start = max(book.start, content.start) }
    }

    private mutating func check(_ found: LogBatch, against placed: LogModel.Placed, _ book: LogModel.Book, _ model: LogModel) {
        let batch = model.batches[placed.batch]
        if found.baseOffset != placed.base || found.endOffset != placed.end {
            blame("log \(book.id) serves \(found.baseOffset)..<\(found.endOffset) for \(placed.base)..<\(placed.end)")
        } else if found.batch.baseOffset != placed.base || !batch.isSame(as: found.batch) {
            blame("log \(book.id) serves other bytes than were appended at \(placed.base)")
        }
        if found.arrivalMilliseconds != placed.arrival {
            blame("log \(book.id) at \(placed.base) arrived at \(placed.arrival), now at \(found.arrivalMilliseconds)")
        }
    }

    /// Appends that nobody was told about are there whole or not at all; refused ones are not there.
    private mutating func checkWholeness(
        _ contents: [Content?], _ found: [Int: (log: Int, base: Int64)], _ model: inout LogModel, isSettled: Bool
    ) {
        for (number, place) in found.sorted(by: { $0.key < $1.key }) {
            let append = model.batches[number].append
            switch model.appends[append].outcome {
            case .acknowledged, .present, .unknown: break
            case .waiting, .refused, .absent:
                blame("log \(model.books[place.log].id) serves append \(append), which was \(model.appends[append].outcome)")
            }
            guard model.appends[append].outcome == .unknown, let content = contents[place.log] else { continue }
            if let batch = content.batches.first(where: { $0.baseOffset == place.base }),
                !model.batches[number].isSame(as: batch.batch)
            {
                blame("log \(model.books[place.log].id) serves other bytes than were appended at \(place.base)")
            }
        }
        for append in model.open where model.appends[append].outcome == .unknown {
            let batches = model.appends[append].batches
            let there = batches.filter { found[$0] != nil }
            if there.isEmpty {
                // Of a log that could not be read nothing is known.
                if isSettled,
                    batches.allSatisfy({
                        contents[model.batches[$0].log] != nil || model.books[model.batches[$0].log].existence == .removed
                    })
                {
                    model.appends[append].outcome = .absent
                }
                continue
            }
            let missing = batches.filter { number in
                let log = model.batches[number].log
                return found[number] == nil && contents[log].map { $0.start == model.books[log].base } ?? false
                    && model.books[log].existence == .known
                    && !(damage?.suspects.contains(number) ?? false)
            }
            if !missing.isEmpty { blame("append \(append) is there in part: batch \(there[0]), not \(missing)") }
            guard isSettled else { continue }
            tally.unacknowledgedFound += 1
            model.appends[append].outcome = .present
            for number in there {
                guard let place = found[number],
                    let batch = contents[place.log]?.batches.first(where: { $0.baseOffset == place.base })
                else { continue }
                let placed = LogModel.Placed(
                    batch: number, base: batch.baseOffset, end: batch.endOffset, arrival: batch.arrivalMilliseconds)
                let index = model.books[place.log].index(from: placed.base)
                model.books[place.log].placed.insert(placed, at: index)
            }
        }
        model.open = model.open.filter { model.appends[$0].outcome == .unknown }
    }
}
