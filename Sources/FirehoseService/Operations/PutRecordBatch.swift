/// PutRecordBatch: adds up to 500 records at once, in one append; all are durable when the answer is sent (Firehose API, PutRecordBatch).

import AWSWire
import Delivery
import RecordBatch
import StreamStore

enum PutRecordBatch: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        /// Where the data of each record lies in the arena; an entry is nil when it has no data. Nil when the request has no list.
        var records: [Range<Int>?]?
        /// Holds the data of all records.
        var arena: [UInt8] = []

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            guard let elements = try fields.elements("Records") else { return }
            arena.reserveCapacity(fields.bodyLength / 4 * 3)
            var records: [Range<Int>?] = []
            for element in elements { records.append(try WireFields(element).blob("Data", to: &arena)) }
            self.records = records
        }
    }

    struct Response: AWSResponse {
        var placed: PlacedRecords
        var count: Int

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.field("FailedPutCount", 0)
                writer.field("Encrypted", false)
                writer.list("RequestResponses", 0..<count) { writer, index in
                    let number = placed.number(index)
                    writer.object { $0.field("RecordId", plainCount: SequenceNumber.digitCount) { number.writeDigits(to: $0) } }
                }
            }
        }
    }

    static let maxRecords = 500
    /// Of all records together.
    static let maxBytes = 4 << 20

    static let rules: [Rule<Request>] = [Request.nameRule, Rule(checkRecords)]
    static let errors: [AWSError.Name] = [.invalidArgument, .resourceNotFound, .serviceUnavailable]
    /// Room for 4 MiB of data in base64 and what is around it.
    static let memoryBound = 8 << 20

    private static let checkRecords: @Sendable (Request, inout Violations) -> Void = { request, violations in
        guard let records = request.records else { return violations.add("records", "null", "Member must not be null") }
        if !(1...maxRecords).contains(records.count) {
            let bound = records.isEmpty ? "greater than or equal to 1" : "less than or equal to \(maxRecords)"
            violations.add("records", "'[\(records.count) records]'", "Member must have length \(bound)")
        }
        for (index, record) in records.enumerated() {
            if violations.isFull { return }
            guard let record else {
                violations.add("records.\(index + 1).member.data", "null", "Member must not be null")
                continue
            }
            if record.count > maxRecordBytes {
                violations.add(
                    "records.\(index + 1).member.data", "'\(Blob.shown(record.count))'",
                    "Member must have length less than or equal to \(maxRecordBytes)")
            }
        }
    }

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let (records, arena, name) = (request.records ?? [], request.arena, request.deliveryStreamName ?? "")
        let began = firehose.clock.monotonicNanoseconds()
        guard arena.count <= maxBytes else {
            throw AWSError(.invalidArgument, "Records size exceeds 4 MB limit")
        }
        do throws(DeliveryError) {
            let placed = try await firehose.delivery.put(
                name, expectedBytes: arena.count + 24 * records.count + 128
            ) { (builder, timestamp) throws(RecordBatchError) in
                try append(records, of: arena, to: &builder, timestamp)
            }
            firehose.countPut(name, isBatch: true, records: records.count, bytes: arena.count, began: began)
            return Response(placed: placed, count: records.count)
        } catch {
            firehose.countPut(name, isBatch: true, records: records.count, bytes: arena.count, began: began, error)
            throw firehose.awsError(error)
        }
    }

    private static func append(
        _ records: [Range<Int>?], of arena: [UInt8], to builder: inout RecordBatchBuilder, _ timestamp: Int64
    ) throws(RecordBatchError) {
        let failure = arena.withUnsafeBytes { bytes -> RecordBatchError? in
            do throws(RecordBatchError) {
                for record in records {
                    try builder.append(
                        key: nil, value: UnsafeRawBufferPointer(rebasing: bytes[record ?? 0..<0]), timestamp: timestamp)
                }
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }
}
