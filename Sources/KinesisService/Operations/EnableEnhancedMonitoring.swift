/// EnableEnhancedMonitoring: notes that metrics of a stream's shards are wanted (Kinesis API, EnableEnhancedMonitoring).

import AWSWire
import StreamStore

enum EnableEnhancedMonitoring: AWSOperation {
    typealias Request = MonitoringRequest
    static let rules = Request.rules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(
        _ request: Request, _ kinesis: Kinesis, _ call: AWSCall
    ) async throws(AWSError) -> MonitoringResponse {
        let wanted = ShardMetric.named(request.metrics ?? [])
        return try await kinesis.changeMonitoring(request, call) { current in ShardMetric.named(current + wanted) }
    }
}
