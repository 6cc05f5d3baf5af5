/// RollbackApplication: the configuration before the current one becomes the current one again; a running application goes on with it.

import AWSWire
import StreamEngine

extension V2 {
    enum RollbackApplication: AWSOperation {
        struct Request: KnowsVersion {
            var applicationName: String?
            var currentVersion: Int?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                currentVersion = try fields.currentVersion()
            }
        }

        static let rules: [Rule<Request>] = [.applicationName, .currentVersion]
        static let errors = Analytics.updateErrors + [.invalidRequest]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail {
            let operation: String
            do throws(ApplicationError) {
                operation = try await service.applications.rollBack(request.name, version: request.version)
            } catch {
                if case .noSuch(let what) = error {
                    throw AWSError(.invalidRequest, "There is no \(what) of this application to go back to.")
                }
                throw AWSError(error)
            }
            var detail = try await service.detail(request.name, call, .v2)
            detail.operation = operation
            return detail
        }
    }
}
