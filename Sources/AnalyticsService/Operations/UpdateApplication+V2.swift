/// UpdateApplication, version 2: the same for its configuration's form, and the service's role.

import AWSWire
import StreamEngine

extension V2 {
    enum UpdateApplication: AWSOperation {
        struct Request: KnowsVersion {
            var applicationName: String?
            var currentVersion: Int?
            var token: String?
            var configuration: ConfigurationUpdate?
            var role: String?
            var runtime: String?
            var loggingOptions: [LoggingOptionUpdate]?
            /// Whether there is a RunConfigurationUpdate.
            var isAboutRun: Bool

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                currentVersion = try fields.currentVersion()
                token = try fields.string("ConditionalToken")
                configuration = try fields.structure("ApplicationConfigurationUpdate")
                role = try fields.string("ServiceExecutionRoleUpdate")
                runtime = try fields.string("RuntimeEnvironmentUpdate")
                loggingOptions = try fields.list("CloudWatchLoggingOptionUpdates")
                isAboutRun = fields["RunConfigurationUpdate"] != nil
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .currentVersion(isRequired: false),
            .structure("applicationConfigurationUpdate", \.configuration, ConfigurationUpdate.rules),
            .roleARN("serviceExecutionRoleUpdate", \.role, .v2, isRequired: false),
            .each("cloudWatchLoggingOptionUpdates", \.loggingOptions, LoggingOptionUpdate.rules(.v2)),
            .member("conditionalToken", \.token, .pattern(.token), .minLength(1), .maxLength(512)),
            .member("runtimeEnvironmentUpdate", \.runtime, .oneOf(CreateApplication.runtimes)),
        ]
        static let errors = Analytics.updateErrors + [.unsupportedOperation]
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail {
            try V2.checkRuntime(request.runtime, "RuntimeEnvironmentUpdate")
            if request.isAboutRun { throw AWSError(.flink("RunConfigurationUpdate")) }
            do throws(InvalidArgument) { try request.configuration?.refuseUnsupported() } catch { throw AWSError(error) }
            let version = try await version(request, service)
            try await service.update(request.name, version: version) { definition throws(InvalidArgument) in
                let sql = request.configuration?.sql
                let field = "ApplicationConfigurationUpdate.SqlApplicationConfigurationUpdate"
                if let code = request.configuration?.code?.content?.text { definition.code = code }
                if let role = request.role { definition.serviceExecutionRole = role }
                try definition.apply(sql?.inputs ?? [], at: "\(field).InputUpdates")
                try definition.apply(sql?.outputs ?? [], at: "\(field).OutputUpdates")
                try definition.apply(sql?.references ?? [], at: "\(field).ReferenceDataSourceUpdates")
                try definition.apply(request.loggingOptions ?? [], at: "CloudWatchLoggingOptionUpdates")
            }
            var detail = try await service.detail(request.name, call, .v2)
            detail.operation = detail.definition.history?.operations.last { $0.kind == .update }?.id
            return detail
        }

        /// The version that the caller knows, by number or by token.
        private static func version(_ request: Request, _ service: Analytics) async throws(AWSError) -> Int64 {
            guard let token = request.token else {
                guard request.currentVersion != nil else {
                    throw AWSError(.invalidArgument, "Either CurrentApplicationVersionId or ConditionalToken must be given.")
                }
                return request.version
            }
            let (definition, _) = try await service.definition(request.name)
            guard token == definition.conditionalToken else {
                throw AWSError(
                    .concurrentModification,
                    "ConditionalToken '\(token)' is not that of the application's current version \(definition.version). "
                        + "Describe the application and try again.")
            }
            return request.currentVersion == nil ? definition.version : request.version
        }
    }
}

/// ApplicationConfigurationUpdate.
struct ConfigurationUpdate: WireReadable {
    struct SQL: WireReadable {
        var inputs: [InputUpdate]?
        var outputs: [OutputUpdate]?
        var references: [ReferenceUpdate]?

        init(_ fields: WireFields) throws(AWSError) {
            inputs = try fields.list("InputUpdates")
            outputs = try fields.list("OutputUpdates")
            references = try fields.list("ReferenceDataSourceUpdates")
        }

        static let rules: [Rule<SQL>] = [
            .each("inputUpdates", \.inputs, InputUpdate.rules(.v2)), .each("outputUpdates", \.outputs, OutputUpdate.rules(.v2)),
            .each("referenceDataSourceUpdates", \.references, ReferenceUpdate.rules(.v2)),
        ]
    }

    struct Code: WireReadable {
        var type: String?
        var content: Content?

        init(_ fields: WireFields) throws(AWSError) {
            type = try fields.string("CodeContentTypeUpdate")
            content = try fields.structure("CodeContentUpdate")
        }

        static let rules: [Rule<Code>] = [
            .member("codeContentTypeUpdate", \.type, .oneOf(["PLAINTEXT", "ZIPFILE"])),
            .structure("codeContentUpdate", \.content, [.code("textContentUpdate", \.text)]),
        ]
    }

    struct Content: WireReadable {
        var text: String?
        /// Whether there is ZipFileContentUpdate or an S3ContentLocationUpdate.
        var isArchive: Bool

        init(_ fields: WireFields) throws(AWSError) {
            text = try fields.string("TextContentUpdate")
            isArchive = fields["ZipFileContentUpdate"] != nil || fields["S3ContentLocationUpdate"] != nil
        }
    }

    var sql: SQL?
    var code: Code?
    /// A field that is for other runtimes.
    var foreign: String?

    init(_ fields: WireFields) throws(AWSError) {
        sql = try fields.structure("SqlApplicationConfigurationUpdate")
        code = try fields.structure("ApplicationCodeConfigurationUpdate")
        foreign = fields.firstPresent(
            "FlinkApplicationConfigurationUpdate", "EnvironmentPropertyUpdates", "ApplicationSnapshotConfigurationUpdate",
            "ApplicationSystemRollbackConfigurationUpdate", "VpcConfigurationUpdates", "ZeppelinApplicationConfigurationUpdate",
            "ApplicationEncryptionConfigurationUpdate")
    }

    static let rules: [Rule<ConfigurationUpdate>] = [
        .structure("sqlApplicationConfigurationUpdate", \.sql, SQL.rules),
        .structure("applicationCodeConfigurationUpdate", \.code, Code.rules),
    ]

    func refuseUnsupported() throws(InvalidArgument) {
        if let foreign { throw .flink("ApplicationConfigurationUpdate.\(foreign)") }
        if code?.type == "ZIPFILE" || code?.content?.isArchive ?? false {
            throw InvalidArgument(
                "ApplicationConfigurationUpdate.ApplicationCodeConfigurationUpdate must hold the code of a SQL application "
                    + "as text: CodeContentUpdate.TextContentUpdate.")
        }
    }
}
