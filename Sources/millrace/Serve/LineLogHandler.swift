/// One line of log per event, as logfmt or JSON, on standard error.

import Foundation
import Logging

/// A log handler that writes `time level message key=value ...` or the same as a JSON object.
struct LineLogHandler: LogHandler {
    let label: String
    let format: ServeSettings.LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let time = Date().formatted(.iso8601.time(includingFractionalSeconds: true))
        var line: String
        switch format {
        case .logfmt:
            line = "time=\(time) level=\(event.level) subsystem=\(label) msg=\(Self.quoted("\(event.message)"))"
            for (key, value) in all { line += " \(key)=\(Self.quoted("\(value)"))" }
        case .json:
            var fields = ["time": time, "level": "\(event.level)", "subsystem": label, "msg": "\(event.message)"]
            for (key, value) in all { fields[key] = "\(value)" }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            line = (try? encoder.encode(fields)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
        LogSink.shared.write(line)
    }

    /// Text with a space, a quote, an equals sign or a line end is quoted.
    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.contains(where: { " \"=\n\r\t".contains($0) }) else { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}
