/// The server's settings: flag before variable before file before default.

import AWSWire
import HTTPDoor
import StreamLog
import Yams

/// Settings of `millrace serve` and where each value came from.
struct ServeSettings: Sendable {
    var dataDirectory = "./millrace-data"
    /// HOST:PORT of the HTTP listener; port 0 picks a free one.
    var http = "127.0.0.1:4566"
    var region = "us-east-1"
    var accountID = "000000000000"
    /// How long streams stay CREATING, UPDATING and DELETING, in seconds.
    var lifecycleDelay = 0
    /// How long GetRecords waits for records where there are none, in milliseconds.
    var getRecordsWait = 0
    /// Up to how many shards an on-demand stream grows by its load; 0: it does not.
    var onDemandShards = 200
    /// Whether what AWS allows a shard a second holds here too.
    var strictLimits = false
    /// What is to go wrong, and as it was written.
    var faults: (text: String, rules: FaultInjection?) = ("", nil)
    /// The file of the keys that may call; empty for the data directory's own, if there is one; `off` for none.
    var credentials = ""
    /// The stream of the audit trail, which is kept where calls are checked; `off` for none.
    var auditStream = "millrace-audit"
    var logFormat = LogFormat.logfmt
    var logLevel = "info"
    var quotas = Quotas()
    /// What the open windows, held rows and forests of one application may take, in bytes.
    var applicationStateBytes = 1 << 30
    /// After how much input an application's state is written, in bytes. Tests make it small; there is no flag for it.
    var applicationSnapshotBytes = 32 << 20
    /// What a record that its producer compressed may become for an application, in bytes; 0: records are taken as they are.
    var decompressedRecordBytes = 16 << 20
    /// The file that says what the ARNs of functions stand for; empty for none.
    var functions = ""
    /// Who may call and within which bounds; host and port are those of `http`.
    var door = {
        var settings = HTTPDoor.Settings()
        settings.maxConnections = connectionsLeftByFiles()
        return settings
    }()
    /// Whether TLS is spoken, with which files, and whether nothing else is.
    var tls = TLS()
    /// Sizes of the log's files. Tests make them small; there are no flags for them.
    var log = LogOptions()

    /// How the HTTP listener is secured.
    struct TLS: Sendable {
        /// With a certificate of the node's own, unless one is given.
        var isOn = false
        /// PEM files; empty where none is given.
        var certificate = ""
        var key = ""
        /// Requests in clear are refused.
        var isRequired = false
    }

    /// AWS's quotas of an account. On one's own machine none of them applies unless it is set.
    struct Quotas: Sendable {
        var shards: Int?
        var streams: Int?
        /// Of one stream.
        var consumers: Int?
        var deliveryStreams: Int?
        var applications: Int?
        var applicationOutputs: Int?
    }

    enum LogFormat: String, Sendable, CaseIterable {
        case logfmt, json
    }

    /// A setting's three names and how its text is taken.
    struct Key: Sendable {
        /// In the YAML file, such as `data-dir`; the flag, where there is one, is `--data-dir`, the variable `MILLRACE_DATA_DIR`.
        var name: String
        var apply: @Sendable (inout ServeSettings, String) throws(CommandFailure) -> Void

        /// The effective value as text.
        var text: @Sendable (ServeSettings) -> String

        var variable: String { "MILLRACE_" + name.uppercased().replacing(/[-.]/, with: "_") }
    }

    /// From which source a value was taken.
    enum Origin: Sendable, Equatable {
        case flag, variable(String), file(String), standard

        var description: String {
            switch self {
            case .flag: "flag"
            case .variable(let name): name
            case .file(let path): path
            case .standard: "default"
            }
        }
    }

