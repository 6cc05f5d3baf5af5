/// One seed of the kind `walk`: thousands of splits, merges, puts and reads of one stream, killed now and then, against a model.

internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import RecordBatch
internal import StreamLog
internal import StreamStore

/// The world of one such seed. One task uses it. The catalog is SQLite in a real file, as in `StoreWorld`.
final class ReshardWalk: @unchecked Sendable {
    private typealias Store = EmbeddedStore<SimulatedDisk>
    private static let key = StreamKey("walk")
    /// A walk splits more below this many open shards and merges more above it.
    private static let usualShards = 8

    private let seed: UInt64
    private let steps: Int
    private let tellsStory: Bool
    private let planted: PlantedWalkFault?
    private var random: SeededGenerator
    private let time = SimulatedTime()
    private var disk = SimulatedDisk()
    private let options: EmbeddedStoreOptions
    private let place = CatalogPlace()
    private var store: Store?
    private var model = ReshardModel()
    /// As producers know it, perhaps of long ago.
    private var known: StreamDescription?
    private var lastNumber: UInt64 = 0
    private var tally = Tally()
    private var violations: [String] = []
    private var story: [String] = []

    init(seed: UInt64, steps: Int, planted: PlantedWalkFault?, digests: Bool, tellsStory: Bool) {
        (self.seed, self.steps, self.planted, self.tellsStory) = (seed, steps, planted, tellsStory)
        random = SeededGenerator(seed: seed &* 0xD1B5_4A32_D192_ED03 ^ 0x7761_6C6B)
        options = EmbeddedStoreOptions(retentionSweepSeconds: nil, log: LogOptions.drawn(&random))
        disk.tear(seed: random.next())
        if digests { disk.startDigest() }
    }

    private func roll(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }

    private func blame(_ text: String) {
        if violations.count < 20 { violations.append(text) }
        tell("VIOLATION \(text)")
    }

    private func tell(_ text: @autoclosure () -> String) { if tellsStory { story.append(text()) } }

    var result: SeedResult {
        SeedResult(seed: seed, kind: .walk, tally: tally, violations: violations, digest: disk.digest, story: story)
    }

    func run() async {
        tally.seeds = 1
        defer { place?.remove() }
        guard place != nil, await start(), let store else { return blame("the store cannot be opened") }
        do throws(StoreError) {
            let stream = try await store.createStream(StreamDefinition(key: Self.key, shardCount: 2))
            model.begin(stream)
            known = stream
        } catch {
            return blame("the stream cannot be created: \(error)")
        }
        for _ in 0..<steps where violations.isEmpty {
            await step()
            if disk.isDead, await !restart() { return }
        }
        // The last crash, and all of it read again.
        _ = disk.crash(keeping: .everything)
        if violations.isEmpty, await restart() { await readAll(onlyNews: false) }
        await store.abandon()
        await self.store?.abandon()
        for misuse in disk.misuses { blame(misuse) }
    }

    private func step() async {
        guard let store else { return }
        time.advance(milliseconds: Int64(roll(400)))
        let open = model.open.count
        switch roll(100) {
        case 0: disk.cutPower(in: 1 + roll(40))
        case 1: disk.cutPower(in: 1)
        case 2..<12: _ = store.steppedLog.stepJournal()
        case 12..<22: _ = store.steppedLog.stepSegments()
        case 22..<25: await look()
        case 25..<40: await readSomething()
        case 40..<50: await split()
        case 50..<60: await merge()
        case 60..<68: if open < Self.usualShards { await split() } else { await merge() }
        default: await put()
        }
    }

    // MARK: Starts

    private func start() async -> Bool {
        for _ in 0..<5 {
            do throws(StoreOpenError) {
                store = try await Store.openStepped(
                    disk: disk, directory: place?.path ?? "", time: time, options: options, probe: nil
                ).store
                tally.opens += 1
                return true
            } catch {
                guard disk.isDead else { return false }
                cut()
            }
        }
        return false
    }

    private func cut() {
        tally.crashes += 1
        let survivals: [Survival] = [.everything, .nothing, .some(seed: random.next()), .sectors(seed: random.next())]
        let next = disk.crash(keeping: survivals[roll(4)])
        next.tear(seed: random.next())
        disk = next
    }

