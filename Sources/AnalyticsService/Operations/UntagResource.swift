/// UntagResource, the same in both versions: takes tags from an application.

import AWSWire

enum UntagResource: AWSOperation {
    struct Request: WireReadable {
        var resourceARN: String?
        var keys: [String]?

        init(_ fields: WireFields) throws(AWSError) {
            resourceARN = try fields.string("ResourceARN")
            keys = try fields.strings("TagKeys")
        }
    }

    static let rules: [Rule<Request>] = [
        .applicationARN("resourceARN", \.resourceARN), .present("tagKeys", \.keys), .count("tagKeys", \.keys, 1...200),
    ]
    static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] { .application(request.resourceARN) }
    static let errors = TagResource.errors
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let keys = Set(request.keys ?? [])
        try await service.amend(try service.name(ofARN: request.resourceARN)) { definition throws(InvalidArgument) in
            definition.tags = definition.tags.filter { !keys.contains($0.key) }
        }
        return EmptyObject()
    }
}
