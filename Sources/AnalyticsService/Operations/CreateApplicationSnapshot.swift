/// CreateApplicationSnapshot: keeps the state of a running application under a name.

import AWSWire
import StreamEngine

extension V2 {
    /// It answers when the snapshot is durable: its status is READY from the first.
    enum CreateApplicationSnapshot: AWSOperation {
        static let rules = SnapshotRequest.rules
        static let errors: [AWSError.Name] = [
            .resourceInUse, .resourceNotFound, .limitExceeded, .invalidArgument, .invalidRequest, .invalidApplicationConfiguration,
            .serviceUnavailable,
        ]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: SnapshotRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            do throws(ApplicationError) {
                try await service.applications.takeSnapshot(request.snapshotName ?? "", of: request.name)
            } catch {
                if case .inUse(let name, let status) = error {
                    throw AWSError(
                        .invalidRequest,
                        "Application \(name) is in state \(status.rawValue); a snapshot can be taken of a RUNNING application only."
                    )
                }
                throw AWSError(error, configuration: .invalidApplicationConfiguration)
            }
            return EmptyObject()
        }
    }
}
