/// DeleteStream: removes a stream and its records (Kinesis API, DeleteStream).

import AWSWire
import StreamStore

enum DeleteStream: AWSOperation {
    struct Request: WireReadable, ChoosesStream {
        var streamName: String?
        var streamARN: String?
        /// Whether registered consumers go with the stream; without it a stream that has some is not deleted.
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
        let stream = try await kinesis.stream(named: name)
        if request.enforceConsumerDeletion != true, try await !kinesis.attributes(of: stream).consumers.isEmpty {
            throw AWSError(
                .resourceInUse,
                "Stream \(name) under account \(kinesis.settings.accountID) has registered consumers. Deregister them, or set "
                    + "EnforceConsumerDeletion.")
        }
        do throws(StoreError) {
            try await kinesis.store.deleteStream(StreamKey(name))
        } catch {
            throw kinesis.awsError(error)
        }
        await kinesis.attributes.forget(stream.id)
        kinesis.subscriptions.end(of: stream.id, with: kinesis.notFound(name))
        kinesis.metrics.forget(name)
        return Nothing()
    }
}
