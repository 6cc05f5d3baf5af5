/// AddApplicationReferenceDataSource: gives an application a table, loaded from an object of a bucket; the code is checked with it.

import AWSWire
import StreamEngine

/// The request in both versions.
struct AddReferenceRequest: KnowsVersion {
    var applicationName: String?
    var currentVersion: Int?
    var reference: ReferenceRequest?

    init(_ fields: WireFields) throws(AWSError) {
        applicationName = try fields.applicationName()
        currentVersion = try fields.currentVersion()
        reference = try fields.structure("ReferenceDataSource")
    }

    static func rules(_ version: APIVersion) -> [Rule<AddReferenceRequest>] {
        [
            .applicationName, .currentVersion, .present("referenceDataSource", \.reference),
            .structure("referenceDataSource", \.reference, ReferenceRequest.rules(version)),
        ]
    }
}

extension V1 {
    enum AddApplicationReferenceDataSource: AWSOperation {
        static let rules = AddReferenceRequest.rules(.v1)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: AddReferenceRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject
        {
            try await service.add(request)
            return EmptyObject()
        }
    }
}

extension V2 {
    enum AddApplicationReferenceDataSource: AWSOperation {
        static let rules = AddReferenceRequest.rules(.v2)
        static let errors = Analytics.updateErrors
        static let memoryBound = Analytics.configurationBound

        static func run(_ request: AddReferenceRequest, _ service: Analytics, _ call: AWSCall) async throws(AWSError)
            -> ChangedItems
        {
            try await service.add(request)
            return try await ChangedItems(request.name, service, .references)
        }
    }
}

extension Analytics {
    fileprivate func add(_ request: AddReferenceRequest) async throws(AWSError) {
        try await update(request.name, version: request.version) { definition throws(InvalidArgument) in
            guard let reference = request.reference else { throw InvalidArgument("ReferenceDataSource must not be null.") }
            try definition.add(reference, at: "ReferenceDataSource")
        }
    }
}
