/// Sends records with PutRecords, again where the service asked for patience.

import Foundation

/// A producer with a buffer of one PutRecords call.
struct RecordProducer {
    private struct Request: Encodable {
        struct Record: Encodable {
            var Data: Data
            var PartitionKey: String
        }
        var StreamName: String
        var Records: [Record]
    }

    private struct Answer: Decodable {
        struct Result: Decodable {
            var ErrorCode: String?
            var ErrorMessage: String?
        }
        var FailedRecordCount: Int?
        var Records: [Result]
    }

    /// PutRecords takes at most 500 records and 5 MiB.
    private static let maxRecords = 500
    private static let maxBytes = 4 << 20
    private static let maxAttempts = 8

    let stream: String
    let client: ServiceClient
    private var buffer: [Request.Record] = []
    private var bytes = 0
    /// Records acknowledged so far.
    private(set) var sent = 0

    init(stream: String, client: ServiceClient) {
        self.stream = stream
        self.client = client
    }

    /// Buffers a record; sends when the buffer is full.
    mutating func put(_ data: some Collection<UInt8>, partitionKey: String) async throws(CommandFailure) {
        let size = data.count + partitionKey.utf8.count
        // A large record must not make a call too large of what was there.
        if bytes + size > Self.maxBytes { try await flush() }
        buffer.append(Request.Record(Data: Data(data), PartitionKey: partitionKey))
        bytes += size
        if buffer.count >= Self.maxRecords || bytes >= Self.maxBytes { try await flush() }
    }

    /// Sends what is buffered; returns when all of it is acknowledged.
    mutating func flush() async throws(CommandFailure) {
        var pause = Duration.milliseconds(50)
        var attempt = 0
        while !buffer.isEmpty {
            attempt += 1
            let answer = try await client.call(
                .kinesis, "PutRecords", Request(StreamName: stream, Records: buffer), as: Answer.self)
            let failed = zip(buffer, answer.Records).filter { $1.ErrorCode != nil }
            sent += buffer.count - failed.count
            buffer = failed.map(\.0)
            guard let first = failed.first?.1 else { break }
            guard attempt < Self.maxAttempts else {
                throw CommandFailure(
                    .failed, "\(failed.count) records were not taken: \(first.ErrorMessage ?? first.ErrorCode ?? "")")
            }
            try? await Task.sleep(for: pause)
            pause *= 2
        }
        bytes = 0
    }
}
