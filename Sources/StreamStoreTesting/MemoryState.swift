/// What a `MemoryStore` holds and how each call changes it: plain values, no waiting.

import RecordBatch
import StreamStore

/// The records of one shard.
struct MemoryLog {
    var batches: [StoredBatch] = []
    var bounds: ShardBounds
    var lastArrival: Int64 = 0

    /// The position of the first batch with records at or past an offset.
    func firstBatch(endingAfter offset: Int64) -> Int {
        var (low, high) = (0, batches.count)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].endOffset > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    init(startingAt offset: Int64 = 0) {
        bounds = ShardBounds(startOffset: offset, highWatermark: offset)
    }
}

/// A stream and the time of its last change of life.
struct MemoryStream {
    var description: StreamDescription
    /// When a deletion was asked for.
    var deletedAt: Int64?
    /// When its shards were last changed.
    var reshardedAt: Int64?
}

struct MemoryState {
    struct Failure {
        var error: StoreError
        var committed: Bool
    }

    var now: Int64 {
        didSet { latest = max(latest, now) }
    }
    /// The latest time that the clock ever showed: a clock that is set back undoes no change of status.
    private var latest: Int64
    let shardLimit: Int
    let lifecycleDelay: Int64
    var heldSettledTime: Int64?
    /// The newest settled time that was told.
    var settled = Int64.min
    var nextStream: UInt64 = 1
    var streamsByKey: [StreamKey: MemoryStream] = [:]
    var logs: [ShardReference: MemoryLog] = [:]
    var fences: [String: UInt64] = [:]
    var definitions: [DefinitionKey: [UInt8]] = [:]
    var smallStates: [StateKey: SmallState] = [:]
    var producers: [ProducerKey: [SentBatch]] = [:]
    var damage: [ShardReference: [ClosedRange<Int64>]] = [:]
    /// How many batches of a shard are kept, for streams where that is bounded.
    var keptBatches: [StreamKey: Int] = [:]
    var failures: [Failure] = []
    var standingRefusal: StoreError?
    var waiters: [Waiter] = []
    var appendCount = 0
    var waitCount = 0
    var readCount = 0

    init(now: Int64, shardLimit: Int, lifecycleDelay: Int64) {
        self.now = now
        latest = now
        self.shardLimit = shardLimit
        self.lifecycleDelay = lifecycleDelay
    }

    // MARK: Streams

    /// The stream as it stands now; nil once its deletion is complete.
    mutating func stream(_ key: StreamKey) -> StreamDescription? {
        guard let stream = streamsByKey[key] else { return nil }
        var description = stream.description
        if let deletedAt = stream.deletedAt {
            guard latest < deletedAt + delay(key) else {
                remove(key)
                return nil
            }
            description.status = .deleting
        } else {
            description.status = latest < description.createdMilliseconds + delay(key) ? .creating : .active
            if description.status == .active, let reshardedAt = stream.reshardedAt, latest < reshardedAt + delay(key) {
                description.status = .updating
            }
        }
        return description
    }

    /// Hidden streams change at once.
    private func delay(_ key: StreamKey) -> Int64 {
        key.namespace == .stream ? lifecycleDelay : 0
    }

    mutating func streams(in namespace: StreamNamespace) -> [StreamDescription] {
        streamsByKey.keys.filter { $0.namespace == namespace }.sorted { $0.name < $1.name }.compactMap { stream($0) }
    }

    mutating func createStream(_ definition: StreamDefinition) -> Result<StreamDescription, StoreError> {
        guard stream(definition.key) == nil else { return .failure(.streamExists(definition.key)) }
        guard definition.shardCount >= 1 else { return .failure(.failed("a stream has at least one shard")) }
        // Hidden streams do not count toward the limit.
        let open = streams(in: .stream).reduce(0) { $0 + $1.openShards.count }
        guard definition.key.namespace != .stream || definition.shardCount <= shardLimit - open else {
            return .failure(
                .shardLimitExceeded(limit: shardLimit, current: open, requested: definition.shardCount))
        }
        let description = StreamDescription(
            id: StreamID(nextStream), key: definition.key, status: delay(definition.key) > 0 ? .creating : .active,
            createdMilliseconds: now, mode: definition.mode, retentionHours: definition.retentionHours,
            maxRecordKiB: definition.maxRecordKiB, tags: definition.tags,
            shards: ShardDescription.initial(count: definition.shardCount, createdSecond: now / 1000))
        nextStream += 1
        streamsByKey[definition.key] = MemoryStream(description: description)
        for shard in description.shards { logs[ShardReference(description.id, shard.id)] = MemoryLog() }
        return .success(description)
    }

    mutating func deleteStream(_ key: StreamKey) -> Result<Void, StoreError> {
        guard let description = stream(key) else { return .failure(.streamNotFound(key)) }
        guard description.status != .deleting else { return .failure(.streamBusy(key, .deleting)) }
        streamsByKey[key]?.deletedAt = latest
        if delay(key) <= 0 { remove(key) }
        return .success(())
    }

