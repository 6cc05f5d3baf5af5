/// DeleteApplicationReferenceDataSource: takes a table away from an application; code that reads it is refused first.

import AWSWire
import StreamEngine

/// The request in both versions.
struct DeleteReferenceRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var referenceID: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        referenceID = try fields.string("ReferenceId")
    }

    static let rules: [Rule<DeleteReferenceRequest>] = [.applicationName, .currentVersion, .itemID("referenceId", \.referenceID)]
}

extension V1 {
    enum DeleteApplicationReferenceDataSource: AWSOperation {
        static let rules = DeleteReferenceRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: DeleteReferenceRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError)
            -> EmptyObject
        {
            try await service.remove(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum DeleteApplicationReferenceDataSource: AWSOperation {
        static let rules = DeleteReferenceRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: DeleteReferenceRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError)
            -> ChangedItems
        {
            try await service.remove(request)
            return try await ChangedItems(request.name, service, .none)
        }
    }
}

extension Analytics {
    fileprivate func remove(_ request: DeleteReferenceRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            try definition.removeReference(request.referenceID)
        }
    }
}
