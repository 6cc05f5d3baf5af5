/// What clients do, and the steps of the log, in an order that the seed decides.

internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog

extension LogWorld {
    /// Lets the log's steps be taken within each other, at the disk's calls.
    func listen() {
        disk.setHook { [weak self] operation, path in
            self?.tell("  \(operation) \(path)")
            self?.interleave()
        }
    }

    func work(actions: Int) {
        guard log != nil else { return }
        interleaves = chance(2, in: 3)
        listen()
        // Some runs are all appends, in others much else happens.
        let liveliness = roll(3)
        for _ in 0..<actions {
            act(liveliness)
            if disk.isDead { break }
        }
        // What is under way fails as well.
        if disk.isDead { for _ in 0..<3 { step() } }
    }

    private func act(_ liveliness: Int) {
        guard let log else { return }
        switch roll(21) {
        case 0..<7: append()
        case 7..<12: _ = log.stepJournal()
        case 12..<15: _ = stepSegments()
        case 15: readSomething()
        case 16:
            if kind != .clock || chance(1, in: 2) { time.advance(milliseconds: Int64(roll(chance(1, in: 4) ? 4_000 : 30))) }
            changeConditions()
        case 17: if liveliness > 0 { trim() } else { append() }
        case 18:
            switch roll(6) {
            case 0 where liveliness > 1: removeLog()
            case 1 where liveliness > 0: createLog()
            default: settleDown()
            }
        case 19: if liveliness > 0 { succeed() } else { append() }
        default:
            model.arrivalFloor = max(model.arrivalFloor, log.settledTime())
        }
    }

    private func step() {
        guard let log else { return }
        if chance(1, in: 2) { _ = log.stepJournal() } else { _ = stepSegments() }
    }

    /// There is one who does the segments' work: it is not done within itself.
    func stepSegments() -> Bool {
        guard let log, !segmentsAreBusy else { return false }
        segmentsAreBusy = true
        defer { segmentsAreBusy = false }
        return log.stepSegments()
    }

    /// Between two calls to the disk somebody else may come.
    private func interleave() {
        guard interleaves, depth == 0, let log, chance(1, in: 8) else { return }
        depth = 1
        defer { depth = 0 }
        switch roll(8) {
        case 0, 1, 2: _ = log.stepJournal()
        case 3, 4: _ = stepSegments()
        case 5: append()
        default: readSomething()
        }
    }

    // MARK: Appends

    func append() {
        guard let log else { return }
        // A log that has ended refuses; now and then one is tried.
        let usable = chance(1, in: 10) ? model.usable : model.writable
        guard !usable.isEmpty else { return }
        var targets = [usable[roll(usable.count)]]
        while chance(1, in: 3), targets.count < 4 { targets.append(usable[roll(usable.count)]) }
        let bytes = chance(1, in: 12) ? 1_000 + roll(5_000) : 10 + roll(500)
        let append = model.makeAppend(to: targets, records: 1 + roll(3), bytes: bytes, &random)
        tally.appends += 1
        model.appends[append].handedIn = nextHandedIn()
        let entries = model.appends[append].batches.map { number in
            (log: model.books[model.batches[number].log].id, batch: model.batches[number].batch)
        }
        tell("append \(append): \(model.appends[append].batches.map { "batch \($0) to \(model.books[model.batches[$0].log].id)" })")
        submitting = append
        log.submit(LogAppend(entries), at: nil) { [weak self] result in self?.answered(append, result) }
        if submitting == append { submitting = nil }
    }

    private func answered(_ append: Int, _ result: Result<[LogAppended], LogError>) {
        let isAtOnce = submitting == append
        switch result {
        case .success(let places):
            tally.acknowledged += 1
            if let wrong = model.objection(toAccepting: append) { blame(wrong) }
            tell("append \(append) is at \(places.map(\.baseOffset)), arrived at \(places.first?.arrivalMilliseconds ?? 0)")
            if let wrong = model.acknowledge(append, places) { blame(wrong) }
        case .failure(let error):
            tell("append \(append) fails: \(error)")
            model.appends[append].outcome = isAtOnce ? .refused : outcome(of: error)
            if case .failed = error { blame("append \(append) fails: \(error)") }
            if case .ended(let log) = error, let wrong = model.objection(toRefusing: append, by: log) { blame(wrong) }
        }
    }