    static let keys: [Key] =
        [
            Key(name: "data-dir") { settings, text throws(CommandFailure) in
                guard !text.isEmpty else { throw wrong("data-dir", text, "must not be empty") }
                settings.dataDirectory = text
            } text: {
                $0.dataDirectory
            },
            Key(name: "http") { settings, text throws(CommandFailure) in
                guard Address(text) != nil else { throw wrong("http", text, "must be HOST:PORT with a port from 0 to 65535") }
                settings.http = text
            } text: {
                $0.http
            },
            Key(name: "region") { settings, text throws(CommandFailure) in
                guard text.wholeMatch(of: /[a-z0-9-]{1,64}/) != nil else {
                    throw wrong("region", text, "must be of the form us-east-1")
                }
                settings.region = text
            } text: {
                $0.region
            },
            Key(name: "account-id") { settings, text throws(CommandFailure) in
                guard text.wholeMatch(of: /[0-9]{12}/) != nil else { throw wrong("account-id", text, "must have 12 digits") }
                settings.accountID = text
            } text: {
                $0.accountID
            },
            Key(name: "lifecycle-delay") { settings, text throws(CommandFailure) in
                guard let seconds = Int(text), (0...3600).contains(seconds) else {
                    throw wrong("lifecycle-delay", text, "must be a whole number of seconds from 0 to 3600")
                }
                settings.lifecycleDelay = seconds
            } text: {
                "\($0.lifecycleDelay)"
            },
            Key(name: "on-demand-shards") { settings, text throws(CommandFailure) in
                guard let shards = Int(text), shards == 0 || (4...10_000).contains(shards) else {
                    throw wrong("on-demand-shards", text, "must be 0, or a number of shards from 4 to 10000")
                }
                settings.onDemandShards = shards
            } text: {
                "\($0.onDemandShards)"
            },
            Key(name: "get-records-wait") { settings, text throws(CommandFailure) in
                guard let milliseconds = Int(text), (0...20_000).contains(milliseconds) else {
                    throw wrong("get-records-wait", text, "must be a whole number of milliseconds from 0 to 20000")
                }
                settings.getRecordsWait = milliseconds
            } text: {
                "\($0.getRecordsWait)"
            },
            Key(name: "strict-limits") { settings, text throws(CommandFailure) in
                guard text == "on" || text == "off" else { throw wrong("strict-limits", text, "must be on or off") }
                settings.strictLimits = text == "on"
            } text: {
                $0.strictLimits ? "on" : "off"
            },
            Key(name: "inject") { settings, text throws(CommandFailure) in
                do throws(FaultInjection.Malformed) {
                    settings.faults = (text, text.isEmpty ? nil : try FaultInjection(text))
                } catch {
                    throw CommandFailure(.usage, "inject: \(error)")
                }
            } text: {
                $0.faults.text
            },
            Key(name: "credentials") { settings, text throws(CommandFailure) in
                settings.credentials = text
            } text: {
                $0.credentials
            },
            Key(name: "audit-stream") { settings, text throws(CommandFailure) in
                guard text.wholeMatch(of: /[a-zA-Z0-9_.-]{1,128}/) != nil else {
                    throw wrong("audit-stream", text, "must be the name of a stream, or off")
                }
                settings.auditStream = text
            } text: {
                $0.auditStream
            },
            Key(name: "log-format") { settings, text throws(CommandFailure) in
                guard let format = LogFormat(rawValue: text) else { throw wrong("log-format", text, "must be logfmt or json") }
                settings.logFormat = format
            } text: {
                $0.logFormat.rawValue
            },
            Key(name: "log-level") { settings, text throws(CommandFailure) in
                let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
                guard levels.contains(text) else {
                    throw wrong("log-level", text, "must be one of " + levels.joined(separator: ", "))
                }
                settings.logLevel = text
            } text: {
                $0.logLevel
            },
            quota("quota-shards", \.shards),
            quota("quota-streams", \.streams),
            quota("quota-consumers", \.consumers),
            quota("quota-delivery-streams", \.deliveryStreams),
            quota("quota-applications", \.applications),
            quota("quota-application-outputs", \.applicationOutputs),
            Key(name: "application-state-bytes") { settings, text throws(CommandFailure) in
                settings.applicationStateBytes = try bytes("application-state-bytes", text)
            } text: {
                "\($0.applicationStateBytes)"
            },
            Key(name: "application-snapshot-bytes") { settings, text throws(CommandFailure) in
                settings.applicationSnapshotBytes = try bytes("application-snapshot-bytes", text)
            } text: {
                "\($0.applicationSnapshotBytes)"
            },
            Key(name: "decompressed-record-bytes") { settings, text throws(CommandFailure) in
                settings.decompressedRecordBytes = text == "0" ? 0 : try bytes("decompressed-record-bytes", text)
            } text: {
                "\($0.decompressedRecordBytes)"
            },
            Key(name: "functions") { settings, text throws(CommandFailure) in
                settings.functions = text
            } text: {
                $0.functions
            },
            Key(name: "log.journal-file-bytes") { settings, text throws(CommandFailure) in
                settings.log.journalFileBytes = UInt64(try bytes("log.journal-file-bytes", text))
            } text: {
                "\($0.log.journalFileBytes)"
            },
            Key(name: "log.segment-bytes") { settings, text throws(CommandFailure) in
                settings.log.segmentBytes = UInt64(try bytes("log.segment-bytes", text))
            } text: {
                "\($0.log.segmentBytes)"
            },
            Key(name: "log.flush-bytes") { settings, text throws(CommandFailure) in
                settings.log.flushThresholdBytes = try bytes("log.flush-bytes", text)
            } text: {
                "\($0.log.flushThresholdBytes)"
            },
        ] + doorKeys