    mutating func changeTags(
        _ key: StreamKey, _ change: (inout [String: String]) -> Bool
    ) -> Result<Bool, StoreError> {
        guard let description = stream(key) else { return .failure(.streamNotFound(key)) }
        guard description.status == .active || description.status == .updating else {
            return .failure(.streamBusy(key, description.status))
        }
        var tags = description.tags
        let isChanged = change(&tags)
        if isChanged { streamsByKey[key]?.description.tags = tags }
        return .success(isChanged)
    }

    mutating func changeRetention(_ key: StreamKey, _ change: (Int) -> Int?) -> Result<Int, StoreError> {
        guard let description = stream(key) else { return .failure(.streamNotFound(key)) }
        guard description.status == .active else { return .failure(.streamBusy(key, description.status)) }
        let hours = change(description.retentionHours) ?? description.retentionHours
        streamsByKey[key]?.description.retentionHours = hours
        return .success(hours)
    }

    private mutating func remove(_ key: StreamKey) {
        guard let stream = streamsByKey.removeValue(forKey: key) else { return }
        for shard in stream.description.shards { logs[ShardReference(stream.description.id, shard.id)] = nil }
    }

    mutating func close(_ shard: ShardReference, children: [ShardDescription]) -> Result<Void, StoreError> {
        guard let log = logs[shard],
            let key = key(of: shard.stream),
            var description = streamsByKey[key]?.description,
            let index = description.shards.firstIndex(where: { $0.id == shard.shard })
        else { return .failure(.shardNotFound(shard)) }
        description.shards[index].endOffset = log.bounds.highWatermark
        description.shards[index].closedMilliseconds = now
        for child in children where !description.shards.contains(where: { $0.id == child.id }) {
            description.shards.append(child)
            logs[ShardReference(shard.stream, child.id)] = MemoryLog(startingAt: child.startOffset)
        }
        streamsByKey[key]?.description = description
        return .success(())
    }

    mutating func retire(_ shard: ShardReference) {
        guard let key = key(of: shard.stream), var description = streamsByKey[key]?.description else { return }
        description.forget([shard.shard])
        guard description.shard(shard.shard) == nil else { return }
        streamsByKey[key]?.description = description
        logs[shard] = nil
    }

    /// Applies a change of shards that `plan` makes of the stream and the time in seconds.
    mutating func reshard(
        _ key: StreamKey, _ plan: (StreamDescription, Int64) throws(StoreError) -> Resharding
    ) -> Result<StreamDescription, StoreError> {
        guard var description = stream(key) else { return .failure(.streamNotFound(key)) }
        guard description.status == .active else { return .failure(.streamBusy(key, description.status)) }
        do throws(StoreError) {
            let change = try plan(description, now / 1000)
            let open = streams(in: .stream).reduce(0) { $0 + $1.openShards.count }
            guard key.namespace != .stream || change.growth <= 0 || change.growth <= shardLimit - open else {
                throw .shardLimitExceeded(limit: shardLimit, current: open, requested: change.growth)
            }
            if let standingRefusal { throw standingRefusal }
            let ends = change.parents.map { ($0, logs[ShardReference(description.id, $0)]?.bounds.highWatermark ?? 0) }
            description.apply(change, ends: Dictionary(uniqueKeysWithValues: ends), at: now)
            for child in change.children {
                let begun = description.shard(child.id)
                logs[ShardReference(description.id, child.id)] = MemoryLog(startingAt: begun?.startOffset ?? 0)
            }
            streamsByKey[key]?.description = description
            streamsByKey[key]?.reshardedAt = latest
            guard let changed = stream(key) else { throw .streamNotFound(key) }
            return .success(changed)
        } catch {
            return .failure(error)
        }
    }

    // MARK: Records

    /// The log of a shard whose stream is not gone.
    mutating func log(_ shard: ShardReference) -> MemoryLog? {
        guard let key = key(of: shard.stream), stream(key) != nil else { return nil }
        return logs[shard]
    }

    private func key(of id: StreamID) -> StreamKey? {
        streamsByKey.first { $0.value.description.id == id }?.key
    }

