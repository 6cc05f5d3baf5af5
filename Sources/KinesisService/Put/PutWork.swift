/// The work that PutRecord and PutRecords share: limits, routing, one append for all, handed in on the event loop and answered there.

import AWSWire
import Host
import NodeMetrics
import StreamStore

/// What a put asks for: records for one stream.
struct PutRequest: Sendable {
    var entries: [PutEntry]
    /// Holds the parts of all records.
    var arena: [UInt8]
    var streamName: String
    /// The most bytes of data and keys that all records may have together; nil when each has its limit only.
    var maxTotalBytes: (@Sendable (StreamDescription) -> Int)?
    var operation: PutTally.Operation
}

/// What became of a put.
enum PutOutcome: Sendable {
    /// Everything is durable. `shardOfRecord` tells, in the order of the call, which of `shards` and of `appended` each record is in;
    /// `encryption` is what the answer says of the stream's, nil when it says nothing.
    /// `refused` holds those records, by their place in the call, that their shards' limits kept out; the others are in the order of the call.
    case appended(shards: [ShardDescription], shardOfRecord: [Int32], [Appended], encryption: String?, refused: [Int: ShardID])
    /// Nothing was taken, for want of room: the caller should try again. The shards are those of the records.
    case throttled([ShardID])
}

/// A put under way.
///
/// It begins and ends on the event loop of its call; between them is the store.
struct PutWork: Sendable {
    /// How often a put is tried again when a shard is closed between routing and append.
    private static let reshardAttempts = 3

    let kinesis: Kinesis
    let request: PutRequest
    let loop: AnswerLoop
    /// On the monotonic clock, in nanoseconds.
    private let began: UInt64
    private var attempt = 1
    let answer: @Sendable (Result<PutOutcome, AWSError>) -> Void

    /// - Parameter answer: is called once, on the loop.
    init(
        _ request: PutRequest, _ kinesis: Kinesis, on loop: AnswerLoop,
        _ answer: @escaping @Sendable (Result<PutOutcome, AWSError>) -> Void
    ) {
        self.kinesis = kinesis
        self.request = request
        self.loop = loop
        self.answer = answer
        began = kinesis.clock.monotonicNanoseconds()
    }

    /// What an answer says besides the places of the records.
    private struct Aside: Sendable {
        var encryption: String?
        /// See `PutOutcome.appended`.
        var refused: [Int: ShardID]
    }

    /// Looks the stream up and hands the records in. Puts that are begun one after the other on one loop are appended in that order.
    func begin() {
        kinesis.stream(named: request.streamName, on: loop) { found in
            switch found {
            case .success(let stream): submit(to: stream)
            case .failure(let error): answer(.failure(error))
            }
        }
    }

    private func submit(to stream: StreamDescription) {
        let batches: ShardBatches
        let appends: [ShardAppend]
        let aside: Aside
        do throws(AWSError) {
            // While it is being created or deleted AWS says that it does not exist.
            guard stream.status == .active || stream.status == .updating else { throw kinesis.notFound(request.streamName) }
            try checkSizes(stream)
            let (entries, hashKeys, refused) = try admitted(stream)
            if entries.isEmpty { return throttle(refused.sorted { $0.key < $1.key }.map(\.value), stream.id) }
            (batches, appends) = try route(entries, hashKeys, stream)
            aside = Aside(encryption: kinesis.encryption(of: stream.id), refused: refused)
        } catch {
            return answer(.failure(error))
        }
        if appends.count == 1 || kinesis.store.capabilities.contains(.multiShardAppends) {
            kinesis.store.submit(Append(appends), at: loop) { result in finish(result, batches, aside, stream.id) }
        } else {
            submit(appends[...], after: [], batches, aside, stream.id)
        }
    }

    /// To a store that appends to one shard at a time: one append after the other. PutRecords does not promise all or nothing; a put that fails half
    /// way is answered as failed, and who sends it again may see its first records twice, as after any lost answer.
    private func submit(
        _ rest: ArraySlice<ShardAppend>, after appended: [Appended], _ batches: ShardBatches, _ aside: Aside, _ stream: StreamID
    ) {
        guard let next = rest.first else { return finish(.success(appended), batches, aside, stream) }
        kinesis.store.submit(Append([next]), at: loop) { result in
            switch result {
            case .success(let places): submit(rest.dropFirst(), after: appended + places, batches, aside, stream)
            case .failure(let error): finish(.failure(error), batches, aside, stream)
            }
        }
    }

