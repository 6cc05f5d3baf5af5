/// AddApplicationInput: gives an application its source of rows; the code is checked against it.

import AWSWire
import StreamEngine

/// The request in both versions.
struct AddInputRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var input: InputRequest?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        input = try fields.structure("Input")
    }

    static func rules(_ version: APIVersion) -> [Rule<AddInputRequest>] {
        [.applicationName, .currentVersion, .present("input", \.input), .structure("input", \.input, InputRequest.rules(version))]
    }
}

extension V1 {
    enum AddApplicationInput: AWSOperation {
        static let rules = AddInputRequest.rules(.v1)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: AddInputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            try await service.add(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum AddApplicationInput: AWSOperation {
        static let rules = AddInputRequest.rules(.v2)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: AddInputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ChangedItems {
            try await service.add(request)
            return try await ChangedItems(request.name, service, .inputs)
        }
    }
}

extension Analytics {
    fileprivate func add(_ request: AddInputRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            guard let input = request.input else { throw InvalidArgument("Input must not be null.") }
            try definition.add(input, at: "Input")
        }
    }
}

/// What version 2 answers to a change of inputs, outputs or log options: the new version and the items.
struct ChangedItems: AWSResponse {
    enum Kind: Sendable {
        case inputs
        case outputs
        case loggingOptions
        case references
        /// Removals of outputs tell the version only.
        case none
    }

    var definition: ApplicationDefinition
    var arn: String
    var kind: Kind

    init(_ name: String, _ service: Analytics, _ kind: Kind) async throws(AWSError) {
        definition = try await service.definition(name).0
        arn = service.arn(name)
        self.kind = kind
    }

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.field("ApplicationARN", arn)
            writer.field("ApplicationVersionId", definition.version)
            switch kind {
            case .inputs: writer.inputDescriptions(definition, .v2)
            case .outputs: writer.outputDescriptions(definition, .v2)
            case .references: writer.referenceDescriptions(definition, .v2)
            case .loggingOptions: writer.loggingOptionDescriptions(definition, .v2)
            case .none: break
            }
        }
    }
}