    /// After a failed sync an append may be found after the next start; in all other cases it left nothing.
    func outcome(of error: LogError) -> LogModel.Outcome {
        guard case .readOnly(let reason) = error else { return .refused }
        if disk.injectedFaults == faultsSoFar, disk.quota == nil, !disk.isDead {
            blame("appends are refused without a fault: \(reason)")
        }
        return reason == "the disk is full" ? .refused : .unknown
    }

    /// A log and an offset that it may have.
    private func somewhere() -> (log: Int, offset: Int64)? {
        let usable = model.usable
        guard !usable.isEmpty else { return nil }
        let index = usable[roll(usable.count)]
        let book = model.books[index]
        guard book.askedStart <= book.end else { return nil }
        return (index, book.askedStart + Int64(roll(Int(book.end - book.askedStart) + 1)))
    }

    // MARK: Reads

    /// Reads somewhere and compares.
    func readSomething() {
        guard let log, let (index, offset) = somewhere() else { return }
        let book = model.books[index]
        do throws(LogError) {
            let read = try log.readNow(book.id, from: offset, maxBytes: 1 + roll(4_000))
            tally.reads += read.batches.count
            let found = read.batches.map {
                LogModel.Found(baseOffset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds, batch: $0.batch)
            }
            for wrong in model.differences(found, in: index, from: offset) { blame(wrong) }
        } catch .damaged(_, let from, let through) {
            guard from <= offset, offset <= through else {
                return blame("log \(book.id) calls \(from)...\(through) damaged for \(offset)")
            }
            let index = book.index(from: offset)
            let isDamaged = index < book.placed.count && book.placed[index].isDamaged
            let flips = kind == .readFlip && disk.injectedFaults > 0
            // An offset that no batch of ours holds was lost before.
            let isKnown = index < book.placed.count && book.placed[index].base <= offset
            if isKnown, !isDamaged, !flips { blame("log \(book.id) calls \(from)...\(through) damaged; it is not") }
        } catch {
            if !disk.isDead, !disk.hasReadFaults { blame("reading log \(book.id) at \(offset) fails: \(error)") }
        }
    }

    // MARK: Logs

    func trim() {
        guard let log, let (index, offset) = somewhere() else { return }
        let book = model.books[index]
        model.books[index].askedStart = offset
        tell("trim \(book.id) before \(offset)")
        defer {
            // The slot of the start offset is the smallest write there is; the power would seldom go in it by chance.
            if kind == .tornWrite, chance(1, in: 8) {
                disk.cutPower(in: 1, of: .write)
                _ = stepSegments()
            }
        }
        log.submitTrim(book.id, before: offset) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success: self.model.books[index].start = max(self.model.books[index].start, offset)
            case .failure(.offsetOutOfRange(_, let asked, let start, let end)):
                self.blame("trimming log \(book.id) to \(asked) is refused: \(start)..<\(end)")
            case .failure: break
            }
        }
    }

    func createLog() {
        guard let log, order == nil ? model.books.count < 6 : model.usable.count < 6 else { return }
        let id = LogID(stream: 10 + UInt64(model.books.count), shard: 0)
        do throws(LogError) {
            try log.createLog(id)
            model.books.append(LogModel.Book(id: id))
            tell("created \(id)")
        } catch {
            if disk.injectedFaults == faultsSoFar, disk.quota == nil, !disk.isDead { blame("creating log \(id) fails: \(error)") }
        }
    }

    func removeLog() {
        guard let log else { return }
        // What is about to end is not removed meanwhile, and one must stay that takes records.
        let open = Set(model.successions.filter(\.isOpen).flatMap(\.ending))
        let usable = model.usable.filter { !open.contains($0) }
        guard usable.count > 1 else { return }
        let index = usable[roll(usable.count)]
        guard model.mayEnd.contains(where: { $0 != index }) else { return }
        let id = model.books[index].id
        model.books[index].existence = .removing
        tell("remove \(id)")
        log.submitRemoval(id) { [weak self] result in
            guard let self, case .success = result else { return }
            self.model.books[index].existence = .removed
            self.tell("removed \(id)")
            self.log?.submitRemoveFiles(id) { _ in }
        }
    }
}
