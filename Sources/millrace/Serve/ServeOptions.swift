/// The server's flags, for the verbs that start it or show its settings.

import ArgumentParser
import Foundation

struct ServeOptions: ParsableArguments {
    @Option(help: "Where everything is kept (default ./millrace-data).") var dataDir: String?
    @Option(help: "HOST:PORT of the API; port 0 picks a free one (default 127.0.0.1:4566).") var http: String?
    @Option(help: "A YAML file of settings.") var config: String?
    @Option(help: "The region in ARNs (default us-east-1).") var region: String?
    @Option(help: "The account in ARNs, 12 digits (default 000000000000).") var accountId: String?
    @Option(help: "Seconds that streams stay CREATING and DELETING (default 0).") var lifecycleDelay: String?
    @Option(help: "Milliseconds that GetRecords waits where there are no records (default 0, as AWS).") var getRecordsWait: String?
    @Flag(help: "Holds shards to what AWS allows them: 1 MiB and 1000 records a second in, 2 MiB and 5 calls a second out.")
    var strictLimits = false
    @Option(
        help:
            "Faults for testing clients, as OPERATION:FAULT:SHARE with commas between; FAULT is an error's name or delay=MILLISECONDS."
    )
    var inject: String?
    @Option(
        help:
            "The file of the keys that may call, or off (default: credentials.json in the data directory, if there; else off on loopback only)."
    )
    var credentials: String?
    @Option(help: "The stream of the audit trail, kept where calls are checked, or off (default millrace-audit).") var auditStream:
        String?
    @Option(help: "logfmt or json (default logfmt).") var logFormat: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical (default info).") var logLevel: String?

    @Flag(help: "Speaks TLS beside plain HTTP, with a certificate made at first start in the data directory unless one is given.")
    var tls = false
    @Option(help: "A PEM file of the server's certificate and those that vouch for it, read again when it changes.")
    var tlsCertificate: String?
    @Option(help: "The PEM file of its private key.") var tlsKey: String?
    @Flag(help: "Refuses requests that do not come over TLS.") var tlsOnly = false

    @Option(help: "Names by which web pages may reach this server, besides localhost and names without a dot; commas between.")
    var allowedHosts: String?
    @Option(help: "Origins whose web pages may call, such as https://app.example; commas between.") var allowedOrigins: String?
    @Option(help: "Open connections; the default leaves the node the descriptors that its files need.") var maxConnections: String?

    @OptionGroup(title: "AWS's quotas, all off unless set; past one the service answers LimitExceededException")
    var quotas: QuotaOptions
    @Option(help: "Bytes that the open windows and forests of one application may take before it is stopped (default 1 GiB).")
    var applicationStateBytes: String?
    @Option(help: "Bytes that a gzip or zstd record may become for an application; 0 takes records as they are (default 16 MiB).")
    var decompressedRecordBytes: String?
    @Option(help: "A file with a line `ARN COMMAND` or `ARN URL` for each function that records may go through.")
    var functions: String?

    /// The effective settings of these flags, this process's variables and the file.
    func resolve() throws(CommandFailure) -> (settings: ServeSettings, origins: [String: ServeSettings.Origin]) {
        let environment = ProcessInfo.processInfo.environment
        var flags: [String: String?] = [
            "data-dir": dataDir, "http": http, "region": region, "account-id": accountId, "lifecycle-delay": lifecycleDelay,
            "get-records-wait": getRecordsWait, "strict-limits": strictLimits ? "on" : nil, "inject": inject,
            "credentials": credentials, "audit-stream": auditStream, "log-format": logFormat, "log-level": logLevel,
            "application-state-bytes": applicationStateBytes,
            "decompressed-record-bytes": decompressedRecordBytes, "functions": functions,
            "tls": tls ? "on" : nil, "tls-certificate": tlsCertificate, "tls-key": tlsKey, "tls-only": tlsOnly ? "on" : nil,
            "allowed-hosts": allowedHosts, "allowed-origins": allowedOrigins, "max-connections": maxConnections,
        ]
        flags.merge(quotas.flags) { $1 }
        var file: (path: String, text: String)?
        if let path = config ?? environment["MILLRACE_CONFIG"] {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.usage, "\(path): cannot be read")
            }
            file = (path, String(decoding: data, as: UTF8.self))
        }
        return try ServeSettings.resolve(flags: flags.compactMapValues { $0 }, environment: environment, file: file)
    }
}

/// What AWS allows an account, for who wants to meet it here: a number, or `off`.
struct QuotaOptions: ParsableArguments {
    @Option(help: "Open shards of all streams (AWS: 500 in its large regions).") var quotaShards: String?
    @Option(help: "Streams (AWS: 50 on demand).") var quotaStreams: String?
    @Option(help: "Registered consumers of a stream (AWS: 20).") var quotaConsumers: String?
    @Option(help: "Delivery streams (AWS: 5000 in its large regions).") var quotaDeliveryStreams: String?
    @Option(help: "Applications (AWS: 50).") var quotaApplications: String?
    @Option(help: "Outputs of an application (AWS: 3).") var quotaApplicationOutputs: String?

    /// By the setting's name.
    var flags: [String: String?] {
        [
            "quota-shards": quotaShards, "quota-streams": quotaStreams, "quota-consumers": quotaConsumers,
            "quota-delivery-streams": quotaDeliveryStreams,
            "quota-applications": quotaApplications, "quota-application-outputs": quotaApplicationOutputs,
        ]
    }
}
