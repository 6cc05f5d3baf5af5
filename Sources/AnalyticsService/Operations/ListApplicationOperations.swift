/// ListApplicationOperations: what was done to an application lately, the newest first, a page at a time.

import AWSWire
import StreamEngine

extension V2 {
    enum ListApplicationOperations: AWSOperation {
        static let rules = PageRequest.rules
        static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: PageRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let all = try await service.definition(request.name).0.history?.operations ?? []
            let asked = all.reversed().filter { operation in
                (request.operation.map { $0 == operation.kind.rawValue } ?? true)
                    && (request.status.map { $0 == operation.status } ?? true)
            }
            let (operations, token) = try request.page(of: asked)
            return Response(operations: operations, token: token)
        }

        struct Response: AWSResponse {
            var operations: [ApplicationHistory.Operation]
            var token: String?

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.list("ApplicationOperationInfoList", operations) { writer, operation in
                        writer.object { writer in
                            writer.field("OperationId", operation.id)
                            writer.members(of: operation)
                        }
                    }
                    writer.field("NextToken", token)
                }
            }
        }
    }
}

extension ApplicationHistory.Operation {
    /// OperationStatus.
    var status: String { failure == nil ? "SUCCESSFUL" : "FAILED" }
}

extension WireWriter {
    /// What ApplicationOperationInfo and its details have both.
    mutating func members(of operation: ApplicationHistory.Operation) {
        field("Operation", operation.kind.rawValue)
        field("StartTime", milliseconds: operation.startMilliseconds)
        field("EndTime", milliseconds: operation.endMilliseconds)
        field("OperationStatus", operation.status)
    }
}