    /// A quota: a number, or `off`.
    private static func quota(_ name: String, _ path: any WritableKeyPath<Quotas, Int?> & Sendable) -> Key {
        Key(name: name) { settings, text throws(CommandFailure) in
            if text == "off" {
                settings.quotas[keyPath: path] = nil
                return
            }
            guard let number = Int(text), number >= 0 else { throw wrong(name, text, "must be off or a whole number from 0") }
            settings.quotas[keyPath: path] = number
        } text: {
            $0.quotas[keyPath: path].map { "\($0)" } ?? "off"
        }
    }

    /// A size of files or memory.
    private static func bytes(_ name: String, _ text: String) throws(CommandFailure) -> Int {
        guard let bytes = Int(text), (4096...1 << 40).contains(bytes) else {
            throw wrong(name, text, "must be a number of bytes from 4096 to \(1 << 40)")
        }
        return bytes
    }

    static func wrong(_ name: String, _ text: String, _ rule: String) -> CommandFailure {
        CommandFailure(.usage, "\(name): '\(text)' \(rule)")
    }

    /// Layers the sources.
    /// - Parameters:
    ///   - flags: values given on the command line, by key name.
    ///   - environment: the process's variables.
    ///   - file: the YAML file's text and path, if there is one.
    static func resolve(
        flags: [String: String], environment: [String: String], file: (path: String, text: String)?
    ) throws(CommandFailure) -> (settings: ServeSettings, origins: [String: Origin]) {
        var settings = ServeSettings()
        var origins: [String: Origin] = [:]
        let fileValues = try file.map { file throws(CommandFailure) in try values(of: file) } ?? [:]
        for key in keys {
            let sources: [(String?, Origin)] = [
                (flags[key.name], .flag), (environment[key.variable], .variable(key.variable)),
                (fileValues[key.name], .file(file?.path ?? "")),
            ]
            guard let (text, origin) = sources.first(where: { $0.0 != nil }), let text else { continue }
            try key.apply(&settings, text)
            origins[key.name] = origin
        }
        try settings.checkTLS()
        return (settings, origins)
    }

    private static func values(of file: (path: String, text: String)) throws(CommandFailure) -> [String: String] {
        let node: Node?
        do {
            node = try Yams.compose(yaml: file.text)
        } catch {
            throw CommandFailure(.usage, "\(file.path): not YAML: \(error)")
        }
        guard let node else { return [:] }
        guard let mapping = node.mapping else {
            throw CommandFailure(.usage, "\(file.path): must hold `key: value` lines")
        }
        var values: [String: String] = [:]
        for (key, value) in mapping {
            let line = key.mark.map { ":\($0.line)" } ?? ""
            let name = key.string ?? ""
            guard keys.contains(where: { $0.name == name }) else {
                let known = keys.map(\.name)
                let nearest = known.min { distance($0, name) < distance($1, name) } ?? ""
                throw CommandFailure(
                    .usage,
                    "\(file.path)\(line): unknown key '\(name)'; did you mean '\(nearest)'? Known: \(known.joined(separator: ", "))"
                )
            }
            guard let text = value.scalar?.string else {
                throw CommandFailure(.usage, "\(file.path)\(line): '\(name)' must be a single value")
            }
            values[name] = text
        }
        return values
    }

    /// Levenshtein distance, for suggestions.
    private static func distance(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j] + 1, row[j + 1] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row.last ?? 0
    }
}

/// A listener's HOST:PORT.
struct Address: Sendable, Equatable {
    var host: String
    var port: Int

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.host = host
        self.port = port
    }
}
