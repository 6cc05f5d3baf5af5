/// Shards of a simulated store are split, merged and closed while appends are in flight, and closed ones disappear.

internal import EmbeddedStore
internal import HostSimulation
internal import StreamLog
internal import StreamStore

extension StoreWorld {
    /// The most shards that a stream of a run gets.
    private static var mostShards: Int { 9 }

    /// Changes the shards of some stream.
    func reshard() async {
        guard let store, let index = streams.usable.randomElement(using: &random) else { return }
        let stream = streams.streams[index]
        guard stream.openChange == nil, stream.shape.count < Self.mostShards else { return }
        let open = stream.shape.filter { $0.endOffset == nil }.sorted { $0.hashKeyRange.start < $1.hashKeyRange.start }
        guard let place = open.indices.randomElement(using: &random) else { return }
        let (key, shard) = (stream.key, open[place])
        guard shard.hashKeyRange.end - shard.hashKeyRange.start > 16 else { return }
        let before = await status(of: key)
        let wanted: Wanted
        switch roll(5) {
        case 0 where open.count > 1:
            let adjacent = open[place + 1 < open.count ? place + 1 : place - 1]
            let (lower, upper) = adjacent.hashKeyRange.start > shard.hashKeyRange.start ? (shard, adjacent) : (adjacent, shard)
            wanted = .merge(lower.id, upper.id)
        case 1 where open.count > 1: wanted = .close(shard.id)
        default:
            let width = shard.hashKeyRange.end - shard.hashKeyRange.start
            wanted = .split(shard.id, at: shard.hashKeyRange.start + 2 + width / 8 * UInt128(roll(8)))
        }
        let plan = plan(wanted, description(of: stream))
        if case .success(let change) = plan { begin(change, index) }
        let result = await carryOut(wanted, key, store)
        settleAnswers()
        switch plan {
        case .success(let change): end(change, result, index, before)
        case .failure(let refusal): refuse(refusal, result, key, before)
        }
    }

    private enum Wanted {
        case split(ShardID, at: UInt128)
        case merge(ShardID, ShardID)
        case close(ShardID)
    }

    /// What the change comes to, or why it must be refused: where a shard was closed its neighbours do not adjoin.
    private func plan(_ wanted: Wanted, _ stream: StreamDescription) -> Result<Resharding, StoreError> {
        do throws(StoreError) {
            switch wanted {
            case .split(let shard, let key): return .success(try stream.split(shard, at: key, now: 0))
            case .merge(let lower, let upper): return .success(try stream.merge(lower, with: upper, now: 0))
            case .close(let shard): return .success(try stream.close(shard))
            }
        } catch {
            return .failure(error)
        }
    }

    private func carryOut(_ wanted: Wanted, _ key: StreamKey, _ store: Store) async -> Result<StreamDescription, StoreError> {
        do throws(StoreError) {
            switch wanted {
            case .split(let shard, let hashKey): return .success(try await store.splitShard(key, shard, at: hashKey))
            case .merge(let lower, let upper): return .success(try await store.mergeShards(key, lower, upper))
            case .close(let shard): return .success(try await store.closeShard(key, shard))
            }
        } catch {
            return .failure(error)
        }
    }

    /// A change that cannot be: the store says so too, and for the same reason.
    private func refuse(
        _ refusal: StoreError, _ result: Result<StreamDescription, StoreError>, _ key: StreamKey, _ before: StreamStatus?
    ) {
        switch result {
        case .success: blame("stream \(key.name) is resharded, which is to be refused: \(refusal)")
        case .failure(let error):
            tell("resharding of \(key.name): \(error)")
            if error != refusal, isWithoutFaults, before == .active {
                blame("resharding of \(key.name) is refused: \(error), not \(refusal)")
            }
        }
    }

    private func description(of stream: StoreModel.Stream) -> StreamDescription {
        StreamDescription(
            id: stream.id ?? StreamID(0), key: stream.key, status: .active, createdMilliseconds: 0, mode: .provisioned,
            retentionHours: 24, maxRecordKiB: 1_024, tags: [:], shards: stream.shape,
            lanes: (0..<stream.laneCount).map { LaneDescription(id: LaneID(UInt32($0))) })
    }

    /// From now on the change may be found.
    private func begin(_ change: Resharding, _ index: Int) {
        guard let id = streams.streams[index].id else { return }
        func bookOf(_ shard: ShardID) -> Int? { model.book(of: LogID(stream: id.rawValue, shard: shard.index)) }
        var beginning: [(book: Int, continuing: Int?)] = []
        for child in change.children {
            var book = LogModel.Book(id: LogID(stream: id.rawValue, shard: child.id.index))
            book.existence = .unborn
            let continued = change.parents.first { parent in
                streams.streams[index].shape.contains { $0.id == parent && $0.lane == child.lane }
            }
            beginning.append((model.books.count, continued.flatMap(bookOf)))
            streams.streams[index].books.append(model.books.count)
            model.books.append(book)
        }
        model.successions.append(
            LogModel.Succession(ending: change.parents.compactMap(bookOf), beginning: beginning, handedIn: 0))
        for parent in change.parents { closedAt[LogID(stream: id.rawValue, shard: parent.index)] = time.monotonicNanoseconds() }
        streams.streams[index].openChange = change
        tally.successions += 1
    }

