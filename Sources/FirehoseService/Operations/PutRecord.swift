/// PutRecord: adds one record to a delivery stream, durable when the answer is sent (Firehose API, PutRecord).

import AWSWire
import Delivery
import RecordBatch
import StreamStore

/// The largest data of one record, in bytes (Firehose API, Record).
let maxRecordBytes = 1_024_000

enum PutRecord: AWSOperation {
    struct Request: WireReadable, NamesDeliveryStream {
        var deliveryStreamName: String?
        /// Whether there is a record, and whether it has data.
        var hasRecord = false
        var hasData = false
        var data: [UInt8] = []

        init(_ fields: WireFields) throws(AWSError) {
            deliveryStreamName = try fields.string("DeliveryStreamName")
            guard let record = fields["Record"] else { return }
            hasRecord = true
            data.reserveCapacity(fields.bodyLength / 4 * 3)
            hasData = try WireFields(record).blob("Data", to: &data) != nil
        }
    }

    struct Response: AWSResponse {
        var placed: PlacedRecords

        func write(to writer: inout WireWriter) {
            let number = placed.number(0)
            writer.object { writer in
                writer.field("RecordId", plainCount: SequenceNumber.digitCount) { number.writeDigits(to: $0) }
                writer.field("Encrypted", false)
            }
        }
    }

    static let rules: [Rule<Request>] = [
        Request.nameRule,
        Rule { request, violations in
            if !request.hasRecord { return violations.add("record", "null", "Member must not be null") }
            if !request.hasData { return violations.add("record.data", "null", "Member must not be null") }
            if request.data.count > maxRecordBytes { violations.check("record.data", request.data, [.maxLength(maxRecordBytes)]) }
        },
    ]
    static let errors: [AWSError.Name] = [.invalidArgument, .resourceNotFound, .serviceUnavailable]
    /// The largest record in base64, its slashes escaped as some clients do, and what is around it.
    static let memoryBound = 2 << 20

    static func run(_ request: Request, _ firehose: Firehose, _ call: AWSCall) async throws(AWSError) -> Response {
        let (data, name, began) = (request.data, request.deliveryStreamName ?? "", firehose.clock.monotonicNanoseconds())
        do throws(DeliveryError) {
            let placed = try await firehose.delivery.put(name, expectedBytes: data.count + 128) {
                (builder, timestamp) throws(RecordBatchError) in
                try builder.append(key: nil, value: data, timestamp: timestamp)
            }
            firehose.countPut(name, isBatch: false, records: 1, bytes: data.count, began: began)
            return Response(placed: placed)
        } catch {
            firehose.countPut(name, isBatch: false, records: 1, bytes: data.count, began: began, error)
            throw firehose.awsError(error)
        }
    }
}
