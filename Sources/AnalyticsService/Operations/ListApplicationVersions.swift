/// ListApplicationVersions: the versions of an application that are kept, the newest first, a page at a time.

import AWSWire
import StreamEngine

extension V2 {
    enum ListApplicationVersions: AWSOperation {
        static let rules = PageRequest.rules
        static let errors: [AWSError.Name] = [.resourceNotFound, .invalidArgument, .serviceUnavailable]
        static let memoryBound = Analytics.smallBound

        static func run(_ request: PageRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let status = try await service.definition(request.name).1
            let versions: [ApplicationDefinition]
            do throws(ApplicationError) { versions = try await service.applications.versions(request.name) } catch {
                throw AWSError(error)
            }
            let current = versions.first?.version
            let (page, token) = try request.page(of: versions.map(\.version))
            return Response(versions: page.map { ($0, $0 == current ? status : .ready) }, token: token)
        }

        struct Response: AWSResponse {
            var versions: [(number: Int64, status: ApplicationStatus)]
            var token: String?

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.list("ApplicationVersionSummaries", versions) { writer, version in
                        writer.object { writer in
                            writer.field("ApplicationVersionId", version.number)
                            writer.field("ApplicationStatus", version.status.rawValue)
                        }
                    }
                    writer.field("NextToken", token)
                }
            }
        }
    }
}
