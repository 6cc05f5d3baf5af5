/// ApplicationDetail and ApplicationSummary, as each version of the API writes them.

import AWSWire
import StreamEngine

/// An application with all that a description tells.
struct ApplicationDetail: AWSResponse {
    var definition: ApplicationDefinition
    var status: ApplicationStatus
    /// Why it does not get on, or why it was stopped without being asked to.
    var trouble: String?
    var arn: String
    var version: APIVersion
    /// The field that it is the value of.
    var member: StaticString = "ApplicationDetail"
    /// The operation that it answers, if any.
    var operation: String?

    init(
        _ application: (ApplicationDefinition, ApplicationStatus), trouble: String?, _ service: Analytics, _ version: APIVersion
    ) {
        (definition, status) = application
        self.trouble = trouble
        arn = service.arn(application.0.name)
        self.version = version
    }

    func write(to writer: inout WireWriter) {
        writer.object { writer in
            writer.object(member) { writer in
                switch version {
                case .v1: writeVersion1(to: &writer)
                case .v2: writeVersion2(to: &writer)
                }
            }
            writer.field("OperationId", operation)
        }
    }

    private func writeCommon(to writer: inout WireWriter) {
        writer.field("ApplicationName", definition.name)
        if let description { writer.field("ApplicationDescription", description) }
        writer.field("ApplicationARN", arn)
        writer.field("ApplicationStatus", status.rawValue)
        writer.field(reasonField, trouble)
        writer.field("KeptState", definition.keptState)
        writer.field("LostState", definition.lostState)
        writer.field("CreateTimestamp", milliseconds: definition.createdMilliseconds)
        writer.field("LastUpdateTimestamp", milliseconds: definition.updatedMilliseconds)
        writer.field("ApplicationVersionId", definition.version)
        if !definition.loggingOptions.isEmpty { writer.loggingOptionDescriptions(definition, version) }
    }

    /// The description; that of an application that was stopped without being asked to ends with the reason, that of one whose last update let go of
    /// state says so. The models of both versions
    /// have no other field with room for it, and SDKs drop fields that are not in the model.
    private var description: String? {
        var text = definition.description
        if let reason = definition.stopReason, status == .ready {
            text += (text.isEmpty ? "" : " ") + "(stopped: \(reason))"
        } else if let lost = definition.lostState {
            text += (text.isEmpty ? "" : " ") + "(\(lost))"
        }
        return text.isEmpty ? nil : String(text.prefix(Self.descriptionLimit))
    }

    /// The longest description in the models, in characters.
    private static let descriptionLimit = 1024

    private func writeVersion1(to writer: inout WireWriter) {
        writeCommon(to: &writer)
        writer.inputDescriptions(definition, .v1)
        writer.outputDescriptions(definition, .v1)
        if !definition.references.isEmpty { writer.referenceDescriptions(definition, .v1) }
        writer.field("ApplicationCode", definition.code)
    }

    /// What the last start began with.
    private func writeRestore(to writer: inout WireWriter) {
        let position = definition.inputs.first?.startingPosition
        guard position != nil || definition.restoredSnapshot != nil else { return }
        writer.object("RunConfigurationDescription") { writer in
            writer.object("ApplicationRestoreConfigurationDescription") { writer in
                let type: RestoreType =
                    definition.restoredSnapshot != nil ? .custom : position == .lastStoppedPoint ? .latest : .skip
                writer.field("ApplicationRestoreType", type.rawValue)
                writer.field("SnapshotName", definition.restoredSnapshot)
            }
        }
    }

    private func writeVersion2(to writer: inout WireWriter) {
        writeCommon(to: &writer)
        writer.field("RuntimeEnvironment", V2.runtime)
        writer.field("ServiceExecutionRole", definition.serviceExecutionRole)
        writer.field("ApplicationVersionCreateTimestamp", milliseconds: definition.updatedMilliseconds)
        writer.field("ConditionalToken", definition.conditionalToken)
        writer.field("ApplicationVersionRolledBackFrom", definition.history?.rolledBackFrom)
        writer.field("ApplicationVersionRolledBackTo", definition.history?.rolledBackTo)
        writer.object("ApplicationConfigurationDescription") { writer in
            writer.object("SqlApplicationConfigurationDescription") { writer in
                writer.inputDescriptions(definition, .v2)
                writer.outputDescriptions(definition, .v2)
                if !definition.references.isEmpty { writer.referenceDescriptions(definition, .v2) }
            }
            writeRestore(to: &writer)
            writer.object("ApplicationCodeConfigurationDescription") { writer in
                writer.field("CodeContentType", "PLAINTEXT")
                writer.object("CodeContentDescription") { $0.field("TextContent", definition.code) }
            }
        }
    }
}

extension V2 {
    /// The runtime of every application here.
    static let runtime = "SQL-1_0"
}

extension ApplicationDefinition {
    /// Stands for the version of the configuration, and for this application among all that ever had its name.
    var conditionalToken: String { "\(createdMilliseconds)-\(version)" }
}

/// Why an application does not get on, or was stopped: a field of Millrace's own beside ApplicationStatus, which SDKs pass over.
private let reasonField: StaticString = "ApplicationStatusReason"

extension WireWriter {
    /// The members of an ApplicationSummary.
    mutating func summary(
        _ definition: ApplicationDefinition, _ status: ApplicationStatus, trouble: String? = nil, _ service: Analytics,
        _ version: APIVersion
    ) {
        field("ApplicationName", definition.name)
        field("ApplicationARN", service.arn(definition.name))
        field("ApplicationStatus", status.rawValue)
        field(reasonField, trouble)
        guard version == .v2 else { return }
        field("ApplicationVersionId", definition.version)
        field("RuntimeEnvironment", V2.runtime)
    }
}
