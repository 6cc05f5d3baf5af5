/// DescribeApplication: an application's whole configuration and its state.

import AWSWire
import StreamEngine

extension V1 {
    enum DescribeApplication: AWSOperation {
        static let rules: [Rule<NamedRequest>] = [.applicationName]
        static let errors: [AWSError.Name] = [.resourceNotFound, .serviceUnavailable]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: NamedRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail
        {
            try await service.detail(request.name, call, .v1)
        }
    }
}

extension V2 {
    /// IncludeAdditionalDetails asks for what only Flink applications have.
    enum DescribeApplication: AWSOperation {
        static let rules = V1.DescribeApplication.rules
        static let errors = V1.DescribeApplication.errors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: NamedRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail
        {
            try await service.detail(request.name, call, .v2)
        }
    }
}

extension Analytics {
    /// - Throws: `.resourceNotFound`, `.serviceUnavailable`.
    func detail(_ name: String, _ call: AWSCall, _ version: APIVersion) async throws(AWSError) -> ApplicationDetail {
        let application = try await definition(name)
        try reserve(application.0, call)
        return ApplicationDetail(application, trouble: await applications.trouble(name), self, version)
    }
}
