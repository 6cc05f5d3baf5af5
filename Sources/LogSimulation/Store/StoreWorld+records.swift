/// Records of a simulated store: appended under fences, read, trimmed and let go by retention.

internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog
internal import StreamStore

extension StoreWorld {
    func work(actions: Int) async {
        hasCompany = chance(2, in: 3)
        for _ in 0..<actions {
            await act()
            settleAnswers()
            if disk.isDead { break }
        }
    }

    private func act() async {
        guard let store else { return }
        switch roll(34) {
        case 0..<11: await append()
        case 11..<14: _ = store.steppedLog.stepJournal()
        case 14..<17: _ = store.steppedLog.stepSegments()
        case 17, 18: await readSomething()
        case 19, 20: await createStream()
        case 21: await deleteStream()
        case 22: await changeTags()
        case 23, 24: await claim(owner: "application/\(roll(3))")
        case 25, 26: changeConditions()
        case 27, 28: await maintain()
        case 29: await trim()
        case 30: await lookAtStreams()
        case 31, 32: await reshard()
        default: model.arrivalFloor = max(model.arrivalFloor, await store.settledTime())
        }
    }

    private func reference(_ book: Int) -> ShardReference {
        let id = model.books[book].id
        return ShardReference(StreamID(id.stream), ShardID(id.shard))
    }

    /// Shards that can be used, in the log's model.
    private var usableBooks: [Int] {
        streams.usable.flatMap { streams.streams[$0].books }.filter { model.books[$0].existence == .known }
    }

    // MARK: Appends

    private enum Verdict {
        case accepted
        /// Its fence is not the newest.
        case fenced
        /// A stream is not ready, or not any more.
        case busy
        /// A shard has ended.
        case closed
    }

    private func makeAppend() -> Int? {
        // A shard that has ended refuses; now and then one is tried.
        let usable = chance(1, in: 12) ? usableBooks : usableBooks.filter { model.books[$0].ended == nil }
        guard !usable.isEmpty else { return nil }
        var targets = [usable[roll(usable.count)]]
        while chance(1, in: 3), targets.count < 4 { targets.append(usable[roll(usable.count)]) }
        tally.appends += 1
        let bytes = chance(1, in: 12) ? 1_000 + roll(4_000) : 10 + roll(500)
        let append = model.makeAppend(to: targets, records: 1 + roll(3), bytes: bytes, &random)
        handedInAt[append] = time.monotonicNanoseconds()
        return append
    }

    /// One append in four is held to a fence, which may be an old one, or one that nobody has.
    private func drawFence() -> Fence? {
        guard chance(1, in: 4), let name = streams.owners.keys.sorted().randomElement(using: &random) else { return nil }
        let epoch = streams.owners[name]?.epoch ?? 0
        switch roll(4) {
        case 0 where epoch > 0: return Fence(owner: name, epoch: epoch - 1)
        case 1: return Fence(owner: name, epoch: epoch + 1)
        default: return Fence(owner: name, epoch: epoch)
        }
    }

    func append() async {
        guard let store, let append = makeAppend() else { return }
        let fence = drawFence()
        var expected = Verdict.accepted
        if let fence, fence.epoch != streams.owners[fence.owner]?.epoch || fence.epoch == 0 { expected = .fenced }
        for batch in model.appends[append].batches {
            let log = model.batches[batch].log
            for stream in streams.streams where stream.books.contains(log) {
                let status = await status(of: stream.key)
                if status != .active, status != .updating { expected = .busy }
            }
            if model.books[log].ended != nil, expected == .accepted { expected = .closed }
        }
        let entries = model.appends[append].batches.map { number in
            ShardAppend(reference(model.batches[number].log), model.batches[number].batch)
        }
        tell(
            "append \(append): \(model.appends[append].batches.map { model.books[model.batches[$0].log].id }), fence \(fence?.epoch ?? 0)"
        )
        do throws(StoreError) {
            let places = try await store.append(entries, fence: planted == .fenceNotChecked ? nil : fence)
            switch expected {
            case .accepted: break
            case .fenced: blame("an append under \(fence?.owner ?? "") \(fence?.epoch ?? 0) is accepted; that is not its epoch")
            case .busy: blame("append \(append) is accepted by a stream that is not active")
            case .closed: blame("append \(append) is accepted by a shard that has ended")
            }
            answers.append(
                (append, places.map { LogAppended(baseOffset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds) }))
        } catch {
            tell("append \(append) fails: \(error)")
            refused(append, error, expected)
        }
        settleAnswers()
    }

