/// DisableEnhancedMonitoring: notes that metrics of a stream's shards are not wanted any more (Kinesis API, DisableEnhancedMonitoring).

import AWSWire
import StreamStore

enum DisableEnhancedMonitoring: AWSOperation {
    typealias Request = MonitoringRequest
    static let rules = Request.rules
    static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .invalidArgument, .limitExceeded]
    static let memoryBound = 64 << 10

    static func run(
        _ request: Request, _ kinesis: Kinesis, _ call: AWSCall
    ) async throws(AWSError) -> MonitoringResponse {
        let unwanted = ShardMetric.named(request.metrics ?? [])
        return try await kinesis.changeMonitoring(request, call) { current in current.filter { !unwanted.contains($0) } }
    }
}
