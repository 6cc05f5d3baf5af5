/// ListApplications: the applications by name, a page at a time.

import AWSWire
import StreamEngine

extension V1 {
    enum ListApplications: AWSOperation {
        struct Request: WireReadable {
            var limit: Int?
            var start: String?

            init(_ fields: WireFields) throws(AWSError) {
                limit = try fields.integer("Limit")
                start = try fields.string("ExclusiveStartApplicationName")
            }
        }

        static let rules: [Rule<Request>] = [
            .member("limit", \.limit, .atLeast(1), .atMost(ApplicationPage.limit)),
            .member("exclusiveStartApplicationName", \.start, .pattern(.name), .minLength(1), .maxLength(128)),
        ]
        static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] { [.all(of: "kinesisanalytics")] }
        static let errors: [AWSError.Name] = []
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationPage {
            await ApplicationPage(service, after: request.start, limit: request.limit, .v1)
        }
    }
}

extension V2 {
    enum ListApplications: AWSOperation {
        struct Request: WireReadable {
            var limit: Int?
            var token: String?

            init(_ fields: WireFields) throws(AWSError) {
                limit = try fields.integer("Limit")
                token = try fields.string("NextToken")
            }
        }

        static let rules: [Rule<Request>] = [
            .member("limit", \.limit, .atLeast(1), .atMost(ApplicationPage.limit)),
            .member("nextToken", \.token, .pattern(.name), .minLength(1), .maxLength(128)),
        ]
        static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] { [.all(of: "kinesisanalytics")] }
        static let errors: [AWSError.Name] = []
        static let memoryBound = Analytics.smallBound

        /// The token is the name of the last application of the page before, as its shape in the model says.
        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationPage {
            await ApplicationPage(service, after: request.token, limit: request.limit, .v2)
        }
    }
}

/// A page of the list.
struct ApplicationPage: AWSResponse {
    /// Of applications in a page, and how many there are unless the request says otherwise.
    static let limit = 50

    var applications: [(ApplicationDefinition, ApplicationStatus)]
    /// By name: why an application does not get on, or was stopped.
    var troubles: [String: String] = [:]
    var hasMore: Bool
    var service: Analytics
    var version: APIVersion

    init(_ service: Analytics, after name: String?, limit: Int?, _ version: APIVersion) async {
        let all = await service.applications.list()
        let rest = all.drop { application in name.map { application.0.name <= $0 } ?? false }
        applications = Array(rest.prefix(limit ?? Self.limit))
        hasMore = rest.count > applications.count
        self.service = service
        self.version = version
        for (definition, _) in applications { troubles[definition.name] = await service.applications.trouble(definition.name) }
    }

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.list("ApplicationSummaries", applications) { writer, application in
                writer.object { $0.summary(application.0, application.1, trouble: troubles[application.0.name], service, version) }
            }
            switch version {
            case .v1: writer.field("HasMoreApplications", hasMore)
            case .v2: writer.field("NextToken", hasMore ? applications.last?.0.name : nil)
            }
        }
    }
}
