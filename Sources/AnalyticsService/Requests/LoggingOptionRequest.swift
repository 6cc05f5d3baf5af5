/// CloudWatchLoggingOption and its update: kept and given back; nothing is logged to CloudWatch.

import AWSWire
import StreamEngine

/// CloudWatchLoggingOption.
struct LoggingOptionRequest: WireReadable {
    var logStreamARN: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        logStreamARN = try fields.string("LogStreamARN")
        roleARN = try fields.string("RoleARN")
    }

    static func rules(_ version: APIVersion) -> [Rule<LoggingOptionRequest>] {
        let stream = Rule.resourceARN("logStreamARN", \LoggingOptionRequest.logStreamARN, isRequired: true)
        return version == .v1 ? [stream, .roleARN("roleARN", \.roleARN, .v1, isRequired: true)] : [stream]
    }
}

/// CloudWatchLoggingOptionUpdate.
struct LoggingOptionUpdate: WireReadable {
    var id: String?
    var logStreamARN: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        id = try fields.string("CloudWatchLoggingOptionId")
        logStreamARN = try fields.string("LogStreamARNUpdate")
        roleARN = try fields.string("RoleARNUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<LoggingOptionUpdate>] {
        [
            .itemID("cloudWatchLoggingOptionId", \.id),
            .resourceARN("logStreamARNUpdate", \.logStreamARN, isRequired: false),
            .roleARN("roleARNUpdate", \.roleARN, version, isRequired: false),
        ]
    }

    func apply(to option: inout LoggingOption) {
        if let logStreamARN { option.logStreamARN = logStreamARN }
        if let roleARN { option.roleARN = roleARN }
    }
}
