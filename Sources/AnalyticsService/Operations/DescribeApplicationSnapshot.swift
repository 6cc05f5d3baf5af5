/// DescribeApplicationSnapshot: when a snapshot was taken and of which version.

import AWSWire
import StreamEngine

extension V2 {
    enum DescribeApplicationSnapshot: AWSOperation {
        static let rules = SnapshotRequest.rules
        static let errors: [AWSError.Name] = [.resourceNotFound]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: SnapshotRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let name = request.snapshotName ?? ""
            guard let snapshot = try await service.definition(request.name).0.snapshots.first(where: { $0.name == name }) else {
                throw AWSError(.noSuch("snapshot \(name)"))
            }
            return Response(snapshot: snapshot)
        }

        struct Response: AWSResponse {
            var snapshot: ApplicationSnapshot
            func write(to writer: inout WireWriter) {
                writer.object { writer in writer.object("SnapshotDetails") { $0.members(of: snapshot) } }
            }
        }
    }
}

extension WireWriter {
    /// The members of SnapshotDetails.
    mutating func members(of snapshot: ApplicationSnapshot) {
        field("SnapshotName", snapshot.name)
        field("SnapshotStatus", "READY")
        field("ApplicationVersionId", snapshot.applicationVersion)
        field("SnapshotCreationTimestamp", milliseconds: snapshot.createdMilliseconds)
        field("RuntimeEnvironment", V2.runtime)
    }
}
