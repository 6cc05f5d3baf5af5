/// DeleteApplicationOutput: the rows of an in-application stream no longer leave.

import AWSWire
import StreamEngine

/// The request in both versions.
struct DeleteOutputRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var outputID: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        outputID = try fields.string("OutputId")
    }

    static let rules: [Rule<DeleteOutputRequest>] = [.applicationName, .currentVersion, .itemID("outputId", \.outputID)]
}

extension V1 {
    enum DeleteApplicationOutput: AWSOperation {
        static let rules = DeleteOutputRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: DeleteOutputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject
        {
            try await service.remove(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum DeleteApplicationOutput: AWSOperation {
        static let rules = DeleteOutputRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: DeleteOutputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError)
            -> ChangedItems
        {
            try await service.remove(request)
            return try await ChangedItems(request.name, service, .none)
        }
    }
}

extension Analytics {
    fileprivate func remove(_ request: DeleteOutputRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            try definition.removeOutput(request.outputID)
        }
    }
}