    private func refused(_ append: Int, _ error: StoreError, _ expected: Verdict) {
        var outcome = LogModel.Outcome.refused
        switch error {
        case .fenced:
            tally.fenced += 1
            if expected != .fenced { blame("append \(append) is refused for its fence: \(error)") }
        case .shardClosed(let shard):
            let isEnded =
                model.book(of: LogID(stream: shard.stream.rawValue, shard: shard.shard.index))
                .map { model.books[$0].ended != nil } ?? false
            if !isEnded { blame("append \(append) is refused by shard \(shard.shard.index) as ended; it is not") }
        case .streamBusy: if expected != .busy { blame("append \(append) is refused: \(error)") }
        case .overloaded: break
        case .readOnly(let reason):
            // After a failed sync an append may be found after the next start; in all other cases it left nothing.
            if reason != "the disk is full" { outcome = .unknown }
            if isWithoutFaults { blame("appends are refused without a fault: \(reason)") }
        default:
            if disk.isDead { outcome = .unknown } else { blame("append \(append) fails: \(error)") }
        }
        model.appends[append].outcome = outcome
    }

    /// An append of somebody else, while a call of the store is under way that may be about the same shards.
    func appendInPassing(_ log: StreamLog<SimulatedDisk>) {
        guard let append = makeAppend() else { return }
        let entries = model.appends[append].batches.map { number in
            (log: model.books[model.batches[number].log].id, batch: model.batches[number].batch)
        }
        tell("append \(append) in passing: \(entries.map(\.log))")
        log.submit(LogAppend(entries), at: nil) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let places): self.answers.append((append, places))
            case .failure(let error):
                self.tell("append \(append) fails: \(error)")
                self.model.appends[append].outcome = .refused
                if case .readOnly(let reason) = error, reason != "the disk is full" {
                    self.model.appends[append].outcome = .unknown
                }
            }
        }
    }

    /// Takes in what was acknowledged. A call's own answer may come after those of appends that were committed with it or later: it is the
    /// offsets that tell the order.
    func settleAnswers() {
        while !answers.isEmpty {
            let answer = answers.remove(at: answers.firstIndex(where: isNext) ?? 0)
            tally.acknowledged += 1
            tell(
                "append \(answer.append) is at \(answer.places.map(\.baseOffset)), arrived at \(answer.places.first?.arrivalMilliseconds ?? 0)"
            )
            if let wrong = model.acknowledge(answer.append, answer.places) { blame(wrong) }
        }
    }

    /// Whether an answer goes on where its shards end.
    private func isNext(_ answer: (append: Int, places: [LogAppended])) -> Bool {
        var ends: [Int: Int64] = [:]
        for (number, place) in zip(model.appends[answer.append].batches, answer.places) {
            let log = model.batches[number].log
            guard place.baseOffset == ends[log] ?? model.books[log].end else { return false }
            ends[log] = place.baseOffset + Int64(model.batches[number].batch.recordCount)
        }
        return true
    }

    // MARK: Reads

    func readSomething() async {
        guard let store, let index = usableBooks.randomElement(using: &random) else { return }
        let book = model.books[index]
        guard book.askedStart <= book.end else { return }
        let offset = book.askedStart + Int64(roll(Int(book.end - book.askedStart) + 1))
        do throws(StoreError) {
            let read = try await store.read(reference(index), from: offset, maxBytes: 1 + roll(4_000))
            settleAnswers()
            let found = read.batches.map {
                LogModel.Found(baseOffset: $0.baseOffset, arrivalMilliseconds: $0.arrivalMilliseconds, batch: $0.batch)
            }
            tally.reads += found.count
            for wrong in model.differences(found, in: index, from: offset) { blame(wrong) }
            checkEnd(read, of: index)
        } catch {
            if !disk.isDead, !disk.hasReadFaults { blame("reading \(book.id) at \(offset) fails: \(error)") }
        }
    }

    // MARK: Retention

    func trim() async {
        guard let store, let index = usableBooks.randomElement(using: &random) else { return }
        let book = model.books[index]
        guard book.askedStart <= book.end else { return }
        let offset = book.askedStart + Int64(roll(Int(book.end - book.askedStart) + 1))
        model.books[index].askedStart = offset
        tell("trim \(book.id) before \(offset)")
        do throws(StoreError) {
            try await store.trim(reference(index), before: offset)
            model.books[index].start = max(model.books[index].start, offset)
        } catch {
            if isWithoutFaults { blame("trimming \(book.id) to \(offset) fails: \(error)") }
        }
    }

    /// Whether a batch has been there for so long, by the clock that does not jump.
    private func isOld(_ batch: Int, _ retention: Int64) -> Bool {
        guard let handedIn = handedInAt[model.batches[batch].append] else { return false }
        let age = Int64(clamping: (time.monotonicNanoseconds() - handedIn) / 1_000_000)
        return age >= retention - StoreWorld.clockTolerance
    }

    /// What retention may and must do with one shard.
    private struct Duty {
        var book: Int
        /// Time lets it begin here at most.
        var byTime: Int64
        /// Its stream keeps so many bytes at least; nil: there is no such bound.
        var bytes: Int64?
        /// The duties of its stream, this one among them.
        var family: Range<Int>
        /// Where it begins before.
        var start: Int64 = 0
    }

    private func duties() -> [Duty] {
        var duties: [Duty] = []
        for stream in streams.streams where stream.key.namespace == .stream && stream.standing != .gone {
            let retention = Int64(stream.definition.retentionHours) * 3_600_000
            let bytes = StreamSettings(storedTags: stream.tags).retentionBytes
            let known = stream.books.filter { model.books[$0].existence == .known }
            let family = duties.count..<duties.count + known.count
            for index in known {
                let byTime = model.books[index].placed.first { !isOld($0.batch, retention) }?.base ?? model.books[index].end
                duties.append(Duty(book: index, byTime: byTime, bytes: bytes, family: family))
            }
        }
        return duties
    }

    /// Upkeep: what is younger than promised stays, what is older goes.
    func maintain() async {
        guard let store else { return }
        settleAnswers()
        var duties = duties()
        for index in duties.indices { duties[index].start = await start(of: duties[index].book) ?? 0 }
        await store.maintain()
        await errAfterUpkeep(of: store)
        settleAnswers()
        // What came in meanwhile counts for the bytes that are kept.
        for duty in duties {
            let atMost = max(duty.byTime, duty.bytes.map { startKeeping($0, of: duty, among: duties) } ?? 0)
            model.books[duty.book].askedStart = max(model.books[duty.book].askedStart, atMost)
        }
        guard !disk.isDead else { return }
        let isDone = store.housekeepingProblem == nil
        tell("maintained: \(store.housekeepingProblem ?? "well")")
        if !isDone, isWithoutFaults { blame("upkeep fails: \(store.housekeepingProblem ?? "")") }
        // The streams of which records went before their time.
        var early: Set<Range<Int>> = []
        for duty in duties {
            guard let found = await start(of: duty.book) else { continue }
            let book = model.books[duty.book]
            if found > max(book.start, book.askedStart) {
                blame("retention lets \(book.id) begin at \(found); it was to keep \(book.askedStart)")
            }
            if found > max(duty.start, duty.byTime) { early.insert(duty.family) }
            if found > book.start { tally.trimmed += 1 }
            model.books[duty.book].start = max(book.start, found)
        }
        for family in early { checkBytes(duties[family]) }
        for index in streams.usable {
            if let found = try? await store.stream(streams.streams[index].key) { dropRetired(index, found) }
        }
        buryTheDue(await missing())
    }

    /// What segments add to a batch: frame, a part of the index, at most a header and a trailer of its own.
    private static let segmentOverhead: Int64 = 300

    /// The most bytes that a shard's records from an offset on can have.
    private func bytes(of book: Int, from offset: Int64) -> Int64 {
        model.books[book].placed.filter { $0.base >= offset }.reduce(0) {
            $0 + Int64(model.batches[$1.batch].byteCount) + Self.segmentOverhead
        }
    }

    /// Where a shard may begin at most: the records from there on, and all of the stream's other shards, have so many bytes.
    private func startKeeping(_ bytes: Int64, of duty: Duty, among duties: [Duty]) -> Int64 {
        let others = duties[duty.family].filter { $0.book != duty.book }.map(\.book)
        var kept = others.reduce(0) { $0 + self.bytes(of: $1, from: model.books[$1].start) }
        if kept >= bytes { return model.books[duty.book].end }
        for placed in model.books[duty.book].placed.reversed() {
            kept += Int64(model.batches[placed.batch].byteCount) + Self.segmentOverhead
            if kept >= bytes { return placed.base }
        }
        return 0
    }

    /// Where records went before their time, the whole stream has the bytes that it is to keep.
    private func checkBytes(_ family: ArraySlice<Duty>) {
        guard let first = family.first, let bytes = first.bytes else { return }
        let kept = family.reduce(0) { $0 + self.bytes(of: $1.book, from: model.books[$1.book].start) }
        if kept < bytes {
            blame("retention keeps \(kept) bytes of the stream of \(model.books[first.book].id); it was to keep \(bytes)")
        }
    }

    private func start(of book: Int) async -> Int64? {
        do throws(StoreError) {
            return try await store?.bounds(reference(book)).startOffset
        } catch {
            return nil
        }
    }

    /// Streams whose deletion was answered and that are gone by now.
    private func missing() async -> [Int] {
        var missing: [Int] = []
        for index in streams.streams.indices where streams.streams[index].standing == .deleting {
            if await status(of: streams.streams[index].key) == nil { missing.append(index) }
        }
        return missing
    }

    /// Upkeep without a problem has taken them out of the catalog.
    private func buryTheDue(_ missing: [Int]) {
        guard store?.housekeepingProblem == nil else { return }
        for index in missing { streams.bury(index, in: &model) }
    }
}
