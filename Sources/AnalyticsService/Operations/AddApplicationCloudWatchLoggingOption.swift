/// AddApplicationCloudWatchLoggingOption: keeps the option and gives it back; nothing is logged to CloudWatch.

import AWSWire
import StreamEngine

/// The request in both versions.
struct AddLoggingOptionRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var option: LoggingOptionRequest?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        option = try fields.structure("CloudWatchLoggingOption")
    }

    static func rules(_ version: APIVersion) -> [Rule<AddLoggingOptionRequest>] {
        [
            .applicationName, .currentVersion, .present("cloudWatchLoggingOption", \.option),
            .structure("cloudWatchLoggingOption", \.option, LoggingOptionRequest.rules(version)),
        ]
    }
}

extension V1 {
    enum AddApplicationCloudWatchLoggingOption: AWSOperation {
        static let rules = AddLoggingOptionRequest.rules(.v1)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: AddLoggingOptionRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> EmptyObject {
            try await service.add(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum AddApplicationCloudWatchLoggingOption: AWSOperation {
        static let rules = AddLoggingOptionRequest.rules(.v2)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(
            _ request: AddLoggingOptionRequest, _ service: Analytics, _ call: AWSCall
        ) async throws(AWSError) -> ChangedItems {
            try await service.add(request)
            return try await ChangedItems(request.name, service, .loggingOptions)
        }
    }
}

extension Analytics {
    fileprivate func add(_ request: AddLoggingOptionRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            guard let option = request.option else { throw InvalidArgument("CloudWatchLoggingOption must not be null.") }
            try definition.add(option, at: "CloudWatchLoggingOption")
        }
    }
}
