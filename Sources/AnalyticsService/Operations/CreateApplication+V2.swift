/// CreateApplication, version 2: the same for SQL applications; other runtimes are refused.

import AWSWire
import StreamEngine

extension V2 {
    enum CreateApplication: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var description: String?
            var runtime: String?
            var role: String?
            var configuration: ConfigurationRequest?
            var loggingOptions: [LoggingOptionRequest]?
            var tags: [TagRequest]?
            var mode: String?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                description = try fields.string("ApplicationDescription")
                runtime = try fields.string("RuntimeEnvironment")
                role = try fields.string("ServiceExecutionRole")
                configuration = try fields.structure("ApplicationConfiguration")
                loggingOptions = try fields.list("CloudWatchLoggingOptions")
                tags = try fields.list("Tags")
                mode = try fields.string("ApplicationMode")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .member("applicationDescription", \.description, .maxLength(1_024)),
            .member("runtimeEnvironment", \.runtime, .notNull, .oneOf(runtimes)),
            .roleARN("serviceExecutionRole", \.role, .v2, isRequired: true),
            .structure("applicationConfiguration", \.configuration, ConfigurationRequest.rules),
            .each("cloudWatchLoggingOptions", \.loggingOptions, LoggingOptionRequest.rules(.v2)),
            .count("tags", \.tags, 1...200), .each("tags", \.tags, TagRequest.rules),
            .member("applicationMode", \.mode, .oneOf(["STREAMING", "INTERACTIVE"])),
        ]
        static let errors = Analytics.createErrors + [.unsupportedOperation]
        static let memoryBound = Analytics.configurationBound

        /// RuntimeEnvironment's values in the model.
        static let runtimes = [
            V2.runtime, "FLINK-1_6", "FLINK-1_8", "ZEPPELIN-FLINK-1_0", "FLINK-1_11", "FLINK-1_13", "ZEPPELIN-FLINK-2_0",
            "FLINK-1_15", "ZEPPELIN-FLINK-3_0", "FLINK-1_18", "FLINK-1_19", "FLINK-1_20", "FLINK-2_2",
        ]

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ApplicationDetail {
            try V2.checkRuntime(request.runtime, "RuntimeEnvironment")
            if request.mode == "INTERACTIVE" {
                throw AWSError(
                    .unsupportedOperation,
                    "ApplicationMode 'INTERACTIVE' is not supported: SQL applications have no mode. Leave it out.")
            }
            let configuration = request.configuration
            do throws(InvalidArgument) { try configuration?.refuseUnsupported() } catch { throw AWSError(error) }
            let parts = ApplicationParts(
                name: request.name, description: request.description ?? "", code: configuration?.code?.content?.text ?? "",
                inputs: configuration?.sql?.inputs ?? [], outputs: configuration?.sql?.outputs ?? [],
                references: configuration?.sql?.references ?? [],
                loggingOptions: request.loggingOptions ?? [], tags: request.tags ?? [], serviceExecutionRole: request.role)
            let definition = try await service.create(parts, at: "ApplicationConfiguration.SqlApplicationConfiguration.")
            return ApplicationDetail((definition, .ready), trouble: nil, service, .v2)
        }
    }

    /// - Throws: `.unsupportedOperation` for what is no SQL application.
    static func checkRuntime(_ runtime: String?, _ field: String) throws(AWSError) {
        guard let runtime, runtime != V2.runtime else { return }
        throw AWSError(
            .unsupportedOperation,
            "\(field) '\(runtime)' is not supported: this service runs SQL applications only, with \(field) \(V2.runtime).")
    }
}

/// ApplicationConfiguration.
struct ConfigurationRequest: WireReadable {
    struct SQL: WireReadable {
        var inputs: [InputRequest]?
        var outputs: [OutputRequest]?
        var references: [ReferenceRequest]?

        init(_ fields: WireFields) throws(AWSError) {
            inputs = try fields.list("Inputs")
            outputs = try fields.list("Outputs")
            references = try fields.list("ReferenceDataSources")
        }

        static let rules: [Rule<SQL>] = [
            .each("inputs", \.inputs, InputRequest.rules(.v2)), .each("outputs", \.outputs, OutputRequest.rules(.v2)),
            .each("referenceDataSources", \.references, ReferenceRequest.rules(.v2)),
        ]
    }

    struct Code: WireReadable {
        var type: String?
        var content: CodeContentRequest?

        init(_ fields: WireFields) throws(AWSError) {
            type = try fields.string("CodeContentType")
            content = try fields.structure("CodeContent")
        }

        static let rules: [Rule<Code>] = [
            .structure("codeContent", \.content, [.code("textContent", \.text)]),
            .member("codeContentType", \.type, .notNull, .oneOf(["PLAINTEXT", "ZIPFILE"])),
        ]
    }

    struct CodeContentRequest: WireReadable {
        var text: String?
        /// Whether there is ZipFileContent or an S3ContentLocation.
        var isArchive: Bool

        init(_ fields: WireFields) throws(AWSError) {
            text = try fields.string("TextContent")
            isArchive = fields["ZipFileContent"] != nil || fields["S3ContentLocation"] != nil
        }
    }

    var sql: SQL?
    var code: Code?
    /// A field that is for other runtimes.
    var foreign: String?

    init(_ fields: WireFields) throws(AWSError) {
        sql = try fields.structure("SqlApplicationConfiguration")
        code = try fields.structure("ApplicationCodeConfiguration")
        foreign = fields.firstPresent(
            "FlinkApplicationConfiguration", "EnvironmentProperties", "ApplicationSnapshotConfiguration",
            "ApplicationSystemRollbackConfiguration", "VpcConfigurations", "ZeppelinApplicationConfiguration",
            "ApplicationEncryptionConfiguration")
    }

    static let rules: [Rule<ConfigurationRequest>] = [
        .structure("sqlApplicationConfiguration", \.sql, SQL.rules),
        .structure("applicationCodeConfiguration", \.code, Code.rules),
    ]

    func refuseUnsupported() throws(InvalidArgument) {
        if let foreign { throw .flink("ApplicationConfiguration.\(foreign)") }
        if code?.type == "ZIPFILE" || code?.content?.isArchive ?? false {
            throw InvalidArgument(
                "ApplicationConfiguration.ApplicationCodeConfiguration must hold the code of a SQL application as text: "
                    + "CodeContentType PLAINTEXT and CodeContent.TextContent.")
        }
    }
}

extension WireFields {
    /// The first of these members that is there.
    func firstPresent(_ names: StaticString...) -> String? {
        names.first { self[$0] != nil }.map { "\($0)" }
    }

    /// Whether there is a list with something in it.
    func hasElements(_ name: StaticString) throws(AWSError) -> Bool {
        guard var elements = try elements(name) else { return false }
        return elements.next() != nil
    }
}
