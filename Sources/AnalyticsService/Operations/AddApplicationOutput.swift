/// AddApplicationOutput: lets the rows of one more in-application stream leave.

import AWSWire
import StreamEngine

/// The request in both versions.
struct AddOutputRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var output: OutputRequest?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        output = try fields.structure("Output")
    }

    static func rules(_ version: APIVersion) -> [Rule<AddOutputRequest>] {
        [
            .applicationName, .currentVersion, .present("output", \.output),
            .structure("output", \.output, OutputRequest.rules(version)),
        ]
    }
}

extension V1 {
    enum AddApplicationOutput: AWSOperation {
        static let rules = AddOutputRequest.rules(.v1)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: AddOutputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            try await service.add(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum AddApplicationOutput: AWSOperation {
        static let rules = AddOutputRequest.rules(.v2)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: AddOutputRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> ChangedItems {
            try await service.add(request)
            return try await ChangedItems(request.name, service, .outputs)
        }
    }
}

extension Analytics {
    fileprivate func add(_ request: AddOutputRequest) async throws(AWSError) {
        let limit = settings.outputLimit
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            guard let output = request.output else { throw InvalidArgument("Output must not be null.") }
            try definition.add(output, at: "Output", limit: limit)
        }
    }
}
