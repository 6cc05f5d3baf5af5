/// The certificate that the node shows: a given pair of files, or one that it makes for itself in its data directory. Read again when it changes.

import Foundation
import Glibc
import HTTPDoor
import Logging
import ServiceLifecycle

/// Where certificate and key lie.
struct NodeCertificate: Sendable {
    /// The files of a node that made its own: an authority that clients are told to trust, and what it vouches for.
    struct Own: Sendable {
        var directory: String
        /// What clients call the node, as `DNS:name` and `IP:address`.
        var names: [String]

        var authority: String { directory + "/ca.pem" }
        var authorityKey: String { directory + "/ca-key.pem" }
    }

    enum Problem: Error, CustomStringConvertible {
        case unreadable(path: String, errno: Int32)
        case unwritable(path: String, errno: Int32)
        case tooLong(path: String)
        case unusable(certificate: String, key: String, TLSFault)
        case notMade(directory: String)

        var description: String {
            switch self {
            case .unreadable(let path, let code): "\(path) cannot be read: \(String(cString: strerror(code)))"
            case .unwritable(let path, let code): "\(path) cannot be written: \(String(cString: strerror(code)))"
            case .tooLong(let path): "\(path) is no certificate and no key: it is longer than a megabyte"
            case .unusable(let certificate, let key, let fault): "\(certificate) and \(key): \(fault)"
            case .notMade(let directory): "no certificate could be made with the authority in \(directory)"
            }
        }
    }

    /// How long the authority holds, and what it vouches for: systems refuse longer ones than 825 days (support.apple.com/103769).
    private static let (authorityDays, days): (Int32, Int32) = (3650, 825)
    /// So long before its end a certificate is made anew, in seconds.
    private static let renewal: Int64 = 30 * 86_400

    let certificate: String
    let key: String
    /// Nil for a given pair.
    let own: Own?
    let identity: TLSIdentity

    /// A given pair.
    init(certificate: String, key: String) throws(Problem) {
        (self.certificate, self.key, own) = (certificate, key, nil)
        identity = try Self.read(certificate, key)
    }

    /// The node's own pair, made where there is none, or one that is about to end or lacks a name.
    init(own: Own) throws(Problem) {
        (certificate, key) = (own.directory + "/node.pem", own.directory + "/node-key.pem")
        self.own = own
        try Self.makeIfNeeded(own, certificate, key)
        identity = try Self.read(certificate, key)
    }

    private static func read(_ certificate: String, _ key: String) throws(Problem) -> TLSIdentity {
        let (certificateBytes, keyBytes) = (try PrivateFile.read(certificate), try PrivateFile.read(key))
        do throws(TLSFault) {
            return try TLSIdentity(certificate: certificateBytes, key: keyBytes)
        } catch {
            throw .unusable(certificate: certificate, key: key, error)
        }
    }

    /// Shows what the files hold now. When it throws, what was shown before stays.
    func reload() throws(Problem) {
        if let own { try Self.makeIfNeeded(own, certificate, key) }
        let (certificateBytes, keyBytes) = (try PrivateFile.read(certificate), try PrivateFile.read(key))
        do throws(TLSFault) {
            try identity.replace(certificate: certificateBytes, key: keyBytes)
        } catch {
            throw .unusable(certificate: certificate, key: key, error)
        }
    }

    /// Whether a certificate of the node's own is about to end.
    var isDue: Bool { own != nil && identity.expires - Int64(time(nil)) < Self.renewal }

    private static func makeIfNeeded(_ own: Own, _ certificate: String, _ key: String) throws(Problem) {
        let now = Int64(time(nil))
        guard mkdir(own.directory, 0o700) == 0 || errno == EEXIST else { throw .unwritable(path: own.directory, errno: errno) }
        if !PrivateFile.exists(own.authority) || !PrivateFile.exists(own.authorityKey) {
            let name = "Millrace CA of \(hostName ?? "this node")"
            // No more letters fit into a common name (RFC 5280, appendix A.1).
            guard let made = TLSAuthority.make(name: String(name.prefix(64)), now: now, days: authorityDays) else {
                throw .notMade(directory: own.directory)
            }
            try PrivateFile.write(made.key, to: own.authorityKey)
            try PrivateFile.write(made.certificate, to: own.authority, mode: 0o644)
        } else if let bytes = try? PrivateFile.read(certificate), let identity = try? read(certificate, key),
            identity.expires - now > renewal, TLSAuthority.covers(bytes, names: own.names)
        {
            return
        }
        let authority = TLSPair(certificate: try PrivateFile.read(own.authority), key: try PrivateFile.read(own.authorityKey))
        guard let made = TLSAuthority.issue(authority, names: own.names, now: now, days: days) else {
            throw .notMade(directory: own.directory)
        }
        try PrivateFile.write(made.key, to: key)
        try PrivateFile.write(made.certificate, to: certificate, mode: 0o644)
    }

