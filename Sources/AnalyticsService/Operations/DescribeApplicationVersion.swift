/// DescribeApplicationVersion: the configuration of a version of an application.

import AWSWire
import StreamEngine

extension V2 {
    enum DescribeApplicationVersion: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var version: Int64?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                version = try fields.long("ApplicationVersionId")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName,
            Rule { request, violations in
                violations.check(
                    "applicationVersionId", request.version.map { Int(clamping: $0) },
                    [.notNull, .atLeast(1), .atMost(999_999_999)])
            },
        ]
        static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .serviceUnavailable]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail {
            let (current, status) = try await service.definition(request.name)
            let definition: ApplicationDefinition
            do throws(ApplicationError) {
                definition = try await service.applications.version(request.version ?? 0, of: request.name)
            } catch {
                throw AWSError(error)
            }
            try service.reserve(definition, call)
            var detail = ApplicationDetail(
                (definition, definition.version == current.version ? status : .ready), trouble: nil, service, .v2)
            detail.member = "ApplicationVersionDetail"
            return detail
        }
    }
}
