/// DeleteApplicationSnapshot: an application that was started from it goes on.

import AWSWire
import StreamEngine

extension V2 {
    enum DeleteApplicationSnapshot: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var snapshotName: String?
            /// Milliseconds since 1970-01-01 UTC.
            var created: Int64?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                snapshotName = try fields.string("SnapshotName")
                created = try fields.timestamp("SnapshotCreationTimestamp")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .snapshotName("snapshotName", \.snapshotName), .present("snapshotCreationTimestamp", \.created),
        ]
        static let errors: [AWSError.Name] = [.resourceInUse, .resourceNotFound, .invalidArgument, .serviceUnavailable]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            do throws(ApplicationError) {
                try await service.applications.deleteSnapshot(
                    request.snapshotName ?? "", of: request.name, created: request.created ?? 0)
            } catch {
                throw AWSError(error)
            }
            return EmptyObject()
        }
    }
}
