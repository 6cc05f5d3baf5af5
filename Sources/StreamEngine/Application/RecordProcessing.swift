/// The step that an input's records go through before they become rows: a function outside, called with the events that the service sent to Lambda.

import Foundation
import RecordBatch
import StableHash
import StreamSQL

/// Why a function gave no answer; the records wait and it is called again.
public struct ProcessingFailure: Error, Sendable, Hashable {
    public var message: String
    public init(_ message: String) { self.message = message }
}

/// Calls functions.
public protocol RecordFunctions: Sendable {
    /// What a function answers to an event.
    /// - Parameters:
    ///   - function: its ARN, as InputLambdaProcessor has it.
    ///   - event: JSON, with `records` (Developer Guide, "Preprocessing Data Using a Lambda Function").
    /// - Throws: when there is none, when it fails, and when it takes too long.
    func answer(of function: String, to event: [UInt8]) async throws(ProcessingFailure) -> [UInt8]
    /// Whether a function is known, so that a configuration that names another one can be refused.
    func knows(_ function: String) async -> Bool
}

/// What becomes of a record that gives no rows for a reason that lies before decoding.
enum RecordOutcome: Sendable {
    /// DATA_ROW has room for so many bytes.
    static let mostData = 24_576

    /// A function wanted it gone.
    case dropped
    case failed(RowFailure, data: [UInt8])
}

/// What a function has made of a record.
enum RecordAnswer: Sendable {
    case data([UInt8])
    case outcome(RecordOutcome)
    /// The function was not asked.
    case unchanged
}

/// Calls the functions of an application's inputs.
///
/// A record is sent when it is read, and sent again when what was computed of it is computed again after a crash or a lost answer: at least once, as the
/// service did. Its `recordId` is the same each time. What comes out of the application comes out once all the same; it is exact where the function
/// answers the same to the same record.
package struct RecordProcessing: Sendable {
    /// Data of one event's records, in bytes, before base64 (Lambda's limit is 6 MB for the whole event).
    private static let eventBytes = 3 << 20
    /// Records of one event.
    private static let eventRecords = 10_000

    let functions: any RecordFunctions
    let applicationARN: String

    package init(functions: any RecordFunctions, applicationARN: String) {
        self.functions = functions
        self.applicationARN = applicationARN
    }

    /// The answers to all records, in their order.
    /// - Parameter failed: records that are not sent.
    func answers(
        to records: RecordList, memory: [BatchBytes], failed: Set<Int>, _ function: InputFunction
    ) async throws(ProcessingFailure) -> [RecordAnswer] {
        var answers = [RecordAnswer](repeating: .unchanged, count: records.count)
        var (sent, bytes) = ([Sent](), 0)
        var identities = RecordIdentities()
        for part in 0..<records.partCount {
            for index in records.records(ofPart: part) {
                let record = records.record(index)
                let id = identities.next(record)
                if failed.contains(index) { continue }
                let data = memory[part].withUnsafeBytes { memory in
                    record.data.upperBound <= memory.count ? [UInt8](memory[record.data]) : []
                }
                if !sent.isEmpty, bytes + data.count > Self.eventBytes || sent.count == Self.eventRecords {
                    try await send(sent, function, &answers)
                    (sent, bytes) = ([], 0)
                }
                bytes += data.count
                sent.append(Sent(index: index, id: id, record: record, data: data))
            }
        }
        if !sent.isEmpty { try await send(sent, function, &answers) }
        return answers
    }

    fileprivate struct Sent {
        var index: Int
        var id: String
        var record: SourceRecord
        var data: [UInt8]
    }

    private func send(
        _ sent: [Sent], _ input: InputFunction, _ answers: inout [RecordAnswer]
    ) async throws(ProcessingFailure) {
        let function = input.function
        let event = ProcessingEvent(sent, applicationARN: applicationARN, streamARN: input.source)
        guard let bytes = try? JSONEncoder().encode(event) else { throw ProcessingFailure("the event cannot be written") }
        let answer = try await functions.answer(of: function, to: Array(bytes))
        guard let decoded = try? JSONDecoder().decode(ProcessingAnswer.self, from: Data(answer)) else {
            let text = String(decoding: answer.prefix(200), as: UTF8.self)
            throw ProcessingFailure("\(function) gave no answer with records but: \(text)")
        }
        var byID: [String: ProcessingAnswer.Record] = [:]
        for record in decoded.records { byID[record.recordId] = record }
        for record in sent {
            guard let answer = byID[record.id] else {
                // The answer is not whole; what it says of the others cannot be relied on.
                throw ProcessingFailure("\(function) gave no answer to the record \(record.id)")
            }
            answers[record.index] = try Self.answer(answer, to: record, function)
        }
    }

    private static func answer(
        _ answer: ProcessingAnswer.Record, to record: Sent, _ function: String
    ) throws(ProcessingFailure) -> RecordAnswer {
        switch answer.result {
        case "Ok":
            guard let data = answer.data.flatMap({ Data(base64Encoded: $0) }) else {
                return .outcome(failure("\(function) gave no data that is base64.", record))
            }
            return .data(Array(data))
        case "Dropped": return .outcome(.dropped)
        case "ProcessingFailed": return .outcome(failure("\(function) failed for this record.", record))
        case let other:
            throw ProcessingFailure("\(function) answered the result '\(other)', which is none of Ok, Dropped, ProcessingFailed")
        }
    }

    private static func failure(_ message: String, _ record: Sent) -> RecordOutcome {
        .failed(
            RowFailure("Preprocessing failed", message), data: Array(record.data.prefix(RecordOutcome.mostData)))
    }
}

