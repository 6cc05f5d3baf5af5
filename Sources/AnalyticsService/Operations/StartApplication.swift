/// StartApplication: begins to read, from now, from the trim horizon or from where the application stopped.

import AWSWire
import StreamEngine

/// InputConfiguration and SqlRunConfiguration: where reading begins in one input.
struct StartRequest: WireReadable {
    struct Position: WireReadable {
        var position: String?
        init(_ fields: WireFields) throws(AWSError) { position = try fields.string("InputStartingPosition") }
    }

    /// `Id` of version 1, `InputId` of version 2.
    var id: String?
    var position: Position?

    init(_ fields: WireFields) throws(AWSError) {
        let id = try fields.string("Id")
        self.id = if let id { id } else { try fields.string("InputId") }
        position = try fields.structure("InputStartingPositionConfiguration")
    }

    static func rules(_ version: APIVersion) -> [Rule<StartRequest>] {
        [
            .itemID(version == .v1 ? "id" : "inputId", \.id),
            .present("inputStartingPositionConfiguration", \.position),
            .structure(
                "inputStartingPositionConfiguration", \.position,
                [.member("inputStartingPosition", \.position, .oneOf(["NOW", "TRIM_HORIZON", "LAST_STOPPED_POINT"]))]),
        ]
    }
}

extension V1 {
    enum StartApplication: AWSOperation {
        struct Request: NamesApplication {
            var applicationName: String?
            var inputs: [StartRequest]?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                inputs = try fields.list("InputConfigurations")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName, .present("inputConfigurations", \.inputs),
            .each("inputConfigurations", \.inputs, StartRequest.rules(.v1)),
        ]
        static let errors = Analytics.startErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            try await service.start(request.name, request.inputs ?? [], idField: "InputConfigurations.Id")
        }
    }
}

extension V2 {
    enum StartApplication: AWSOperation {
        struct RunConfiguration: WireReadable {
            var inputs: [StartRequest]?
            /// A field that is for other runtimes.
            var foreign: String?

            init(_ fields: WireFields) throws(AWSError) {
                inputs = try fields.list("SqlRunConfigurations")
                foreign = fields.firstPresent("FlinkRunConfiguration", "ApplicationRestoreConfiguration")
            }
        }

        struct Request: NamesApplication {
            var applicationName: String?
            var configuration: RunConfiguration?

            init(_ fields: WireFields) throws(AWSError) {
                applicationName = try fields.applicationName()
                configuration = try fields.structure("RunConfiguration")
            }
        }

        static let rules: [Rule<Request>] = [
            .applicationName,
            .structure(
                "runConfiguration", \.configuration, [.each("sqlRunConfigurations", \.inputs, StartRequest.rules(.v2))]),
        ]
        static let errors = Analytics.startErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> EmptyObject {
            if let foreign = request.configuration?.foreign { throw AWSError(.flink("RunConfiguration.\(foreign)")) }
            return try await service.start(
                request.name, request.configuration?.inputs ?? [], idField: "RunConfiguration.SqlRunConfigurations.InputId")
        }
    }
}

extension Analytics {
    fileprivate static let startErrors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .invalidArgument, .invalidApplicationConfiguration, .serviceUnavailable,
    ]

    fileprivate func start(_ name: String, _ inputs: [StartRequest], idField: String) async throws(AWSError) -> EmptyObject {
        let (definition, _) = try await definition(name)
        if definition.code.allSatisfy(\.isWhitespace) {
            throw AWSError(.invalidApplicationConfiguration, "Application \(name) has no code to run. Update it with code first.")
        }
        let known = definition.inputs.map(\.id)
        var positions: [String: StartingPosition] = [:]
        for input in inputs {
            // The rules have seen to it that there is an id, and a position only of the three.
            let id = input.id ?? ""
            guard known.contains(id) || known.isEmpty else { throw AWSError(.noItem(id, idField, among: known, "input")) }
            positions[id] = input.position?.position.flatMap(StartingPosition.init) ?? .now
        }
        do throws(ApplicationError) {
            try await applications.start(name, positions: positions)
        } catch {
            throw AWSError(error, configuration: .invalidApplicationConfiguration)
        }
        return EmptyObject()
    }
}
