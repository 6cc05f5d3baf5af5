/// CreateApplication, version 1: stores an application after its code was checked.

import AWSWire
import StreamEngine

extension V1 {
    enum CreateApplication: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var description: String?
            var inputs: [InputRequest]?
            var outputs: [OutputRequest]?
            var loggingOptions: [LoggingOptionRequest]?
            var code: String?
            var tags: [TagRequest]?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                description = try fields.string("ApplicationDescription")
                inputs = try fields.list("Inputs")
                outputs = try fields.list("Outputs")
                loggingOptions = try fields.list("CloudWatchLoggingOptions")
                code = try fields.string("ApplicationCode")
                tags = try fields.list("Tags")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .member("applicationDescription", \.description, .maxLength(1_024)),
            .each("inputs", \.inputs, InputRequest.rules(.v1)), .each("outputs", \.outputs, OutputRequest.rules(.v1)),
            .each("cloudWatchLoggingOptions", \.loggingOptions, LoggingOptionRequest.rules(.v1)),
            .code("applicationCode", \.code), .count("tags", \.tags, 1...200), .each("tags", \.tags, TagRequest.rules),
        ]
        static let errors = Analytics.createErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            let parts = ApplicationParts(
                name: request.name, description: request.description ?? "", code: request.code ?? "", inputs: request.inputs ?? [],
                outputs: request.outputs ?? [], loggingOptions: request.loggingOptions ?? [], tags: request.tags ?? [])
            return Response(definition: try await service.create(parts, at: ""), service: service)
        }

        struct Response: AWSResponse {
            var definition: ApplicationDefinition
            var service: Analytics

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.object("ApplicationSummary") { $0.summary(definition, .ready, service, .v1) }
                }
            }
        }
    }
}
