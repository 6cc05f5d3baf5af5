/// The part of the CloudWatch API that reads metrics, over the node's own minutes: settings, and the table of its operations.

public import AWSWire
public import Host
public import NodeMetrics

/// GraniteServiceVersion20100801 on one `MetricHistory`.
///
/// It is called in the three protocols that its model lists: rpc-v2-cbor (boto3, the aws CLI), JSON 1.0, and forms with answers in XML (older SDKs).
public struct CloudWatch: Sendable {
    let history: MetricHistory
    let clock: any TimeSource
    /// Brings in what is counted elsewhere.
    private let refresh: @Sendable () -> Void

    /// - Parameter refresh: is called before an answer is made.
    public init(history: MetricHistory, clock: any TimeSource, refresh: @escaping @Sendable () -> Void = {}) {
        self.history = history
        self.clock = clock
        self.refresh = refresh
    }

    func answer<Operation: MetricOperation>(
        _: Operation.Type, _ request: Operation.Request
    ) throws(AWSError) -> Operation.Response {
        refresh()
        return try Operation.answer(request, self)
    }

    /// The service for the dispatcher. A new operation is a file in `Operations/`, a line here and one in `queries`.
    public var service: AWSService {
        AWSService(
            prefix: "GraniteServiceVersion20100801", serving: self,
            [
                .operation(GetMetricData.self),
                .operation(GetMetricStatistics.self),
                .operation(ListMetrics.self),
            ])
    }

    /// The same for those who send forms.
    public var queries: QueryService {
        QueryService(
            name: "cloudwatch", version: "2010-08-01", namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
            actions: [
                "GetMetricData": QueryForm.action(GetMetricData.self, self),
                "GetMetricStatistics": QueryForm.action(GetMetricStatistics.self, self),
                "ListMetrics": QueryForm.action(ListMetrics.self, self),
            ])
    }

    /// Milliseconds since 1970-01-01 UTC.
    var now: Int64 { clock.wallMilliseconds() }
}

/// An operation that is answered at once, from memory.
protocol MetricOperation: AWSOperation where Service == CloudWatch {
    static func answer(_ request: Request, _ service: CloudWatch) throws(AWSError) -> Response
}

extension MetricOperation {
    static var rules: [Rule<Request>] { [] }
    static var errors: [AWSError.Name] {
        [.invalidNextToken, .invalidParameterCombination, .invalidParameterValue, .missingRequiredParameter, .validationError]
    }
    /// 500 queries with all that one may hold.
    static var memoryBound: Int { 1 << 20 }

    static func resources(_ request: Request, _ service: CloudWatch) -> [ResourceName] { [.all(of: "cloudwatch")] }

    static func run(_ request: Request, _ service: CloudWatch, _ call: AWSCall) async throws(AWSError) -> Response {
        try service.answer(Self.self, request)
    }
}
