/// Who may call a node: decided at its start by the settings, and kept up with the credentials file while it runs.

import AWSWire
import Foundation
import HTTPDoor
import KinesisService
import Logging

/// The access control of a running node, with the file that its keys come from.
struct NodeAccess: Sendable {
    let control: AccessControl
    /// Nil where none is kept.
    let audit: AuditTrail?
    private let store: CredentialStore
    private let firstStamp: CredentialStore.Stamp?
    private let logger: Logger

    /// How often the file is looked at.
    private static let interval = Duration.seconds(1)

    /// The keys a node goes by; nil where nobody has to sign.
    ///
    /// Nobody has to on loopback, as long as there is no credentials file. Elsewhere there must be one, or `credentials` is `off`.
    static func keys(_ settings: ServeSettings, _ address: Address, _ logger: Logger) throws(CommandFailure) -> (
        store: CredentialStore, file: CredentialsFile, stamp: CredentialStore.Stamp?
    )? {
        if settings.credentials == "off" {
            if !address.isLoopback {
                logger.warning(
                    "whoever can reach this address may do everything: credentials are off", metadata: ["http": "\(settings.http)"])
            }
            return nil
        }
        let isNamed = !settings.credentials.isEmpty
        let store = CredentialStore(
            path: isNamed ? settings.credentials : CredentialStore.standardPath(in: settings.dataDirectory))
        let place = isNamed ? "--file \(store.path)" : "--data-dir \(settings.dataDirectory)"
        guard store.exists else {
            if isNamed {
                throw CommandFailure(
                    .usage,
                    "credentials: \(store.path) does not exist. Make a key first: `millrace credentials create admin \(place)`")
            }
            guard !FileManager.default.fileExists(atPath: marker(in: settings.dataDirectory)) else {
                throw CommandFailure(
                    .usage,
                    """
                    Calls to this data directory were checked before, and its credentials file \(store.path) is gone. Put it back, make a key \
                    with `millrace credentials create admin \(place)`, or say `--credentials off`.
                    """)
            }
            if address.isLoopback { return nil }
            throw CommandFailure(
                .usage,
                """
                Whoever can reach \(settings.http) could do everything, for there are no credentials. Make a key first: \
                `millrace credentials create admin \(place)`; or say `--credentials off`.
                """)
        }
        // Before it is read: what changes from then on is taken over.
        let stamp = store.stamp
        let file = try store.load()
        var found = stat()
        if stat(store.path, &found) == 0, found.st_mode & 0o077 != 0 {
            logger.warning("others than its owner can read the credentials file", metadata: ["path": "\(store.path)"])
        }
        return (store, file, stamp)
    }

    /// A file that says that calls were checked once: a credentials file that was lost must not open the node to all.
    private static func marker(in directory: String) -> String { directory + "/credentials.required" }

    /// Leaves the mark, in a data directory that is there.
    private static func mark(_ directory: String, _ logger: Logger) {
        guard !FileManager.default.fileExists(atPath: marker(in: directory)) else { return }
        if !FileManager.default.createFile(atPath: marker(in: directory), contents: Data()) {
            logger.warning("it cannot be remembered that calls are checked", metadata: ["path": "\(marker(in: directory))"])
        }
    }

    init(
        _ keys: (store: CredentialStore, file: CredentialsFile, stamp: CredentialStore.Stamp?), _ settings: ServeSettings,
        secret: [UInt8], kinesis: Kinesis,
        audit: AuditTrail?, logger: Logger
    ) {
        self.audit = audit
        Self.mark(settings.dataDirectory, logger)
        store = keys.store
        firstStamp = keys.stamp
        self.logger = logger
        control = AccessControl(
            AccessControl.Settings(account: settings.accountID, region: settings.region, secret: secret), keys: keys.file.keys,
            resources: AccessControl.Resources(policy: { kinesis.policy(of: $0) }, tags: { kinesis.tags(of: $0) }),
            now: { Int64(Date().timeIntervalSince1970) }, audit: { audit?.note($0) })
        logger.info("calls are checked", metadata: ["credentials": "\(store.path)", "keys": "\(keys.file.keys.count)"])
    }

    /// Takes over what changes in the file, until the task is cancelled. A file that is gone or cannot be read changes nothing: a key that is to be
    /// revoked must be taken out of the file.
    func watch() async {
        var last = firstStamp
        while !Task.isCancelled {
            let stamp = store.stamp
            guard stamp != last else {
                try? await Task.sleep(for: Self.interval)
                continue
            }
            last = stamp
            do throws(CommandFailure) {
                let keys = try store.load().keys
                control.replaceKeys(keys)
                logger.info("credentials taken over", metadata: ["keys": "\(keys.count)"])
            } catch {
                logger.error("the credentials file cannot be taken over; the keys stay as they were: \(error.message)")
            }
        }
    }

    /// What forbids a page.
    var pageGate: PageGate {
        { [control] head in control.refusal(ofPage: head) }
    }

    /// Keys for a while, as GetSessionToken gives them.
    var newSession: @Sendable (_ accessKeyID: String, _ seconds: Int64) throws(AWSError) -> SessionTokens.Session {
        { [control] accessKeyID, seconds in
            var random = SystemRandomNumberGenerator()
            return control.sessions.session(
                of: accessKeyID, expires: Int64(Date().timeIntervalSince1970) &+ seconds,
                random: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        }
    }
}

extension Address {
    /// Whether only this machine can reach it.
    var isLoopback: Bool {
        let name = host.lowercased()
        return name == "localhost" || name == "::1" || (AddressRange("127.0.0.0/8")?.contains(name) ?? false)
    }
}
