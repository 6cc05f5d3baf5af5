/// TagResource, the same in both versions: adds tags to an application, or gives some other values.

import AWSWire
import StreamEngine

enum TagResource: AWSOperation {
    struct Request: WireReadable {
        var resourceARN: String?
        var tags: [TagRequest]?

        init(_ fields: WireFields) throws(AWSError) {
            resourceARN = try fields.string("ResourceARN")
            tags = try fields.list("Tags")
        }
    }

    static let rules: [Rule<Request>] = [
        .applicationARN("resourceARN", \.resourceARN), .present("tags", \.tags), .count("tags", \.tags, 1...200),
        .each("tags", \.tags, TagRequest.rules),
    ]
    static func resources(_ request: Request, _ service: Analytics) -> [ResourceName] { .application(request.resourceARN) }
    static let errors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .tooManyTags, .invalidArgument, .serviceUnavailable,
    ]
    static let memoryBound = 64 << 10

    static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
        let tags = request.tags ?? []
        try TagRequest.check(tags)
        let name = try service.name(ofARN: request.resourceARN)
        // How many there are is known only where nothing comes between.
        let before = try await service.definition(name).0.tags
        let count = Set(before.map(\.key)).union(tags.map { $0.key ?? "" }).count
        guard count <= TagRequest.limit else {
            throw AWSError(.tooManyTags, "The application would have \(count) tags; it may have at most \(TagRequest.limit).")
        }
        try await service.amend(name) { definition throws(InvalidArgument) in
            var all = definition.tags
            for tag in tags {
                let key = tag.key ?? ""
                if let index = all.firstIndex(where: { $0.key == key }) {
                    all[index].value = tag.value
                } else {
                    all.append((key, tag.value))
                }
            }
            guard all.count <= TagRequest.limit else {
                throw InvalidArgument("The application would have \(all.count) tags; it may have at most \(TagRequest.limit).")
            }
            definition.tags = all
        }
        return EmptyObject()
    }
}

extension Rule {
    /// The ARN of an application.
    static func applicationARN(_ name: String, _ value: any KeyPath<Request, String?> & Sendable) -> Rule {
        .member(
            name, value, .notNull, .minLength(1), .maxLength(2_048),
            .pattern(.arn(service: "kinesisanalytics", resource: "application")))
    }
}

extension [ResourceName] {
    /// The application that an ARN names.
    static func application(_ arn: String?) -> [ResourceName] {
        ARN(arn ?? "").map { [ResourceName(service: $0.service, resource: $0.resource)] } ?? []
    }
}

extension Analytics {
    /// The name of the application that an ARN names.
    /// - Throws: `.resourceNotFound` for ARNs of other regions and accounts.
    func name(ofARN text: String?) throws(AWSError) -> String {
        let name = String(ARN(text ?? "")?.resource.dropFirst("application/".count) ?? "")
        guard text == arn(name) else { throw AWSError(.resourceNotFound, "Application \(text ?? "") not found.") }
        return name
    }

    /// Changes what is not the configuration.
    /// - Throws: `.resourceNotFound`, `.resourceInUse`, `.invalidArgument`, `.serviceUnavailable`.
    func amend(
        _ name: String, _ change: @Sendable (inout ApplicationDefinition) throws(InvalidArgument) -> Void
    ) async throws(AWSError) {
        do throws(ApplicationError) {
            try await applications.amend(name) { (definition) throws(ApplicationError) in
                do throws(InvalidArgument) { try change(&definition) } catch { throw .configuration(error.message) }
            }
        } catch {
            throw AWSError(error)
        }
    }
}
