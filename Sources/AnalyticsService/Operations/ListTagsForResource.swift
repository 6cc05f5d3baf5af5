/// ListTagsForResource, the same in both versions: the tags that an application was created with.

import AWSWire
import StreamEngine

enum ListTagsForResource: AWSOperation {
    struct Request: WireReadable {
        var resourceARN: String?
        init(_ fields: WireFields) throws(AWSError) { resourceARN = try fields.string("ResourceARN") }
    }

    static let rules: [Rule<Request>] = [
        .member(
            "resourceARN", \.resourceARN, .notNull, .minLength(1), .maxLength(2_048),
            .pattern(.arn(service: "kinesisanalytics", resource: "application")))
    ]
    static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] {
        ARN(request.resourceARN ?? "").map { [ResourceName(service: $0.service, resource: $0.resource)] } ?? []
    }
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = Analytics.smallBound

    static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
        let arn = request.resourceARN ?? ""
        let name = ARN(arn)?.resource.dropFirst("application/".count) ?? ""
        guard arn == service.arn(String(name)) else { throw AWSError(.resourceNotFound, "Application \(arn) not found.") }
        return Response(definition: try await service.definition(String(name)).0)
    }

    struct Response: AWSResponse {
        var definition: ApplicationDefinition

        func write(to writer: inout WireWriter) {
            writer.object { writer in
                writer.list("Tags", definition.tags) { writer, tag in
                    writer.object { writer in
                        writer.field("Key", tag.key)
                        writer.field("Value", tag.value)
                    }
                }
            }
        }
    }
}
