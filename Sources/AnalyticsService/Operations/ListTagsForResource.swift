/// ListTagsForResource, the same in both versions: the tags of an application.

import AWSWire
import StreamEngine

enum ListTagsForResource: AWSOperation {
    struct Request: WireReadable {
        var resourceARN: String?
        init(_ fields: WireFields) throws(AWSError) { resourceARN = try fields.string("ResourceARN") }
    }

    static let rules: [Rule<Request>] = [
        .applicationARN("resourceARN", \.resourceARN)
    ]
    static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] {
        .application(request.resourceARN)
    }
    static let errors: [AWSError.Name] = [.resourceNotFound]
    static let memoryBound = Analytics.smallBound

    static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
        Response(definition: try await service.definition(try service.name(ofARN: request.resourceARN)).0)
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