    private func finish(_ result: Result<[Appended], StoreError>, _ batches: ShardBatches, _ aside: Aside, _ stream: StreamID) {
        switch result {
        case .success(let appended):
            kinesis.metrics.putDuration.observe(nanoseconds: kinesis.clock.monotonicNanoseconds() &- began)
            tally.appended(
                to: batches.shards.map(\.id), shardOfRecord: batches.shardOfRecord, refused: aside.refused,
                shardMetrics: shardMetrics(of: stream))
            answer(
                .success(
                    .appended(
                        shards: batches.shards, shardOfRecord: batches.shardOfRecord, appended, encryption: aside.encryption,
                        refused: aside.refused)))
        case .failure(.overloaded):
            throttle(batches.shardOfRecord.map { batches.shards[Int($0)].id }, stream)
        case .failure(.shardClosed) where attempt < Self.reshardAttempts:
            var again = self
            again.attempt += 1
            again.begin()
        case .failure(let error):
            tally.failed()
            answer(.failure(kinesis.awsError(error)))
        }
    }

    private func throttle(_ shards: [ShardID], _ stream: StreamID) {
        tally.throttled(shards, shardMetrics: shardMetrics(of: stream))
        answer(.success(.throttled(shards)))
    }

    private var tally: PutTally {
        PutTally(
            kinesis: kinesis, operation: request.operation, streamName: request.streamName, entries: request.entries, began: began)
    }

    /// The metrics that are wanted of each shard; mostly none.
    private func shardMetrics(of stream: StreamID) -> [String] { kinesis.attributes.known(stream)?.attributes.shardMetrics ?? [] }

    /// Checks the sizes, which depend on the stream.
    private func checkSizes(_ stream: StreamDescription) throws(AWSError) {
        let limit = stream.maxRecordKiB << 10
        var sum = 0
        for entry in request.entries {
            guard entry.size <= limit else {
                throw AWSError(
                    .invalidArgument,
                    "Record of \(entry.size) bytes, data and partition key together, exceeds the stream's maximum record size of \(limit) bytes."
                )
            }
            sum += entry.size
        }
        if let most = request.maxTotalBytes?(stream), sum > most {
            throw AWSError(.invalidArgument, "Records size exceeds \(most >> 20) MB limit")
        }
    }

    /// The records that their shards take now, with their places in the hash space, and those that the shards' limits keep out.
    private func admitted(
        _ stream: StreamDescription
    ) throws(AWSError) -> (entries: [PutEntry], hashKeys: [UInt128], refused: [Int: ShardID]) {
        let entries = request.entries
        let hashKeys = try request.arena.withUnsafeBufferPointer { (arena) throws(AWSError) in
            try Self.hashKeys(entries, UnsafeRawBufferPointer(arena), stream)
        }
        guard let limits = kinesis.limits else { return (entries, hashKeys, [:]) }
        let now = kinesis.clock.monotonicNanoseconds()
        var (kept, refused): ([Int], [Int: ShardID]) = ([], [:])
        for (index, entry) in entries.enumerated() {
            let shard = stream.routing.shard(for: hashKeys[index])
            if let shard, !limits.takesRecord(of: entry.size, ShardReference(stream.id, shard), now) {
                refused[index] = shard
            } else {
                kept.append(index)
            }
        }
        return (kept.map { entries[$0] }, kept.map { hashKeys[$0] }, refused)
    }

    private func route(
        _ entries: [PutEntry], _ hashKeys: [UInt128], _ stream: StreamDescription
    ) throws(AWSError) -> (ShardBatches, [ShardAppend]) {
        try request.arena.withUnsafeBufferPointer { (arena) throws(AWSError) in
            let batches = try ShardBatches(entries, hashKeys: hashKeys, stream, account: kinesis.settings.accountID)
            return (batches, try batches.appends(entries, UnsafeRawBufferPointer(arena), to: stream.id, timestamp: kinesis.now))
        }
    }

    /// The records' places in the hash space.
    private static func hashKeys(
        _ entries: [PutEntry], _ arena: UnsafeRawBufferPointer, _ stream: StreamDescription
    ) throws(AWSError) -> [UInt128] {
        // Where all keys lead to one shard, any will do.
        var hashKeys =
            stream.openShardCount == 1
            ? [UInt128](repeating: 0, count: entries.count) : HashKey.hashes(of: entries.map(\.keyPlace), in: arena)
        for (index, entry) in entries.enumerated() where entry.hasExplicitHashKey {
            if let explicit = try entry.explicitHash(arena) { hashKeys[index] = explicit }
        }
        return hashKeys
    }
}

extension Kinesis {
    /// The stream that a request is for, found at once where the store can tell; `found` is called once, on the loop.
    func stream(
        named name: String, on loop: AnswerLoop, _ found: @escaping @Sendable (Result<StreamDescription, AWSError>) -> Void
    ) {
        do throws(StoreError) {
            if let stream = try store.currentStream(StreamKey(name)), let known = attributes.known(stream.id) {
                return found(.success(known.attributes.applied(to: stream)))
            }
        } catch {
            return found(.failure(awsError(error)))
        }
        Task {
            let result: Result<StreamDescription, AWSError>
            do throws(AWSError) {
                result = .success(try await stream(named: name))
            } catch {
                result = .failure(error)
            }
            loop.run { found(result) }
        }
    }
}
