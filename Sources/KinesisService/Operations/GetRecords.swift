/// GetRecords: the records from an iterator on, and the iterator after them (Kinesis API, GetRecords).

import AWSWire
import Host
import NodeMetrics
import RecordBatch
import StreamStore

enum GetRecords: DirectOperation {
    struct Request: WireReadable {
        var limit: Int?
        var shardIterator: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
            limit = try fields.integer("Limit")
            shardIterator = try fields.string("ShardIterator")
            streamARN = try fields.string("StreamARN")
        }
    }

    static let rules: [Rule<Request>] = [
        .member("limit", \.limit, .atLeast(1), .atMost(maxRecords)),
        .member("shardIterator", \.shardIterator, .notNull, .minLength(1), .maxLength(512)),
        .member("streamARN", \.streamARN, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1), .maxLength(2048)),
    ]
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .invalidArgument, .expiredIterator, .provisionedThroughputExceeded,
    ]
    static let memoryBound = 64 << 10
    static let maxRecords = 10_000
    /// Of data and partition keys in one answer.
    static let maxBytes = 10 << 20

    static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ kinesis: Kinesis) throws(AWSError) -> Request {
        try format.request(Request.self, body, rules: rules)
    }

    static func resources(_ request: borrowing Request, _ kinesis: Kinesis) -> [ResourceName] {
        let iterator: ShardIterator
        do throws(AWSError) {
            // However old: that it has expired is for `start` to say.
            iterator = try ShardIterator(request.shardIterator ?? "", kinesis.tokens, now: 0)
        } catch {
            // It leads nowhere; `start` says why.
            return []
        }
        return [kinesis.resource(ofStreamNamed: iterator.streamName)]
    }

    static func start(_ request: consuming Request, _ kinesis: Kinesis, _ call: DirectCall) {
        let began = kinesis.clock.monotonicNanoseconds()
        let now = kinesis.now
        let iterator: ShardIterator
        do throws(AWSError) {
            iterator = try ShardIterator(request.shardIterator ?? "", kinesis.tokens, now: now)
            if let arn = request.streamARN, ARN(arn)?.resource != "stream/\(iterator.streamName)" {
                throw AWSError(.invalidArgument, "StreamARN \(arn) is not that of the iterator's stream.")
            }
            if let limits = kinesis.limits, !limits.takesCall(iterator.shard, began) {
                kinesis.countFailedRead(iterator.shard, ofStreamNamed: iterator.streamName, isThrottled: true)
                throw AWSError(
                    .provisionedThroughputExceeded, kinesis.rateExceeded(iterator.shard.shard, stream: iterator.streamName))
            }
        } catch {
            return call.fail(error)
        }
        get(from: iterator, limit: request.limit ?? maxRecords, began: began, mayWait: true, kinesis, call)
    }

    /// - Parameters:
    ///   - began: on the monotonic clock, in nanoseconds.
    ///   - mayWait: whether the answer may wait for records where there are none, as far as the settings say so.
    private static func get(
        from iterator: ShardIterator, limit: Int, began: UInt64, mayWait: Bool, _ kinesis: Kinesis, _ call: DirectCall
    ) {
        kinesis.shard(iterator.shard.shard, ofStreamNamed: iterator.streamName, on: call.loop) { found in
            do throws(AWSError) {
                let (stream, shard) = try found.get()
                guard stream.id == iterator.shard.stream else { throw kinesis.shardMissing(shard.id, stream: iterator.streamName) }
                read(from: iterator, limit: limit, shard, kinesis, call) { reader in
                    if mayWait, kinesis.settings.getRecordsWaitMilliseconds > 0, reader.batches.isEmpty, shard.endOffset == nil {
                        return wait(for: iterator.shard, at: reader.start, kinesis) {
                            call.loop.run { get(from: iterator, limit: limit, began: began, mayWait: false, kinesis, call) }
                        }
                    }
                    kinesis.metrics.getDuration.observe(nanoseconds: kinesis.clock.monotonicNanoseconds() &- began)
                    ReadAnswer(
                        read: reader, iterator: iterator, shard: shard, children: stream.children(of: shard.id), now: kinesis.now,
                        tokens: kinesis.tokens, counters: kinesis.metrics.stream(iterator.streamName),
                        encryption: kinesis.encryption(of: stream.id)
                    ).give(to: call) { counters, records, lag in
                        let (count, bytes) = (records.recordCount, records.byteCount)
                        kinesis.limits?.read(bytes, of: iterator.shard, kinesis.clock.monotonicNanoseconds())
                        kinesis.countRead(
                            iterator.shard, of: counters, named: iterator.streamName, records: count, bytes: bytes, age: lag,
                            began: began)
                    }
                }
            } catch {
                call.fail(error)
            }
        }
    }

    /// Waits for a record at an offset, as long as the settings say.
    private static func wait(
        for shard: ShardReference, at offset: Int64, _ kinesis: Kinesis, _ done: @escaping @Sendable () -> Void
    ) {
        Task {
            let timeout = Duration.milliseconds(kinesis.settings.getRecordsWaitMilliseconds)
            _ = await kinesis.store.awaitRecords([shard: offset], timeout: timeout)
            done()
        }
    }

    /// Reads at once what is in memory; for what is on the disk or compressed it leaves the event loop.
    /// - Parameter done: is called on the loop, unless the call has failed.
    private static func read(
        from iterator: ShardIterator, limit: Int, _ shard: ShardDescription, _ kinesis: Kinesis, _ call: DirectCall,
        _ done: @escaping @Sendable (ShardReader) -> Void
    ) {
        var reader = ShardReader(iterator.shard, from: iterator.offset, maxRecords: limit, maxBytes: maxBytes)
        do throws(StoreError) {
            if try reader.readFromMemory(kinesis.store, memory: ReadMemory(call.memory)) { return done(reader) }
        } catch {
            kinesis.countFailedRead(iterator.shard, ofStreamNamed: iterator.streamName, isThrottled: error == .overloaded)
            return call.fail(kinesis.readError(error, shard, stream: iterator.streamName))
        }
        readOn(reader, kinesis.store, call.memory) { result in
            call.loop.run {
                switch result {
                case .success(let reader): done(reader)
                case .failure(let error):
                    kinesis.countFailedRead(iterator.shard, ofStreamNamed: iterator.streamName, isThrottled: error == .overloaded)
                    call.fail(kinesis.readError(error, shard, stream: iterator.streamName))
                }
            }
        }
    }

    /// Reads the rest where that may wait: on a thread of the store's, or from a task.
    private static func readOn(
        _ reader: ShardReader, _ store: any StreamStore, _ memory: MemoryLease,
        _ done: @escaping @Sendable (Result<ShardReader, StoreError>) -> Void
    ) {
        let isTaken = store.submitReads { read in
            var reader = reader
            done(
                Result { () throws(StoreError) in
                    try reader.read(read, memory: ReadMemory(memory))
                    return reader
                })
        }
        if isTaken { return }
        Task {
            var reader = reader
            let result: Result<ShardReader, StoreError>
            do throws(StoreError) {
                try await reader.read(store, memory: ReadMemory(memory))
                result = .success(reader)
            } catch {
                result = .failure(error)
            }
            done(result)
        }
    }
}

extension Kinesis {
    /// As `awsError`, but damage is told with the number after which reading may go on.
    func readError(_ error: StoreError, _ shard: ShardDescription, stream: String) -> AWSError {
        switch error {
        case .damaged(_, let from, let through):
            let last = SequenceNumber(offset: max(0, through), in: shard, arrivalMilliseconds: shard.createdSecond * 1000)
            return AWSError(
                .internalFailure,
                "Records \(from) to \(through) of shard \(shard.id) in stream \(stream) are damaged on disk and quarantined. To read "
                    + "on, get an iterator AFTER_SEQUENCE_NUMBER \(last).")
        case .overloaded: return AWSError(.provisionedThroughputExceeded, rateExceeded(shard.id, stream: stream))
        default: return awsError(error)
        }
    }
}
