/// DeleteApplicationInputProcessingConfiguration: an input's records become rows as they come again.

import AWSWire
import StreamEngine

/// The request in both versions.
struct DeleteProcessingRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var inputID: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        inputID = try fields.string("InputId")
    }

    static let rules: [Rule<DeleteProcessingRequest>] = [.applicationName, .currentVersion, .itemID("inputId", \.inputID)]
}

extension V1 {
    enum DeleteApplicationInputProcessingConfiguration: AWSOperation {
        static let rules = DeleteProcessingRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: DeleteProcessingRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> EmptyObject {
            try await service.remove(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum DeleteApplicationInputProcessingConfiguration: AWSOperation {
        static let rules = DeleteProcessingRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: DeleteProcessingRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> ChangedItems {
            try await service.remove(request)
            return try await ChangedItems(request.name, service, .none)
        }
    }
}

extension Analytics {
    fileprivate func remove(_ request: DeleteProcessingRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            let index = try definition.input(request.inputID)
            guard definition.inputs[index].processing != nil else {
                throw InvalidArgument("InputId '\(request.inputID ?? "")' has no InputProcessingConfiguration.")
            }
            definition.inputs[index].processing = nil
        }
    }
}
