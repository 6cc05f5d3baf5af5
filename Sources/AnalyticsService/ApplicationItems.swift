/// Adds, changes and removes what an application is made of, within the limits of the service.

import AWSWire
import StreamEngine

/// How much an application may have. The service's own quota of three outputs is a setting (Developer Guide, Limits).
enum ApplicationLimits {
    /// The service allows one.
    static let inputs = 16
    /// Ours, as are the next: a description must not grow without bound.
    static let outputs = 64
    static let loggingOptions = 10
    /// Ours too: the service allows one.
    static let references = 8
}

extension ApplicationDefinition {
    /// - Parameter field: where the input stands in the request.
    mutating func add(_ request: InputRequest, at field: String) throws(InvalidArgument) {
        guard inputs.count < ApplicationLimits.inputs else {
            throw InvalidArgument(
                "\(field): the application has \(inputs.count) inputs already; it may have at most \(ApplicationLimits.inputs).")
        }
        let source = try StreamTarget(
            stream: request.stream?.resourceARN, deliveryStream: request.deliveryStream?.resourceARN, at: field, direction: "Input")
        // The rules have seen to it that prefix and schema are there.
        guard let namePrefix = request.namePrefix, let schema = request.schema?.schema else {
            throw InvalidArgument("\(field) must have NamePrefix and InputSchema.")
        }
        if inputs.contains(where: { $0.source == source }) {
            throw InvalidArgument(
                "\(field): the application reads \(source.arn) already; one input is enough for all that reads its rows.")
        }
        var input = ApplicationInput(
            id: takeItemID(), namePrefix: namePrefix, source: source,
            roleARN: request.stream?.roleARN ?? request.deliveryStream?.roleARN, schema: schema,
            parallelism: request.parallelism?.count ?? 1)
        input.processing = request.processing?.processing
        inputs.append(input)
    }

    /// - Parameters:
    ///   - field: where the output stands in the request.
    ///   - limit: how many outputs the node's settings allow; nil to leave it at what an application may have.
    mutating func add(_ request: OutputRequest, at field: String, limit: Int?) throws(InvalidArgument) {
        if request.isLambda { throw .lambda("\(field).LambdaOutput") }
        let limit = min(limit ?? .max, ApplicationLimits.outputs)
        guard outputs.count < limit else {
            throw InvalidArgument("\(field): the application has \(outputs.count) outputs already; it may have at most \(limit).")
        }
        let destination = try StreamTarget(
            stream: request.stream?.resourceARN, deliveryStream: request.deliveryStream?.resourceARN, at: field, direction: "Output"
        )
        guard let name = request.name, let schema = request.schema else {
            throw InvalidArgument("\(field) must have Name and DestinationSchema.")
        }
        outputs.append(
            ApplicationOutput(
                id: takeItemID(), name: name, destination: destination,
                roleARN: request.stream?.roleARN ?? request.deliveryStream?.roleARN, format: schema.format))
    }

    /// - Parameter field: where the option stands in the request.
    mutating func add(_ request: LoggingOptionRequest, at field: String) throws(InvalidArgument) {
        guard loggingOptions.count < ApplicationLimits.loggingOptions else {
            throw InvalidArgument(
                "\(field): the application has \(loggingOptions.count) CloudWatch logging options already, which is the limit.")
        }
        loggingOptions.append(
            LoggingOption(id: takeItemID(), logStreamARN: request.logStreamARN ?? "", roleARN: request.roleARN))
    }

    mutating func apply(_ updates: [InputUpdate], at field: String) throws(InvalidArgument) {
        for (number, update) in updates.enumerated() {
            let index = inputs.firstIndex { $0.id == update.id }
            guard let index else {
                throw .noItem(update.id, "\(field)[\(number)].InputId", among: inputs.map(\.id), "input")
            }
            try update.apply(to: &inputs[index], at: "\(field)[\(number)]")
        }
    }

    mutating func apply(_ updates: [OutputUpdate], at field: String) throws(InvalidArgument) {
        for (number, update) in updates.enumerated() {
            let index = outputs.firstIndex { $0.id == update.id }
            guard let index else {
                throw .noItem(update.id, "\(field)[\(number)].OutputId", among: outputs.map(\.id), "output")
            }
            try update.apply(to: &outputs[index], at: "\(field)[\(number)]")
        }
    }

    mutating func apply(_ updates: [LoggingOptionUpdate], at field: String) throws(InvalidArgument) {
        var options = loggingOptions
        for (number, update) in updates.enumerated() {
            let index = options.firstIndex { $0.id == update.id }
            guard let index else {
                throw .noItem(
                    update.id, "\(field)[\(number)].CloudWatchLoggingOptionId", among: options.map(\.id),
                    "CloudWatch logging option")
            }
            update.apply(to: &options[index])
        }
        loggingOptions = options
    }

    mutating func removeOutput(_ id: String?) throws(InvalidArgument) {
        guard let index = outputs.firstIndex(where: { $0.id == id }) else {
            throw .noItem(id, "OutputId", among: outputs.map(\.id), "output")
        }
        outputs.remove(at: index)
    }

    mutating func removeLoggingOption(_ id: String?) throws(InvalidArgument) {
        var options = loggingOptions
        guard let index = options.firstIndex(where: { $0.id == id }) else {
            throw .noItem(id, "CloudWatchLoggingOptionId", among: options.map(\.id), "CloudWatch logging option")
        }
        options.remove(at: index)
        loggingOptions = options
    }
}

extension InvalidArgument {
    /// An id that the application does not have.
    static func noItem(_ id: String?, _ field: String, among ids: [String], _ kind: String) -> InvalidArgument {
        let known = ids.isEmpty ? "it has none" : "there are: \(ids.joined(separator: ", "))"
        return InvalidArgument("\(field) '\(id ?? "")' names no \(kind) of the application; \(known).")
    }

    /// The refusal of what only Flink applications have.
    static func flink(_ field: String) -> InvalidArgument {
        InvalidArgument(
            "\(field) is not supported: it is for Flink applications; this service runs SQL applications. Leave it out.")
    }
}
