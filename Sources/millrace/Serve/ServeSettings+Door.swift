/// The settings of the HTTP listener: who may call, and within which bounds.

import HTTPDoor
import Host

extension ServeSettings {
    /// The keys of the HTTP listener; a line each.
    static let doorKeys: [Key] = [
        names("allowed-hosts", \.allowedHosts) { BrowserRules.isHostName($0) ? nil : "must be host names, separated by commas" },
        names("allowed-origins", \.allowedOrigins) { origin in
            // A page of any origin could delete streams: nobody has to sign for that.
            if origin == "*" { return "must name origins; * would let every web page call" }
            return BrowserRules.isOrigin(origin) ? nil : "must be origins such as https://app.example:8443, separated by commas"
        },
        toggle("tls", \.tls.isOn),
        file("tls-certificate", \.tls.certificate),
        file("tls-key", \.tls.key),
        toggle("tls-only", \.tls.isRequired),
        number("max-connections", \.maxConnections, 1...1_000_000, "connections"),
        number("http.event-loops", \.eventLoops, 1...64, "threads"),
        number("http.memory-bytes", \.memoryLimit, 1 << 20...1 << 40, "bytes"),
        number("http.gzip-bytes", \.gzipBytes, 0...1 << 30, "bytes"),
        number("http.max-head-bytes", \.maxHeadBytes, 1024...1 << 20, "bytes"),
        duration("http.head-timeout", \.headTimeout),
        duration("http.body-timeout", \.bodyTimeout),
        duration("http.body-grace", \.bodyGrace),
        number("http.least-body-rate", \.leastBodyRate, 0...1 << 30, "bytes a second"),
        duration("http.stall-timeout", \.stallTimeout),
        duration("http.idle-timeout", \.idleTimeout),
        duration("http.shutdown-deadline", \.shutdownDeadline),
    ]

    /// What the settings of TLS say together.
    func checkTLS() throws(CommandFailure) {
        guard tls.certificate.isEmpty == tls.key.isEmpty else {
            throw CommandFailure(.usage, "tls-certificate and tls-key: give both or neither")
        }
        guard !tls.isRequired || speaksTLS else {
            throw CommandFailure(.usage, "tls-only: needs tls, or tls-certificate and tls-key")
        }
    }

    /// Whether there is a certificate to show.
    var speaksTLS: Bool { tls.isOn || !tls.certificate.isEmpty }

    /// A setting that is on or off.
    private static func toggle(_ name: String, _ path: any WritableKeyPath<ServeSettings, Bool> & Sendable) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            guard text == "on" || text == "off" else { throw wrong(name, text, "must be on or off") }
            settings[keyPath: path] = text == "on"
        } text: {
            $0[keyPath: path] ? "on" : "off"
        }
    }

    /// A setting that is a file's path.
    private static func file(_ name: String, _ path: any WritableKeyPath<ServeSettings, String> & Sendable) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            settings[keyPath: path] = text
        } text: {
            $0[keyPath: path]
        }
    }

    /// A setting that is a whole number.
    private static func number(
        _ name: String, _ path: any WritableKeyPath<HTTPDoor.Settings, Int> & Sendable, _ range: ClosedRange<Int>, _ unit: String
    ) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            guard let number = Int(text), range.contains(number) else {
                throw wrong(name, text, "must be a number of \(unit) from \(range.lowerBound) to \(range.upperBound)")
            }
            settings.door[keyPath: path] = number
        } text: {
            "\($0.door[keyPath: path])"
        }
    }

    /// A setting in seconds, with a fraction if need be.
    private static func duration(_ name: String, _ path: any WritableKeyPath<HTTPDoor.Settings, Duration> & Sendable) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            guard let seconds = Double(text), (0.001...1e6).contains(seconds) else {
                throw wrong(name, text, "must be a number of seconds from 0.001 to 1000000")
            }
            settings.door[keyPath: path] = .milliseconds(Int64(seconds * 1000))
        } text: {
            let (seconds, attoseconds) = $0.door[keyPath: path].components
            return attoseconds == 0 ? "\(seconds)" : "\(Double(seconds) + Double(attoseconds) / 1e18)"
        }
    }

    /// A setting that is a list; `fault` says what is wrong with an element.
    private static func names(
        _ name: String, _ path: any WritableKeyPath<HTTPDoor.Settings, [String]> & Sendable,
        _ fault: @escaping @Sendable (String) -> String?
    ) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            let elements = text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }
            for element in elements { if let rule = fault(element) { throw wrong(name, element, rule) } }
            settings.door[keyPath: path] = elements
        } text: {
            $0.door[keyPath: path].joined(separator: ",")
        }
    }

    /// Connections that leave the node's own files the descriptors that they need.
    static func connectionsLeftByFiles() -> Int { min(DescriptorLimits.raised().connections, 100_000) }
}
