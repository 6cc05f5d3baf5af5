/// AddApplicationInputProcessingConfiguration: sends an input's records through a function before they become rows.

import AWSWire
import StreamEngine

/// The request in both versions.
struct AddProcessingRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var inputID: String?
    var processing: ProcessingRequest?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        inputID = try fields.string("InputId")
        processing = try fields.structure("InputProcessingConfiguration")
    }

    static func rules(_ version: APIVersion) -> [Rule<AddProcessingRequest>] {
        [
            .applicationName, .currentVersion, .itemID("inputId", \.inputID),
            .present("inputProcessingConfiguration", \.processing),
            .structure("inputProcessingConfiguration", \.processing, ProcessingRequest.rules(version)),
        ]
    }
}

extension V1 {
    enum AddApplicationInputProcessingConfiguration: AWSOperation {
        static let rules = AddProcessingRequest.rules(.v1)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: AddProcessingRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError)
            -> EmptyObject
        {
            try await service.add(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum AddApplicationInputProcessingConfiguration: AWSOperation {
        static let rules = AddProcessingRequest.rules(.v2)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: AddProcessingRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> Response {
            try await service.add(request)
            return Response(
                definition: try await service.definition(request.name).0, arn: service.arn(request.name),
                inputID: request.inputID ?? "")
        }

        struct Response: AWSResponse {
            var definition: ApplicationDefinition
            var arn: String
            var inputID: String

            func write(to writer: inout WireWriter) {
                writer.object { writer in
                    writer.field("ApplicationARN", arn)
                    writer.field("ApplicationVersionId", definition.version)
                    writer.field("InputId", inputID)
                    let processing = definition.inputs.first { $0.id == inputID }?.processing
                    writer.processing(processing, definition, .v2)
                }
            }
        }
    }
}

extension Analytics {
    fileprivate func add(_ request: AddProcessingRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            let index = try definition.input(request.inputID)
            guard definition.inputs[index].processing == nil else {
                throw InvalidArgument(
                    "InputId '\(request.inputID ?? "")' has an InputProcessingConfiguration already; update or delete it.")
            }
            definition.inputs[index].processing = request.processing?.processing
        }
    }
}

extension ApplicationDefinition {
    /// The place of an input.
    func input(_ id: String?) throws(InvalidArgument) -> Int {
        guard let index = inputs.firstIndex(where: { $0.id == id }) else {
            throw .noItem(id, "InputId", among: inputs.map(\.id), "input")
        }
        return index
    }
}
