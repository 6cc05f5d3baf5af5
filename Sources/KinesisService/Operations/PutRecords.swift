/// PutRecords: appends up to 500 records at once, in one append; they are durable when the answer is sent (Kinesis API, PutRecords).

package import AWSWire
import StreamStore

package enum PutRecords: DirectOperation {
    package struct Request: WireReadable, ChoosesStream {
        /// Nil when the request has no list.
        package var entries: [PutEntry]?
        /// Holds the parts of all records.
        package var arena: [UInt8] = []
        package var streamName: String?
        package var streamARN: String?

        package init(_ fields: WireFields) throws(AWSError) {
            if let elements = try fields.elements("Records") {
                arena.reserveCapacity(fields.bodyLength / 4 * 3)
                var entries: [PutEntry] = []
                for element in elements {
                    // One too many is enough to know that there are too many.
                    if entries.count > PutRecords.maxRecords { break }
                    entries.append(try PutEntry(WireFields(element), arena: &arena))
                }
                self.entries = entries
            }
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
        }

        init(_ plain: PlainPut) {
            (entries, arena, streamName, streamARN) = (plain.entries, plain.arena, plain.streamName, plain.streamARN)
        }
    }

    package static let maxRecords = 500

    package static let rules: [Rule<Request>] = [Rule(checkRecords)] + Request.streamRules
    package static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    /// Room for 10 MiB of data in base64 and what is around it.
    package static let memoryBound = 16 << 20

    private static let checkRecords: @Sendable (Request, inout Violations) -> Void = { request, violations in
        guard let entries = request.entries else {
            violations.add("records", "null", "Member must not be null")
            return
        }
        if !(1...maxRecords).contains(entries.count) {
            // What is shown of a long list is cut off anyway.
            let shown = Array(
                repeating: "com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@c965e310",
                count: min(entries.count, maxRecords + 1))
            let bound = entries.isEmpty ? "greater than or equal to 1" : "less than or equal to \(maxRecords)"
            violations.add("records", "'[\(shown.joined(separator: ", "))]'", "Member must have length \(bound)")
        }
        for (index, entry) in entries.enumerated() {
            if violations.isFull { return }
            if request.arena.withUnsafeBufferPointer({ entry.isPlain($0) }) { continue }
            violations.within("records.\(index + 1).member") { entry.check(request.arena, &$0) }
        }
    }

    package static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ kinesis: Kinesis) throws(AWSError) -> Request {
        if let request = readPlain(body, format) { return request }
        return try format.request(Request.self, body, rules: rules)
    }

    package static func readPlain(_ body: UnsafeRawBufferPointer, _ format: WireFormat) -> Request? {
        format.isJSON ? PlainPut(records: body, maxRecords: maxRecords).map { Request($0) } : nil
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
        let put = PutRequest(
            entries: request.entries ?? [], arena: request.arena, streamName: name,
            // 5 MiB in all; 10 where records themselves may be larger than 1 MiB.
            maxTotalBytes: { stream in stream.maxRecordKiB > 1024 ? 10 << 20 : 5 << 20 }, operation: .putRecords)
        PutWork(put, kinesis, on: call.loop) { result in
            switch result {
            case .success(.appended(let shards, let shardOfRecord, let appended, let encryption, let refused)):
                guard refused.isEmpty else {
                    return answer(partly: shards, shardOfRecord, appended, encryption, refused, stream: name, kinesis, call)
                }
                answer(shards, shardOfRecord, appended, encryption, call)
            case .success(.throttled(let shards)): answer(throttled: shards, stream: name, kinesis, call)
            case .failure(let error): call.fail(error)
            }
        }.begin()
    }

    /// More than stands around the records of an answer in any format.
    private static let frameBound = 64

    private static func answer(
        _ shards: [ShardDescription], _ shardOfRecord: [Int32], _ appended: [Appended], _ encryption: String?, _ call: DirectCall
    ) {
        guard shards.count == appended.count else {
            return call.fail(AWSError(.internalFailure, "\(appended.count) of \(shards.count) batches have a place."))
        }
        var results = results(shards, appended, call.format)
        // And a comma each.
        let bound = shardOfRecord.reduce(frameBound) { $0 + results[Int($1)].count + 1 }
        call.succeed(capacity: bound) { memory in
            var writer = WireWriter(call.format, into: memory)
            writer.object { writer in
                writer.field("FailedRecordCount", 0)
                writer.list("Records", shardOfRecord) { writer, index in results[Int(index)].next { writer.value(written: $0) } }
                writer.field("EncryptionType", encryption)
            }
            return writer.count
        }
    }

    /// The results of each shard's records, one after the other.
    private static func results(_ shards: [ShardDescription], _ appended: [Appended], _ format: WireFormat) -> [NumberedValue] {
        zip(shards, appended).map { shard, appended in
            let first = SequenceNumber(
                offset: appended.baseOffset, in: shard, arrivalMilliseconds: appended.arrivalMilliseconds)
            return NumberedValue(first, format) { $0.field("ShardId", shard.id.description) }
        }
    }

    /// The answer when the limits of some shards have kept records out.
    private static func answer(
        partly shards: [ShardDescription], _ shardOfRecord: [Int32], _ appended: [Appended], _ encryption: String?,
        _ refused: [Int: ShardID], stream: String, _ kinesis: Kinesis, _ call: DirectCall
    ) {
        guard shards.count == appended.count else {
            return call.fail(AWSError(.internalFailure, "\(appended.count) of \(shards.count) batches have a place."))
        }
        var results = results(shards, appended, call.format)
        var places = shardOfRecord.makeIterator()
        var writer = WireWriter(call.format, expectedBytes: 256 * (shardOfRecord.count + refused.count))
        writer.object { writer in
            writer.field("FailedRecordCount", refused.count)
            writer.list("Records", 0..<(shardOfRecord.count + refused.count)) { writer, index in
                if let shard = refused[index] {
                    writer.refused(kinesis.rateExceeded(shard, stream: stream))
                } else if let place = places.next() {
                    results[Int(place)].next { writer.value(written: $0) }
                }
            }
            writer.field("EncryptionType", encryption)
        }
        call.succeed(writer.bytes)
    }

    private static func answer(throttled shards: [ShardID], stream: String, _ kinesis: Kinesis, _ call: DirectCall) {
        var writer = WireWriter(call.format, expectedBytes: 256 * shards.count)
        writer.object { writer in
            writer.field("FailedRecordCount", shards.count)
            writer.list("Records", shards) { writer, shard in writer.refused(kinesis.rateExceeded(shard, stream: stream)) }
        }
        call.succeed(writer.bytes)
    }
}

extension WireWriter {
    /// A record that its shard does not take now.
    fileprivate mutating func refused(_ message: String) {
        object { writer in
            writer.field("ErrorCode", AWSError.Name.provisionedThroughputExceeded.rawValue)
            writer.field("ErrorMessage", message)
        }
    }
}
