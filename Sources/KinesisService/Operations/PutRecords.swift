/// PutRecords: appends up to 500 records at once, in one append; they are durable when the answer is sent (Kinesis API, PutRecords).

import AWSWire
import StreamStore

enum PutRecords: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        /// Nil when the request has no list.
        var entries: [PutEntry]?
        /// Holds the parts of all records.
        var arena: [UInt8] = []
        var streamName: String?
        var streamARN: String?

        init(_ fields: WireFields) throws(AWSError) {
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
    }

    struct Response: AWSResponse {
        var outcome: PutOutcome
        /// Makes the message of a record that was throttled.
        var rateExceeded: @Sendable (ShardID) -> String

        func write(to writer: inout WireWriter) {
            switch outcome {
            case .appended(let shards, let places, let appended):
                let names = shards.map(\.id.description)
                writer.object { writer in
                    writer.field("FailedRecordCount", 0)
                    writer.list("Records", places) { writer, place in
                        let result = appended[place.batch]
                        let number = SequenceNumber(
                            offset: result.baseOffset + Int64(place.index), in: shards[place.batch],
                            arrivalMilliseconds: result.arrivalMilliseconds)
                        writer.object { writer in
                            writer.field("SequenceNumber", appendingPlain: { number.appendDigits(to: &$0) })
                            writer.field("ShardId", names[place.batch])
                        }
                    }
                }
            case .throttled(let shards):
                writer.object { writer in
                    writer.field("FailedRecordCount", shards.count)
                    writer.list("Records", shards) { writer, shard in
                        writer.object { writer in
                            writer.field("ErrorCode", AWSError.Name.provisionedThroughputExceeded.rawValue)
                            writer.field("ErrorMessage", rateExceeded(shard))
                        }
                    }
                }
            }
        }
    }

    static let maxRecords = 500

    static let rules: [Rule<Request>] = [Rule(checkRecords)] + Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .provisionedThroughputExceeded]
    /// Room for 10 MiB of data in base64 and what is around it.
    static let memoryBound = 16 << 20

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
            if entry.isPlain(request.arena) { continue }
            violations.within("records.\(index + 1).member") { entry.check(request.arena, &$0) }
        }
    }

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Response {
        let name = try kinesis.name(of: request)
        let outcome = try await kinesis.put(request.entries ?? [], request.arena, toStreamNamed: name) { stream in
            // 5 MiB in all; 10 where records themselves may be larger than 1 MiB.
            stream.maxRecordKiB > 1024 ? 10 << 20 : 5 << 20
        }
        return Response(outcome: outcome) { shard in kinesis.rateExceeded(shard, stream: name) }
    }
}
