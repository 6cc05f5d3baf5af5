/// What the API gives back but the engine does not use, kept as JSON in a definition's attributes.

import AWSWire
import StreamEngine

/// A CloudWatch log stream that was configured for an application.
struct LoggingOption: Sendable, Equatable {
    var id: String
    var logStreamARN: String
    var roleARN: String?
}

extension ApplicationDefinition {
    /// CloudWatchLoggingOptions, in the order in which they were added.
    var loggingOptions: [LoggingOption] {
        get {
            (attribute("CloudWatchLoggingOptions")?.array ?? []).compactMap { option in
                guard let id = option["Id"]?.string, let stream = option["LogStreamARN"]?.string else { return nil }
                return LoggingOption(id: id, logStreamARN: stream, roleARN: option["RoleARN"]?.string)
            }
        }
        set {
            let options = newValue.map { option in
                var object = JSONObject([
                    .init(name: "Id", value: .string(option.id)), .init(name: "LogStreamARN", value: .string(option.logStreamARN)),
                ])
                object["RoleARN"] = option.roleARN.map(JSONValue.string)
                return JSONValue.object(object)
            }
            setAttribute("CloudWatchLoggingOptions", options.isEmpty ? nil : .array(options))
        }
    }

    /// The one role of version 2.
    var serviceExecutionRole: String? {
        get { attribute("ServiceExecutionRole")?.string }
        set { setAttribute("ServiceExecutionRole", newValue.map(JSONValue.string)) }
    }

    /// Tags, in the order in which they were given.
    var tags: [(key: String, value: String?)] {
        get {
            (attribute("Tags")?.array ?? []).compactMap { tag in tag["Key"]?.string.map { ($0, tag["Value"]?.string) } }
        }
        set {
            let tags = newValue.map { tag in
                var object = JSONObject([.init(name: "Key", value: .string(tag.key))])
                object["Value"] = tag.value.map(JSONValue.string)
                return JSONValue.object(object)
            }
            setAttribute("Tags", tags.isEmpty ? nil : .array(tags))
        }
    }

    private func attribute(_ name: String) -> JSONValue? {
        guard let text = attributes[name] else { return nil }
        return try? JSONValue(parsing: Array(text.utf8))
    }

    private mutating func setAttribute(_ name: String, _ value: JSONValue?) {
        attributes[name] = value.map { String(decoding: $0.serialized, as: UTF8.self) }
    }
}
