/// Makes an application out of what either version's CreateApplication was given.

import AWSWire
import Host
import StreamEngine

/// The parts of an application that is to be created.
struct ApplicationParts: Sendable {
    var name: String
    var description: String
    var code: String
    var inputs: [InputRequest]
    var outputs: [OutputRequest]
    var references: [ReferenceRequest] = []
    var loggingOptions: [LoggingOptionRequest]
    var tags: [TagRequest]
    var serviceExecutionRole: String?
}

extension Analytics {
    /// What `create` may throw.
    static let createErrors: [AWSError.Name] = [
        .codeValidation, .resourceInUse, .limitExceeded, .invalidArgument, .tooManyTags, .serviceUnavailable,
    ]
    /// A body with the longest code, every character escaped, and a thousand columns.
    static let configurationBound = 2 << 20
    /// A body that names an application and little else.
    static let smallBound = 16 << 10

    /// - Parameter field: what stands before `Inputs` and `Outputs` in the request.
    /// - Throws: `createErrors`.
    func create(_ parts: ApplicationParts, at field: String) async throws(AWSError) -> ApplicationDefinition {
        try TagRequest.check(parts.tags)
        var definition = ApplicationDefinition(
            name: parts.name, description: parts.description, code: parts.code, createdMilliseconds: clock.wallMilliseconds())
        do throws(InvalidArgument) {
            for (index, input) in parts.inputs.enumerated() { try definition.add(input, at: "\(field)Inputs[\(index)]") }
            for (index, output) in parts.outputs.enumerated() {
                try definition.add(output, at: "\(field)Outputs[\(index)]", limit: settings.outputLimit)
            }
            for (index, reference) in parts.references.enumerated() {
                try definition.add(reference, at: "\(field)ReferenceDataSources[\(index)]")
            }
            for (index, option) in parts.loggingOptions.enumerated() {
                try definition.add(option, at: "CloudWatchLoggingOptions[\(index)]")
            }
        } catch {
            throw AWSError(error)
        }
        definition.tags = parts.tags.map { ($0.key ?? "", $0.value) }
        definition.serviceExecutionRole = parts.serviceExecutionRole
        if let limit = settings.applicationLimit {
            let count = await applications.list().count
            guard count < limit else {
                throw AWSError(
                    .limitExceeded,
                    "There are \(count) applications in \(settings.region); the limit is \(limit). Delete one first.")
            }
        }
        do throws(ApplicationError) { try await applications.create(definition) } catch { throw AWSError(error) }
        return definition
    }
}