    /// After a kill: what was not answered is found or not, everything else is as it was.
    private func restart() async -> Bool {
        await store?.abandon()
        store = nil
        cut()
        guard await start(), let store else {
            blame("the store cannot be opened again")
            return false
        }
        tell("killed and opened again")
        do throws(StoreError) {
            let found = try await store.stream(Self.key)
            try await settlePut(store)
            if let change = model.openChange {
                model.openChange = nil
                if change.parents.contains(where: { found.shard($0)?.endOffset != nil }) {
                    tally.successionsFound += 1
                    if let wrong = model.carryOut(change, found) { blame(wrong) }
                }
            }
            if let wrong = model.check(found) { blame("after a kill: \(wrong)") }
            known = found
        } catch {
            blame("the stream cannot be looked at after a kill: \(error)")
        }
        await readAll(onlyNews: true)
        return violations.isEmpty
    }

    private func settlePut(_ store: Store) async throws(StoreError) {
        guard let put = model.openPut, let shard = model.shards[put.shard] else { return }
        model.openPut = nil
        let bounds = try await store.bounds(reference(put.shard))
        if bounds.highWatermark == shard.end + 1 {
            model.put(put.number, in: put.shard)
            tally.unacknowledgedFound += 1
        }
    }

    // MARK: Steps

    private func reference(_ shard: ShardID) -> ShardReference { ShardReference(known?.id ?? StreamID(0), shard) }

    /// A put by somebody who knows the stream of now, or of a while ago: then the shard may be closed, and it is tried again.
    private func put() async {
        guard let store, var stream = known else { return }
        lastNumber += 1
        let name = "key-\(roll(1000))"
        var (number, hash) = (lastNumber, HashKey.hash(partitionKey: name))
        if roll(4) == 0 { hash = [0, .max, hash][roll(3)] }
        for attempt in 0..<2 {
            guard let shard = stream.routing.shard(for: hash) else { return blame("no shard takes \(hash)") }
            var builder = RecordBatchBuilder(baseTimestamp: 0, expectedBytes: 128)
            let value = withUnsafeBytes(of: &number) { [UInt8]($0) } + [UInt8](repeating: 7, count: roll(300))
            do {
                try builder.append(key: Array(name.utf8), value: value, timestamp: 0)
                tally.appends += 1
                model.openPut = (shard, number)
                let batch = try builder.finish()
                let places = try await store.append([ShardAppend(reference(err(shard, stream)), batch)], fence: nil)
                if planted == .putsTwice, number % 50 == 0 {
                    _ = try await store.append([ShardAppend(reference(shard), batch)], fence: nil)
                }
                model.openPut = nil
                tally.acknowledged += 1
                if places.map(\.baseOffset) != [model.shards[shard]?.end ?? -1] {
                    blame("record \(number) of shard \(shard) is at \(places), not \(model.shards[shard]?.end ?? -1)")
                }
                return model.put(number, in: shard)
            } catch StoreError.shardClosed where attempt == 0 && model.shards[shard]?.description.endOffset != nil {
                model.openPut = nil
                guard let fresh = await description() else { return }
                (stream, known) = (fresh, fresh)
            } catch {
                if !disk.isDead { blame("a put fails: \(error)") }
                return
            }
        }
    }

    /// The shard where a record is really put: another one, where that mistake is planted.
    private func err(_ shard: ShardID, _ stream: StreamDescription) -> ShardID {
        guard planted == .wrongShard, lastNumber % 50 == 0 else { return shard }
        return stream.openShards.last { $0.id != shard }?.id ?? shard
    }

    private func description() async -> StreamDescription? {
        do throws(StoreError) { return try await store?.stream(Self.key) } catch {
            if !disk.isDead { blame("the stream cannot be looked at: \(error)") }
            return nil
        }
    }

    private func look() async {
        guard let found = await description() else { return }
        if let wrong = model.check(found) { blame(wrong) }
        known = found
    }

