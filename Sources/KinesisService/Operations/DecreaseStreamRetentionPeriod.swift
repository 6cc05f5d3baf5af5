/// DecreaseStreamRetentionPeriod: records of a stream stay readable shorter (Kinesis API, DecreaseStreamRetentionPeriod).

import AWSWire
import StreamStore

enum DecreaseStreamRetentionPeriod: AWSOperation {
    typealias Request = RetentionRequest
    static let rules = Request.rules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ kinesis: Kinesis, _ call: AWSCall) async throws(AWSError) -> Nothing {
        try await kinesis.changeRetention(request) { stream, current, wanted in
            guard wanted > current else { return nil }
            return
                "Requested retention period (\(wanted) hours) for stream \(stream) can not be longer than existing retention period "
                + "(\(current) hours). Use IncreaseRetentionPeriod API."
        }
        return Nothing()
    }
}
