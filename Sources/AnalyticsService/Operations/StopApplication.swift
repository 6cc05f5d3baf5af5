/// StopApplication: stops reading; state and position are kept for LAST_STOPPED_POINT.

import AWSWire
import StreamEngine

extension V1 {
    enum StopApplication: AWSOperation {
        static let rules: [Rule<NamedRequest>] = [.applicationName]
        static let errors: [AWSError.Name] = [.resourceNotFound, .resourceInUse, .serviceUnavailable]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: NamedRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            _ = try await service.stop(request.name)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum StopApplication: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var isForced: Bool

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                isForced = try fields.boolean("Force") ?? false
            }
        }

        static let rules: [Rule<Request>] = [.applicationName]
        static let errors = V1.StopApplication.errors + [.invalidArgument]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> OperationAnswer {
            if request.isForced {
                throw AWSError(.invalidArgument, "Force 'true' is not supported: a SQL application cannot be stopped by force.")
            }
            return OperationAnswer(operation: try await service.stop(request.name))
        }
    }
}

extension Analytics {
    /// - Returns: the operation's id.
    fileprivate func stop(_ name: String) async throws(AWSError) -> String {
        do throws(ApplicationError) { return try await applications.stop(name) } catch { throw AWSError(error) }
    }
}