    private func split() async {
        guard let shard = model.open.randomElement(using: &random) else { return }
        let (range, width) = (shard.hashKeyRange, shard.hashKeyRange.end - shard.hashKeyRange.start)
        guard width > 16 else { return }
        let cut = range.start + 2 + (width - 3) / 8 * UInt128(roll(8))
        await reshard({ stream throws(StoreError) in try stream.split(shard.id, at: cut, now: 0) }) { store throws(StoreError) in
            try await store.splitShard(Self.key, shard.id, at: cut)
        }
    }

    private func merge() async {
        let open = model.open
        guard open.count > 1 else { return }
        let place = roll(open.count - 1)
        let (lower, upper) = (open[place].id, open[place + 1].id)
        await reshard({ stream throws(StoreError) in try stream.merge(lower, with: upper, now: 0) }) { store throws(StoreError) in
            try await store.mergeShards(Self.key, lower, upper)
        }
    }

    private func reshard(
        _ plan: (StreamDescription) throws(StoreError) -> Resharding,
        _ carryOut: (Store) async throws(StoreError) -> StreamDescription
    ) async {
        guard let store, let before = await description() else { return }
        do throws(StoreError) {
            let change = try plan(before)
            model.openChange = change
            let found = try await carryOut(store)
            model.openChange = nil
            tally.successions += 1
            tell("\(change.parents) end, \(change.children.map(\.id)) begin")
            if let wrong = model.carryOut(change, found) ?? model.check(found) { blame(wrong) }
        } catch {
            if !disk.isDead { blame("a split or merge fails: \(error)") }
        }
    }

    // MARK: Reads

    private func readSomething() async {
        guard let shard = model.shards.keys.sorted().randomElement(using: &random) else { return }
        await read(shard, from: roll((model.shards[shard]?.records.count ?? 0) + 1))
    }

    private func readAll(onlyNews: Bool) async {
        for (id, shard) in model.shards.sorted(by: { $0.key < $1.key }) where !onlyNews || shard.isNews || roll(20) == 0 {
            await read(id, from: 0)
            model.compared(id)
        }
    }

    /// Reads a shard from one of its records on to its end.
    private func read(_ id: ShardID, from first: Int) async {
        guard let store, let shard = model.shards[id] else { return }
        var found: [UInt64] = []
        var position = shard.description.startOffset + Int64(first)
        do throws(StoreError) {
            while position < shard.end {
                let read = try await store.read(reference(id), from: position, maxBytes: 1 + roll(4000))
                guard let end = read.batches.last?.endOffset, end > position else {
                    return blame("reading shard \(id) at \(position) gives nothing, it has records up to \(shard.end)")
                }
                found += read.batches.flatMap { Self.numbers($0, from: position) }
                position = end
                tally.reads += read.batches.count
            }
            if found != Array(shard.records[first...]) {
                blame("shard \(id) holds \(found) from record \(first) on, not \(shard.records[first...])")
            }
            let tip = try await store.read(reference(id), from: shard.end, maxBytes: 1000)
            if tip.endOffset != shard.description.endOffset || !tip.batches.isEmpty {
                blame(
                    "shard \(id) ends at \(tip.endOffset ?? -1) with \(tip.batches.count) more batches, not at \(shard.description.endOffset ?? -1)"
                )
            }
            let children = model.shards.values.map(\.description).filter { $0.parent == id || $0.adjacentParent == id }.map(\.id)
                .sorted()
            if tip.endOffset != nil, tip.children.map(\.id).sorted() != children {
                blame("shard \(id) tells the children \(tip.children)")
            }
        } catch {
            if !disk.isDead { blame("shard \(id) cannot be read at \(position): \(error)") }
        }
    }

    private static func numbers(_ batch: StoredBatch, from position: Int64) -> [UInt64] {
        var numbers: [UInt64] = []
        var offset = batch.baseOffset
        try? batch.batch.forEachRecord { record in
            if offset >= position, let value = record.value, value.count >= 8 {
                numbers.append(value.loadUnaligned(as: UInt64.self))
            }
            offset += 1
        }
        return numbers
    }
}

/// A mistake that puts, splits and merges could have; the walk makes it around the store.
public enum PlantedWalkFault: String, CaseIterable, Sendable {
    /// A record is appended twice.
    case putsTwice
    /// A record goes to a shard that its key does not belong to.
    case wrongShard
}
