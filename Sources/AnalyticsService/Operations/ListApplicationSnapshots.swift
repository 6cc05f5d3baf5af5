/// ListApplicationSnapshots: the snapshots of an application, the newest first, a page at a time.

import AWSWire
import StreamEngine

extension V2 {
    enum ListApplicationSnapshots: AWSOperation {
        static let rules = PageRequest.rules
        static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: PageRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let (snapshots, token) = try request.page(of: try await service.definition(request.name).0.snapshots.reversed())
            return Response(snapshots: snapshots, token: token)
        }

        struct Response: AWSResponse {
            var snapshots: [ApplicationSnapshot]
            var token: String?

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.list("SnapshotSummaries", snapshots) { writer, snapshot in writer.object { $0.members(of: snapshot) } }
                    writer.field("NextToken", token)
                }
            }
        }
    }
}
