/// DeleteStream: removes a stream and its records (Kinesis API, DeleteStream).

import AWSWire
import StreamStore

enum DeleteStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String?
        var streamARN: String?
        /// Streams have no registered consumers yet, so there is nothing to enforce.
        var enforceConsumerDeletion: Bool?

        init(_ fields: WireFields) throws(AWSError) {
            streamName = try fields.string("StreamName")
            streamARN = try fields.string("StreamARN")
            enforceConsumerDeletion = try fields.boolean("EnforceConsumerDeletion")
        }
    }

    static let rules = Request.streamRules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        let name = try kinesis.name(of: request)
        do throws(StoreError) {
            try await kinesis.store.deleteStream(StreamKey(name))
        } catch {
            throw kinesis.awsError(error)
        }
        kinesis.metrics.forget(name)
        return Nothing()
    }
}
