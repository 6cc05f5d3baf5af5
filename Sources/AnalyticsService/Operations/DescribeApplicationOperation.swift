/// DescribeApplicationOperation: one of the things that were done to an application lately.

import AWSWire
import StreamEngine

extension V2 {
    enum DescribeApplicationOperation: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var operation: String?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                operation = try fields.string("OperationId")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .member("operationId", \.operation, .notNull, .minLength(1), .maxLength(64)),
        ]
        static let errors: [AWSError.Name] = [.resourceNotFound]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let id = request.operation ?? ""
            let operations = try await service.definition(request.name).0.history?.operations ?? []
            guard let operation = operations.first(where: { $0.id == id }) else { throw AWSError(.noSuch("operation \(id)")) }
            return Response(operation: operation)
        }

        struct Response: AWSResponse {
            var operation: ApplicationHistory.Operation

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.object("ApplicationOperationInfoDetails") { writer in
                        writer.members(of: operation)
                        if let before = operation.versionBefore, let after = operation.versionAfter {
                            writer.object("ApplicationVersionChangeDetails") { writer in
                                writer.field("ApplicationVersionUpdatedFrom", before)
                                writer.field("ApplicationVersionUpdatedTo", after)
                            }
                        }
                        if let failure = operation.failure {
                            writer.object("OperationFailureDetails") { writer in
                                writer.object("ErrorInfo") { $0.field("ErrorString", failure) }
                            }
                        }
                    }
                }
            }
        }
    }
}