    private func end(
        _ change: Resharding, _ result: Result<StreamDescription, StoreError>, _ index: Int, _ before: StreamStatus?
    ) {
        let key = streams.streams[index].key
        guard let succession = model.successions.indices.last else {
            return blame("stream \(key.name) is resharded, and the model has no step for it")
        }
        switch result {
        case .success(let found):
            tell("stream \(key.name) resharded: \(change.parents) end, \(change.children.map(\.id)) begin")
            let ends = change.parents.compactMap { parent in
                found.shard(parent).map { LogEnd(offset: $0.endOffset ?? -1, arrivalMilliseconds: $0.closedMilliseconds ?? -1) }
            }
            if before != .active { blame("stream \(key.name) is resharded while it is \(before?.rawValue ?? "gone")") }
            if let wrong = model.carryOut(succession, ends, as: .acknowledged) { blame(wrong) }
            if let wrong = streams.reshaped(index, found) { blame("stream \(key.name) \(wrong)") }
        case .failure(let error):
            tell("resharding of \(key.name): \(error)")
            var isOpen = disk.isDead
            if case .readOnly(let reason) = error, reason != "the disk is full" { isOpen = true }
            if case .failed = error, catalogFaults.refusals == 0, !disk.isDead {
                blame("resharding of \(key.name) fails: \(error)")
            }
            if case .streamBusy = error, before == .active {
                blame("stream \(key.name) is ACTIVE and cannot be resharded: \(error)")
            }
            if isWithoutFaults, before == .active { blame("stream \(key.name) cannot be resharded: \(error)") }
            if isOpen {
                model.successions[succession].outcome = .unknown
            } else {
                model.dismiss(succession, as: .refused)
                streams.streams[index].openChange = nil
            }
        }
    }

    // MARK: What is found

    /// Settles a change that was not answered, and shards that have disappeared since.
    func settleShape(_ index: Int, as found: StreamDescription, isSettled: Bool) {
        let name = "stream \(found.key.name)"
        if let log = store?.steppedLog {
            for shard in found.shards {
                let end = (try? log.end(LogID(stream: found.id.rawValue, shard: shard.id.index)))??.offset
                if end != shard.endOffset {
                    blame(
                        "\(name) describes shard \(shard.id.index) as \(shard.endOffset.map { "closed at \($0)" } ?? "open"), its log "
                            + (end.map { "ends at \($0)" } ?? "is open"))
                }
            }
        }
        dropRetired(index, found)
        guard isSettled else { return }
        if let change = streams.streams[index].openChange {
            let hasHappened = change.parents.contains { found.shard($0)?.endOffset != nil }
            if !hasHappened { streams.streams[index].openChange = nil }
            if hasHappened, let wrong = streams.reshaped(index, found) { blame("\(name) \(wrong)") }
        }
    }

    /// Closed shards that are not told of any more: their records are gone and their time is over.
    func dropRetired(_ index: Int, _ found: StreamDescription) {
        let stream = streams.streams[index]
        for shard in stream.shape where found.shard(shard.id) == nil {
            let id = LogID(stream: found.id.rawValue, shard: shard.id.index)
            guard let book = model.book(of: id), shard.endOffset != nil else {
                blame("stream \(found.key.name) has lost shard \(shard.id.index)")
                continue
            }
            let age = Int64(clamping: (time.monotonicNanoseconds() - (closedAt[id] ?? 0)) / 1_000_000)
            if age < Int64(stream.definition.retentionHours) * 3_600_000 - StoreWorld.clockTolerance {
                blame("stream \(found.key.name) has dropped shard \(shard.id.index), closed \(age) ms ago")
            }
            if model.books[book].askedStart < model.books[book].end {
                blame("stream \(found.key.name) has dropped shard \(shard.id.index), which has records")
            }
            tell("shard \(id) is retired")
            model.books[book].existence = .removed
            streams.streams[index].shape.removeAll { $0.id == shard.id }
        }
    }

    /// A reader at a shard learns its end and its children.
    func checkEnd(_ read: ShardRead, of index: Int) {
        let book = model.books[index]
        guard let stream = streams.streams.first(where: { $0.books.contains(index) && $0.openChange == nil }) else { return }
        if read.endOffset != book.ended?.offset {
            blame("reading \(book.id) tells the end \(read.endOffset ?? -1), it is \(book.ended?.offset ?? -1)")
        }
        let shard = ShardID(book.id.shard)
        let children = stream.shape.filter { $0.parent == shard || $0.adjacentParent == shard }.map(\.id)
        if read.children.map(\.id) != children {
            blame("reading \(book.id) tells the children \(read.children.map(\.id)), not \(children)")
        }
    }

    // MARK: At the end

    /// Lets all retention periods pass: nothing that was there stays, and closed shards disappear.
    func outlive() async {
        // At half speed, where the wall clock is behind, it takes twice as long.
        let hours = 2 * (streams.streams.map(\.definition.retentionHours).max() ?? 24) + 2
        for _ in 0..<hours / 2 {
            time.advance(milliseconds: 2 * 3_600_000)
            await maintain()
        }
        guard isWithoutFaults, let store else { return }
        for stream in streams.streams where stream.key.namespace == .stream && stream.standing == .present {
            for index in stream.books where model.books[index].existence == .known {
                let book = model.books[index]
                guard let bounds = try? store.steppedLog.bounds(book.id) else { continue }
                if bounds.startOffset < book.end {
                    blame("retention leaves \(book.id) at \(bounds.startOffset) for ever, it ends at \(book.end)")
                }
            }
            let closed = stream.shape.dropLast().filter { $0.endOffset != nil }.map(\.id.index)
            if !closed.isEmpty, stream.openChange == nil { blame("stream \(stream.key.name) keeps its closed shards \(closed)") }
        }
    }
}
