/// PutRecord: appends one record; it is durable when the answer is sent (Kinesis API, PutRecord).

package import AWSWire
import StreamStore

package enum PutRecord: DirectOperation {
    package struct Request: WireReadable, ChoosesStream {
        var sequenceNumberForOrdering: String?
        package var entry: PutEntry
        /// Holds the parts of the record.
        package var arena: [UInt8] = []
        package var streamName: String?
        package var streamARN: String?

        package init(_ fields: WireFields) throws(AWSError) {
            sequenceNumberForOrdering = try fields.string("SequenceNumberForOrdering")
            arena.reserveCapacity(fields.bodyLength)
            entry = try PutEntry(fields, arena: &arena)
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }

        init?(_ plain: PlainPut) {
            guard let entry = plain.entries.first else { return nil }
            (self.entry, arena, streamName, streamARN) = (entry, plain.arena, plain.streamName, plain.streamARN)
        }
    }

    package static let rules: [Rule<Request>] =
        [
            .member("sequenceNumberForOrdering", \.sequenceNumberForOrdering, .pattern(.sequenceNumber)),
            Rule { request, violations in request.entry.check(request.arena, &violations) },
        ] + Request.streamRules
    package static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    /// Room for 10 MiB of data in base64, and for some more, so that too much gets the error that says so.
    package static let memoryBound = 16 << 20

    package static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ kinesis: Kinesis) throws(AWSError) -> Request {
        if let request = readPlain(body, format) { return request }
        return try format.request(Request.self, body, rules: rules)
    }

    package static func readPlain(_ body: UnsafeRawBufferPointer, _ format: WireFormat) -> Request? {
        format.isJSON ? PlainPut(record: body).flatMap { Request($0) } : nil
    }

    package static func resources(_ request: borrowing Request, _ kinesis: Kinesis) -> [ResourceName] {
        kinesis.resources(of: request)
    }

    package static func start(_ request: consuming Request, _ kinesis: Kinesis, _ call: DirectCall) {
        let name: String
        do throws(AWSError) {
            name = try kinesis.name(of: request)
        } catch {
            return call.fail(error)
        }
        let put = PutRequest(entries: [request.entry], arena: request.arena, streamName: name, operation: .putRecord)
        guard let text = request.sequenceNumberForOrdering else { return begin(put, kinesis, call) }
        guard let number = SequenceNumber(text) else { return call.fail(kinesis.invalid(ordering: text, name)) }
        let arrival = number.arrivalSecond * 1000
        if arrival <= kinesis.now { return begin(put, kinesis, call) }
        // Past the wall clock: only where that was set back does the log know better.
        Task {
            let isInFuture = await kinesis.isInFuture(arrival)
            call.loop.run {
                if isInFuture { call.fail(kinesis.invalid(ordering: text, name)) } else { begin(put, kinesis, call) }
            }
        }
    }

    private static func begin(_ put: PutRequest, _ kinesis: Kinesis, _ call: DirectCall) {
        let name = put.streamName
        PutWork(put, kinesis, on: call.loop) { result in
            switch result {
            case .success(.appended(let shards, _, let appended, let encryption, _)):
                answer(shards.first, appended.first, encryption, call)
            case .success(.throttled(let shards)):
                call.fail(
                    AWSError(.provisionedThroughputExceeded, kinesis.rateExceeded(shards.first ?? ShardID(0), stream: name)))
            case .failure(let error): call.fail(error)
            }
        }.begin()
    }

    /// More than an answer takes in any format.
    private static let answerBound = 256

    private static func answer(
        _ shard: ShardDescription?, _ appended: Appended?, _ encryption: String?, _ call: DirectCall
    ) {
        guard let shard, let appended else { return call.fail(AWSError(.internalFailure, "The record has no place.")) }
        let number = SequenceNumber(
            offset: appended.baseOffset, in: shard, arrivalMilliseconds: appended.arrivalMilliseconds)
        call.succeed(capacity: answerBound) { memory in
            var writer = WireWriter(call.format, into: memory)
            writer.object { writer in
                writer.field("ShardId", shard.id.description)
                writer.field("SequenceNumber", plainCount: SequenceNumber.digitCount) { number.writeDigits(to: $0) }
                writer.field("EncryptionType", encryption)
            }
            return writer.count
        }
    }
}

extension Kinesis {
    func rateExceeded(_ shard: ShardID, stream: String) -> String {
        "Rate exceeded for shard \(shard) in stream \(stream) under account \(settings.accountID)."
    }

    fileprivate func invalid(ordering text: String, _ stream: String) -> AWSError {
        AWSError(
            .invalidArgument,
            "ExclusiveMinimumSequenceNumber \(text) used in PutRecord on stream \(stream) under account "
                + "\(settings.accountID) is invalid.")
    }
}
