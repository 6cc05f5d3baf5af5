/// UpdateApplication, version 1: changes code, inputs, outputs and log options; a running application goes on with them.

import AWSWire
import StreamEngine

extension V1 {
    enum UpdateApplication: AWSOperation {
        struct Update: WireReadable {
            var inputs: [InputUpdate]?
            var code: String?
            var outputs: [OutputUpdate]?
            var references: [ReferenceUpdate]?
            var loggingOptions: [LoggingOptionUpdate]?

            init(_ fields: WireFields) throws(AWSError) {
                inputs = try fields.list("InputUpdates")
                code = try fields.string("ApplicationCodeUpdate")
                outputs = try fields.list("OutputUpdates")
                references = try fields.list("ReferenceDataSourceUpdates")
                loggingOptions = try fields.list("CloudWatchLoggingOptionUpdates")
            }

            static let rules: [Rule<Update>] = [
                .each("inputUpdates", \.inputs, InputUpdate.rules(.v1)), .code("applicationCodeUpdate", \.code),
                .each("outputUpdates", \.outputs, OutputUpdate.rules(.v1)),
                .each("referenceDataSourceUpdates", \.references, ReferenceUpdate.rules(.v1)),
                .each("cloudWatchLoggingOptionUpdates", \.loggingOptions, LoggingOptionUpdate.rules(.v1)),
            ]
        }

        struct Request: KnowsVersion {
            var applicationName: String?
            var currentVersion: Int?
            var update: Update?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                currentVersion = try fields.currentVersion()
                update = try fields.structure("ApplicationUpdate")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .currentVersion, .present("applicationUpdate", \.update),
            .structure("applicationUpdate", \.update, Update.rules),
        ]
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            let update = request.update
            try await service.update(request.name, version: request.version) { definition throws(InvalidArgument) in
                if let code = update?.code { definition.code = code }
                try definition.apply(update?.inputs ?? [], at: "ApplicationUpdate.InputUpdates")
                try definition.apply(update?.outputs ?? [], at: "ApplicationUpdate.OutputUpdates")
                try definition.apply(update?.references ?? [], at: "ApplicationUpdate.ReferenceDataSourceUpdates")
                try definition.apply(update?.loggingOptions ?? [], at: "ApplicationUpdate.CloudWatchLoggingOptionUpdates")
            }
            return EmptyObject()
        }
    }
}