    mutating func append(_ append: Append) -> Result<[Appended], StoreError> {
        let (entries, fence) = (append.entries, append.fence)
        if let standingRefusal { return .failure(standingRefusal) }
        let failure = failures.isEmpty ? nil : failures.removeFirst()
        if let failure, !failure.committed { return .failure(failure.error) }
        if let fence, fence.epoch != fences[fence.owner] ?? 0 {
            return .failure(.fenced(fence, current: fences[fence.owner] ?? 0))
        }
        var codecs: [CompressionCodec] = []
        for entry in entries {
            guard let key = key(of: entry.shard.stream), let description = stream(key),
                let shard = description.shard(entry.shard.shard)
            else { return .failure(.shardNotFound(entry.shard)) }
            guard description.status == .active || description.status == .updating else {
                return .failure(.streamBusy(key, description.status))
            }
            guard shard.endOffset == nil else { return .failure(.shardClosed(entry.shard)) }
            codecs.append(description.settings.compression)
        }
        switch judge(append) {
        case .append: break
        case .present(let places): return .success(places)
        case .refuse(let failure): return .failure(.conditionFailed(failure))
        }
        // One arrival time for the whole append: not before any earlier one of its shards, and after what was told as settled.
        let arrival = entries.reduce(max(now, settled &+ (settled == .max ? 0 : 1))) {
            max($0, logs[$1.shard]?.lastArrival ?? 0)
        }
        let appended = zip(entries, codecs).map { entry, codec -> Appended in
            let base = logs[entry.shard]?.bounds.highWatermark ?? 0
            let stored = StoredBatch(
                baseOffset: base, arrivalMilliseconds: arrival,
                batch: entry.batch.compressed(with: codec).settingBaseOffset(base))
            logs[entry.shard]?.batches.append(stored)
            logs[entry.shard]?.bounds.highWatermark = stored.endOffset
            logs[entry.shard]?.lastArrival = arrival
            forgetOld(entry.shard)
            return Appended(baseOffset: base, arrivalMilliseconds: arrival)
        }
        remember(append, appended)
        appendCount += 1
        if let failure { return .failure(failure.error) }
        return .success(appended)
    }

    private mutating func forgetOld(_ shard: ShardReference) {
        guard !keptBatches.isEmpty, let key = key(of: shard.stream), let kept = keptBatches[key], let log = logs[shard] else {
            return
        }
        let surplus = log.batches.count - kept
        guard surplus > 0 else { return }
        logs[shard]?.batches.removeFirst(surplus)
        logs[shard]?.bounds.startOffset = log.batches[surplus].baseOffset
    }

    mutating func read(
        _ shard: ShardReference, from offset: Int64, maxBytes: Int
    ) -> Result<ShardRead, StoreError> {
        readCount += 1
        guard let log = log(shard) else { return .failure(.shardNotFound(shard)) }
        guard offset >= log.bounds.startOffset, offset <= log.bounds.highWatermark else {
            return .failure(.offsetOutOfRange(shard, offset: offset, log.bounds))
        }
        let damaged = damage[shard] ?? []
        if let range = damaged.first(where: { $0.contains(offset) }) {
            return .failure(.damaged(shard, from: range.lowerBound, through: range.upperBound))
        }
        var batches: [StoredBatch] = []
        var bytes = 0
        for batch in log.batches[log.firstBatch(endingAfter: offset)...] {
            if damaged.contains(where: { $0.overlaps(batch.baseOffset...(batch.endOffset - 1)) }) { break }
            if !batches.isEmpty, bytes + batch.batch.bytes.count > maxBytes { break }
            bytes += batch.batch.bytes.count
            batches.append(batch)
        }
        let description = key(of: shard.stream).flatMap { streamsByKey[$0]?.description }
        let endOffset = description?.shard(shard.shard)?.endOffset
        return .success(
            ShardRead(
                batches: batches, bounds: log.bounds, endOffset: endOffset,
                children: endOffset == nil ? [] : description?.children(of: shard.shard) ?? []))
    }

    /// True also where a shard is gone or has ended: who waits for it must find out.
    mutating func hasRecords(_ positions: [ShardReference: Int64]) -> Bool {
        for (shard, offset) in positions {
            guard let log = log(shard) else { return true }
            if log.bounds.highWatermark > offset { return true }
            let description = key(of: shard.stream).flatMap { streamsByKey[$0]?.description }
            if description?.shard(shard.shard)?.endOffset != nil { return true }
        }
        return false
    }

    mutating func settle() -> Int64 {
        // Where the clock was set back, time goes on from the newest record.
        let newest = logs.values.reduce(Int64.min) { max($0, $1.lastArrival) }
        settled = max(settled, heldSettledTime ?? (newest > now ? newest : now - 1))
        return settled
    }

    mutating func trim(_ shard: ShardReference, before offset: Int64) -> Result<Void, StoreError> {
        guard var log = log(shard) else { return .failure(.shardNotFound(shard)) }
        guard offset <= log.bounds.highWatermark else {
            return .failure(.offsetOutOfRange(shard, offset: offset, log.bounds))
        }
        log.batches.removeAll { $0.endOffset <= offset }
        log.bounds.startOffset = max(log.bounds.startOffset, offset)
        logs[shard] = log
        return .success(())
    }

    mutating func claim(_ owner: String) -> Fence {
        fences[owner, default: 0] += 1
        return Fence(owner: owner, epoch: fences[owner] ?? 0)
    }
}
