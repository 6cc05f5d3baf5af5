/// What IncreaseStreamRetentionPeriod and DecreaseStreamRetentionPeriod have in common.

import AWSWire
import StreamStore

struct RetentionRequest: WireReadable, ChoosesStream {
    var hours: Int?
    var streamName: String?
    var streamARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        hours = try fields.integer("RetentionPeriodHours")
        streamName = try fields.string("StreamName")
        streamARN = try fields.string("StreamARN")
    }

    static let rules: [Rule<RetentionRequest>] = [.member("retentionPeriodHours", \.hours, .notNull)] + streamRules

    /// How long records may stay readable, in hours.
    static let allowed = 24...8760
}

extension Kinesis {
    /// Changes how long a stream's records stay readable.
    /// - Parameter fault: why the change from the hours that stand to those that are wanted is the other operation's; nil if it is not.
    func changeRetention(
        _ request: RetentionRequest, _ fault: @escaping @Sendable (_ stream: String, _ current: Int, _ wanted: Int) -> String?
    ) async throws(AWSError) {
        let (name, wanted) = (try await stream(request).key.name, request.hours ?? 0)
        let allowed = RetentionRequest.allowed
        guard wanted >= allowed.lowerBound else {
            throw AWSError(
                .invalidArgument,
                "Minimum allowed retention period is \(allowed.lowerBound) hours. Requested retention period (\(wanted) hours) is too short."
            )
        }
        guard wanted <= allowed.upperBound else {
            throw AWSError(
                .invalidArgument,
                "Maximum allowed retention period is \(allowed.upperBound) hours. Requested retention period (\(wanted) hours) is too long."
            )
        }
        let current: Int
        do throws(StoreError) {
            current = try await store.changeRetention(StreamKey(name)) { fault(name, $0, wanted) == nil ? wanted : nil }
        } catch {
            throw awsError(error)
        }
        if let text = fault(name, current, wanted) { throw AWSError(.invalidArgument, text) }
    }
}