/// Names records: their shard and sequence number, and for those that came in one record of the Producer Library their number in it.
private struct RecordIdentities {
    private var last = ""
    private var number = 0

    mutating func next(_ record: SourceRecord) -> String {
        let id = "\(record.shardID)-\(record.sequenceNumber)"
        number = id == last ? number + 1 : 0
        last = id
        return number == 0 ? id : "\(id)-\(number)"
    }
}

/// What a function is sent.
private struct ProcessingEvent: Encodable {
    struct Metadata: Encodable {
        var sequenceNumber: String
        var partitionKey: String
        var shardId: String
        /// Milliseconds since 1970-01-01 UTC.
        var approximateArrivalTimestamp: Int64
    }

    struct Record: Encodable {
        var recordId: String
        var kinesisStreamRecordMetadata: Metadata
        var data: String
    }

    var invocationId: String
    var applicationArn: String
    var streamArn: String
    var records: [Record]

    init(_ sent: [RecordProcessing.Sent], applicationARN: String, streamARN: String) {
        // The same records again are the same call again.
        var hash = FNV1a()
        for record in sent { hash.add(record.id.utf8) }
        let digits = String(hash.value, radix: 16)
        let id = String(repeating: "0", count: 16 - digits.count) + digits
        invocationId = "\(id.prefix(8))-\(id.dropFirst(8).prefix(4))-\(id.dropFirst(12))-0000-\(id.prefix(12))"
        applicationArn = applicationARN
        streamArn = streamARN
        records = sent.map { sent in
            Record(
                recordId: sent.id,
                kinesisStreamRecordMetadata: Metadata(
                    sequenceNumber: sent.record.sequenceNumber, partitionKey: sent.record.partitionKey,
                    shardId: sent.record.shardID,
                    approximateArrivalTimestamp: sent.record.arrivalMilliseconds),
                data: Data(sent.data).base64EncodedString())
        }
    }
}

/// What it answers.
private struct ProcessingAnswer: Decodable {
    struct Record: Decodable {
        var recordId: String
        var result: String
        var data: String?
    }

    var records: [Record]
}
