/// DeleteApplicationCloudWatchLoggingOption: forgets an option.

import AWSWire
import StreamEngine

/// The request in both versions.
struct DeleteLoggingOptionRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var optionID: String?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        optionID = try fields.string("CloudWatchLoggingOptionId")
    }

    static let rules: [Rule<DeleteLoggingOptionRequest>] = [
        .applicationName, .currentVersion, .itemID("cloudWatchLoggingOptionId", \.optionID),
    ]
}

extension V1 {
    enum DeleteApplicationCloudWatchLoggingOption: AWSOperation {
        static let rules = DeleteLoggingOptionRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: DeleteLoggingOptionRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> EmptyObject {
            try await service.remove(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum DeleteApplicationCloudWatchLoggingOption: AWSOperation {
        static let rules = DeleteLoggingOptionRequest.rules
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: DeleteLoggingOptionRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> ChangedItems {
            try await service.remove(request)
            return try await ChangedItems(request.name, service, .loggingOptions)
        }
    }
}

extension Analytics {
    fileprivate func remove(_ request: DeleteLoggingOptionRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            try definition.removeLoggingOption(request.optionID)
        }
    }
}
