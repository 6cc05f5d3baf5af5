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
            _ = try await service.start(request.name, request.inputs ?? [], idField: "InputConfigurations.Id")
            return EmptyObject()
        }
    }
}

extension V2 {
    enum StartApplication: AWSOperation {
        struct RunConfiguration: WireReadable {
            var inputs: [StartRequest]?
            var restore: RestoreRequest?
            /// A field that is for other runtimes.
            var foreign: String?

            init(_ fields: WireFields) throws(AWSError) {
                inputs = try fields.list("SqlRunConfigurations")
                restore = try fields.structure("ApplicationRestoreConfiguration")
                foreign = fields.firstPresent("FlinkRunConfiguration")
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
                "runConfiguration", \.configuration,
                [
                    .each("sqlRunConfigurations", \.inputs, StartRequest.rules(.v2)),
                    .structure("applicationRestoreConfiguration", \.restore, RestoreRequest.rules),
                ]),
        ]
        static let errors = Analytics.startErrors
        static let memoryBound = Analytics.smallBound

        static func run(_ request: Request, _ service: Analytics, _ call: AWSCall) async throws(AWSError) -> OperationAnswer {
            if let foreign = request.configuration?.foreign { throw AWSError(.flink("RunConfiguration.\(foreign)")) }
            let operation = try await service.start(
                request.name, request.configuration?.inputs ?? [], idField: "RunConfiguration.SqlRunConfigurations.InputId",
                restore: request.configuration?.restore)
            return OperationAnswer(operation: operation)
        }
    }
}

/// ApplicationRestoreType. The latest snapshot is what the last stop left: a stop keeps the state, and no other is later.
enum RestoreType: String {
    case skip = "SKIP_RESTORE_FROM_SNAPSHOT"
    case latest = "RESTORE_FROM_LATEST_SNAPSHOT"
    case custom = "RESTORE_FROM_CUSTOM_SNAPSHOT"
}

/// ApplicationRestoreConfiguration: which state a start begins with.
struct RestoreRequest: WireReadable {
    var type: String?
    var snapshotName: String?

    init(_ fields: WireFields) throws(AWSError) {
        type = try fields.string("ApplicationRestoreType")
        snapshotName = try fields.string("SnapshotName")
    }

    static let rules: [Rule<RestoreRequest>] = [
        .member(
            "applicationRestoreType", \.type, .notNull,
            .oneOf([RestoreType.skip.rawValue, RestoreType.latest.rawValue, RestoreType.custom.rawValue])),
        .member("snapshotName", \.snapshotName, .pattern(.name), .minLength(1), .maxLength(256)),
    ]
}

/// What version 2 answers to what it does to a run.
struct OperationAnswer: AWSResponse {
    var operation: String
    func write(to writer: inout WireWriter) { writer.object { $0.field("OperationId", operation) } }
}

extension Analytics {
    fileprivate static let startErrors: [AWSError.Name] = [
        .resourceNotFound, .resourceInUse, .invalidArgument, .invalidApplicationConfiguration, .serviceUnavailable,
    ]

    /// - Returns: the operation's id.
    fileprivate func start(
        _ name: String, _ inputs: [StartRequest], idField: String, restore: RestoreRequest? = nil
    ) async throws(AWSError) -> String {
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
        let snapshot = try restored(restore, known, &positions)
        do throws(ApplicationError) {
            return try await applications.start(name, positions: positions, from: snapshot)
        } catch {
            throw AWSError(error, configuration: .invalidApplicationConfiguration)
        }
    }

    /// The snapshot to begin with, if one is asked for by name.
    private func restored(
        _ restore: RestoreRequest?, _ inputs: [String], _ positions: inout [String: StartingPosition]
    ) throws(AWSError) -> String? {
        let field = "RunConfiguration.ApplicationRestoreConfiguration"
        guard let restore, let type = restore.type.flatMap(RestoreType.init) else { return nil }
        if type != .custom, restore.snapshotName != nil {
            throw AWSError(.invalidArgument, "\(field).SnapshotName goes with \(RestoreType.custom.rawValue) only.")
        }
        switch type {
        case .skip:
            if let input = positions.first(where: { $0.value == .lastStoppedPoint })?.key {
                throw AWSError(
                    .invalidArgument,
                    "\(field) says to begin without state, and the position of input \(input) is LAST_STOPPED_POINT.")
            }
            return nil
        case .latest:
            for input in inputs { positions[input] = .lastStoppedPoint }
            return nil
        case .custom:
            guard let name = restore.snapshotName else {
                throw AWSError(.invalidArgument, "\(field).SnapshotName must say which snapshot.")
            }
            return name
        }
    }
}
