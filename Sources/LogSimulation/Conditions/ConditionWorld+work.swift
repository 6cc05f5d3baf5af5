/// Clients that append under conditions, some with an old view of things, and what becomes of their appends.

internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog

/// Mistakes in whoever hands appends to the log, made on purpose: the simulator's self-test.
public enum PlantedConditionFault: String, CaseIterable, Sendable {
    /// Two submits are exchanged on their way to the log.
    case submitsReordered
    /// What an append asks for is looked at when it is handed in, and not inside the commit.
    case conditionDecidedOutside
}

extension ConditionWorld {
    func work(actions: Int) {
        guard log != nil else { return }
        interleaves = chance(2, in: 3)
        disk.setHook { [weak self] operation, path in
            self?.tell("  \(operation) \(path)")
            self?.interleave()
        }
        for _ in 0..<actions {
            switch roll(10) {
            case 0..<5: submit()
            case 5..<8: stepJournal()
            case 8: _ = log?.stepSegments()
            default:
                time.advance(milliseconds: Int64(roll(50)))
                if disk.quota != nil, chance(1, in: 4) { disk.quota = nil }
            }
            takeAnswers()
            if disk.isDead { break }
        }
        if !disk.isDead { for _ in 0..<roll(4) { stepJournal() } }
        takeAnswers()
        compareMarks()
    }

    private func stepJournal() {
        let before = places.map(\.wakes)
        _ = log?.stepJournal()
        // Appends that are refused as they are handed in, which can be within the step, wake their place themselves.
        guard !interleaves else { return }
        for (place, wakes) in zip(places, before) where place.wakes > wakes + 1 {
            blame("a commit wakes a place \(place.wakes - wakes) times")
        }
    }

    /// Between two calls to the disk somebody else may hand in an append.
    private func interleave() {
        guard interleaves, depth == 0, chance(1, in: 6) else { return }
        depth = 1
        submit()
        depth = 0
    }

    // MARK: Appends

    private func makeBatch(_ log: Int, _ producer: ProducerStamp? = nil) -> Int? {
        let bytes = chance(1, in: 12) ? 1_000 + roll(4_000) : 10 + roll(300)
        guard
            let batch = MarkedBatch(
                number: batches.count, append: submitted.count, log: log, records: 1 + roll(3), bytes: bytes, producer: producer,
                &random)
        else { return nil }
        batches.append(batch)
        return batches.count - 1
    }

    private func submit() {
        guard let log, let append = chance(1, in: 4) ? produce() : chance(1, in: 3) ? plain() : conditional() else { return }
        let number = append.number
        submitted.append(append)
        tally.appends += 1
        let place: (any AnswerPlace)? = chance(1, in: 4) ? nil : places[roll(places.count)]
        tell("append \(number): batches \(append.batches), \(append.append.requirements), \(append.append.marks.map(\.expected))")
        open.append(number)
        let handIn = { [self] in
            var append = append.append
            if planted == .conditionDecidedOutside, isTooEarlyDecided(&append, log) == false { return }
            submitting = number
            log.submit(append, at: place) { [weak self] result in self?.answered(number, result) }
            submitting = nil
        }
        if planted == .submitsReordered, heldBack == nil, chance(1, in: 6) {
            heldBack = handIn
        } else {
            handIn()
            heldBack?()
            heldBack = nil
        }
    }

    /// The planted fault: decides against what is committed now.
    private func isTooEarlyDecided(_ append: inout LogAppend, _ log: StreamLog<SimulatedDisk>) -> Bool {
        for case .nextOffset(let id, let offset) in append.requirements {
            guard let end = try? log.bounds(id).highWatermark, end == offset else {
                open.removeLast()
                return false
            }
        }
        append.requirements.removeAll { if case .nextOffset = $0 { true } else { false } }
        return true
    }

    private func plain() -> SubmittedAppend? {
        var numbers: [Int] = []
        for _ in 0..<1 + roll(2) { if let batch = makeBatch(roll(logs.count)) { numbers.append(batch) } }
        return SubmittedAppend(number: submitted.count, append: LogAppend(entries(numbers)), batches: numbers)
    }

    private func entries(_ numbers: [Int]) -> [(log: LogID, batch: RecordBatch)] {
        numbers.map { (logs[batches[$0].log], batches[$0].batch) }
    }