    /// What clients may call a node: this machine, in all its names, and what the operator says of it.
    static func names(listeningOn host: String, named hosts: [String]) -> [String] {
        var addresses = ["127.0.0.1", "::1"]
        var names = ["localhost"] + (hostName.map { [$0] } ?? []) + ["host.docker.internal"] + hosts
        if isAddress(host) {
            if host != "0.0.0.0", host != "::", !addresses.contains(host) { addresses.append(host) }
        } else if BrowserRules.isHostName(host) {
            names.append(host)
        }
        var seen = Set<String>()
        return (names.map { "DNS:" + $0 } + addresses.map { "IP:" + $0 }).filter { seen.insert($0).inserted }
    }

    private static func isAddress(_ text: String) -> Bool {
        var room = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, text, &room) == 1 || inet_pton(AF_INET6, text, &room) == 1
    }

    /// This machine's name; nil where it has none that a certificate can hold.
    static var hostName: String? {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return BrowserRules.isHostName(text) ? text : nil
    }
}

/// Files that hold keys: read whole, written whole, for their owner only unless said otherwise.
enum PrivateFile {
    private static let longest = 1 << 20

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func read(_ path: String) throws(NodeCertificate.Problem) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .unreadable(path: path, errno: errno) }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: longest + 1)
        var count = 0
        while count < bytes.count {
            let part = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count) }
            if part < 0, errno == EINTR { continue }
            guard part >= 0 else { throw .unreadable(path: path, errno: errno) }
            if part == 0 { break }
            count += part
        }
        guard count <= longest else { throw .tooLong(path: path) }
        return Array(bytes[..<count])
    }

    /// Writes a file beside, then puts it in the place: whoever reads sees the old or the new one.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(NodeCertificate.Problem) {
        let draft = path + ".new"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else { throw .unwritable(path: draft, errno: errno) }
        let isWritten = Descriptor.write(file, bytes) && fsync(file) == 0
        let code = errno
        close(file)
        guard isWritten else { throw .unwritable(path: draft, errno: code) }
        guard rename(draft, path) == 0 else { throw .unwritable(path: path, errno: errno) }
    }

    /// What tells that a file has changed; nil where there is none.
    static func stamp(_ path: String) -> [Int]? {
        // Where a link leads may change while the link does not.
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let facts = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
        let time = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        return [facts[.systemFileNumber] as? Int ?? 0, facts[.size] as? Int ?? 0, Int(time * 1e6)]
    }
}

/// Looks every other second whether the files have changed.
struct CertificateWatch: Service {
    static let interval = Duration.seconds(2)

    let certificate: NodeCertificate
    let logger: Logger

    func run() async throws {
        var judge = ChangeJudge(stamps)
        // A cancelled sleep ends the watch.
        while (try? await Self.pause()) != nil {
            guard judge.shouldLoad(stamps) || certificate.isDue else { continue }
            do throws(NodeCertificate.Problem) {
                try certificate.reload()
                judge.loaded(stamps)
                logger.notice("another certificate is shown to new connections", metadata: ["file": "\(certificate.certificate)"])
            } catch {
                guard judge.shouldReport() else { continue }
                logger.error(
                    "the certificate was changed and cannot be used; the one before stays", metadata: ["error": "\(error)"])
            }
        }
    }

    private static func pause() async throws {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: interval) }
        if Task.isShuttingDownGracefully { throw CancellationError() }
    }

    private var stamps: [[Int]?] { [PrivateFile.stamp(certificate.certificate), PrivateFile.stamp(certificate.key)] }
}

/// Decides when changed files are loaded. Two files are not changed at once: that they do not fit each other is only told when they have stayed so.
struct ChangeJudge {
    private var shown: [[Int]?]
    private var failed: [[Int]?]?
    private var failures = 0

    init(_ stamps: [[Int]?]) { shown = stamps }

    /// Whether the files are others than those that are shown, and not yet known to be of no use.
    mutating func shouldLoad(_ stamps: [[Int]?]) -> Bool {
        guard stamps != shown else { return false }
        if stamps != failed { (failed, failures) = (stamps, 0) }
        return failures < 2
    }

    mutating func loaded(_ stamps: [[Int]?]) {
        shown = stamps
        failed = nil
    }

    /// The files could not be used; whether that is to be told now.
    mutating func shouldReport() -> Bool {
        failures += 1
        return failures == 2
    }
}