    /// An append that asks for what its client believes: mostly what holds when all that is open takes place, sometimes what held before.
    private func conditional() -> SubmittedAppend? {
        guard var append = plain() else { return nil }
        var view = model
        if chance(3, in: 4) { for number in open.sorted() { _ = view.decide(submitted[number]) } }
        if chance(1, in: 2) {
            let id = logs[roll(logs.count)]
            append.append.requirements.append(.nextOffset(id, max(0, view.end(of: id) - (chance(1, in: 8) ? 1 : 0))))
        }
        if chance(1, in: 2) {
            if chance(1, in: 4) {
                append.append.entries = []
                append.batches = []
            }
            for name in names.shuffled(using: &random).prefix(1 + roll(2)) {
                let version = view.marks[name]?.version ?? 0
                let value = [UInt8](repeating: UInt8(truncatingIfNeeded: append.number), count: roll(200))
                append.append.marks.append(
                    MarkChange(
                        name: name, expected: version, mark: chance(1, in: 8) ? nil : Mark(version: version + 1, value: value)))
            }
        }
        if chance(1, in: 3), !append.batches.isEmpty {
            let key = roll(3)
            let expected = view.keys[key] ?? -1
            append.key = (key, expected)
            append.append.requirements.append(.rule(table.rule(key, expected: expected)))
        }
        return append
    }

    /// A batch of an idempotent producer: the next one, one that was sent before, one too many, or one of a new epoch.
    private func produce() -> SubmittedAppend? {
        let log = roll(logs.count)
        let id = Int64(roll(2))
        let name = ConditionModel.Producer(id: id, partition: logs[log])
        var view = model
        for number in open.sorted() { _ = view.decide(submitted[number]) }
        let newest = view.producers[name]?.last
        let earlier = submitted.filter { one in
            one.append.requirements.contains { if case .producer(let partition) = $0 { partition == logs[log] } else { false } }
                && one.append.entries.first?.batch.producerID == id
        }
        if chance(1, in: 3), let again = earlier.suffix(8).randomElement(using: &random) {
            var again = again
            again.number = submitted.count
            return again
        }
        var stamp = ProducerStamp(id: id, epoch: newest?.epoch ?? 0, baseSequence: newest.map { $0.first + $0.count } ?? 0)
        if chance(1, in: 10) { stamp.baseSequence += Int32(1 + roll(3)) }
        if chance(1, in: 12) {
            stamp.epoch += 1
            stamp.baseSequence = 0
        }
        if chance(1, in: 12), stamp.epoch > 0 { stamp.epoch -= 1 }
        guard let batch = makeBatch(log, stamp) else { return nil }
        return SubmittedAppend(
            number: submitted.count, append: LogAppend(entries([batch]), requirements: [.producer(partition: logs[log])]),
            batches: [batch])
    }

    // MARK: Answers

    private func answered(_ number: Int, _ result: Result<[LogAppended], LogError>) {
        if submitting == number {
            // Refused as it was handed in: it took no turn.
            tell("append \(number) is refused at once: \(result)")
            if case .failure = result { return open.removeAll { $0 == number } }
        }
        answers.append((number, result))
    }

    /// Takes in what was answered since, in the order in which it was handed in.
    func takeAnswers() {
        for place in places.shuffled(using: &random) { place.catchUp() }
        let due = answers.sorted { $0.number < $1.number }
        answers = []
        for (number, result) in due { take(number, result) }
    }

    private func take(_ number: Int, _ result: Result<[LogAppended], LogError>) {
        tell("append \(number): \(result)")
        let verdict: ConditionModel.Verdict
        switch result {
        case .success(let places):
            tally.acknowledged += 1
            verdict = .taken(places.map(\.baseOffset))
        case .failure(.conditionFailed(let refusal)): verdict = .refused(refusal)
        case .failure(.readOnly(let reason)):
            if disk.injectedFaults == 0, disk.quota == nil, !disk.isDead { blame("appends are refused without a fault: \(reason)") }
            // After a failed sync it may be found after the next start; else it left nothing.
            if reason == "the disk is full" { open.removeAll { $0 == number } }
            return
        // Refused as it was handed in: it took no turn.
        case .failure(.overloaded): return open.removeAll { $0 == number }
        case .failure(let error):
            open.removeAll { $0 == number }
            return blame("append \(number) fails: \(error)")
        }
        if let earlier = open.min(), earlier < number {
            blame("append \(number) is answered before append \(earlier), which was handed in earlier")
        }
        open.removeAll { $0 == number }
        let expected = model.decide(submitted[number])
        if expected != verdict { blame("append \(number) is answered \(verdict); in the order of the calls it is \(expected)") }
    }

    /// Marks are what was acknowledged, when nothing is under way.
    private func compareMarks() {
        guard let log, !disk.isDead, open.isEmpty else { return }
        for name in names where log.mark(name) != model.marks[name] {
            blame("mark \(name) has version \(log.mark(name)?.version ?? 0), not \(model.marks[name]?.version ?? 0)")
        }
    }
}
