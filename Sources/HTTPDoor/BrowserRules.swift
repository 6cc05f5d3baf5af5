/// Which web pages may call: rules over Host, Origin and Sec-Fetch-Site, for every path.

package import AWSWire

/// Lets SDKs through and keeps web pages out until they are allowed.
///
/// A page can make a browser send requests to this address from anywhere. Two things give it away. Its Origin says where it was loaded
/// from, and is sent with whatever a page can do harm with. A page whose name was pointed at this address after it was loaded ("DNS
/// rebinding") is of the same origin for the browser and carries its name in Host: names that nobody can point elsewhere are let in,
/// others only when they are listed.
public struct BrowserRules: Sendable {
    /// Names that Host may hold besides addresses, `localhost`, `*.localhost`, names without a dot and `host.docker.internal`; lower case.
    let allowedHosts: Set<String>
    /// Origins whose pages may call, such as `https://console.example`.
    let allowedOrigins: Set<String>

    public init(allowedHosts: some Sequence<String> = [], allowedOrigins: some Sequence<String> = []) {
        self.allowedHosts = Set(allowedHosts.map { Self.name(ofHost: $0) ?? $0 })
        self.allowedOrigins = Set(allowedOrigins.map { $0.lowercased() })
    }

    package enum Verdict: Equatable {
        /// What a page of that origin may be told, if there is one.
        case allowed(origin: String?)
        /// Status and reason in words.
        case refused(Int, String)
    }

    /// - Parameters:
    ///   - scheme: of the connection: `http` or `https`.
    ///   - acts: whether the request sets something going, though its method is a safe one.
    package func verdict(_ head: RequestHead, scheme: String = "http", acts: Bool = false) -> Verdict {
        let host = head[.host]
        if let host {
            guard let name = Self.name(ofHost: host) else {
                return .refused(400, "The Host header '\(Self.shown(host))' is malformed.")
            }
            guard allows(host: name) else {
                return .refused(
                    403,
                    "The host name '\(Self.shown(name))' is not allowed. If this server is meant to be called by that name, add it to the "
                        + "setting allowed-hosts.")
            }
        }
        guard let origin = head[.origin] else {
            if acts || !Self.isSafe(head.method), let site = head[.secFetchSite]?.lowercased(),
                site == "cross-site" || site == "same-site"
            {
                return .refused(403, "A web page of another origin may not call this server; see the setting allowed-origins.")
            }
            return .allowed(origin: nil)
        }
        if allowedOrigins.contains(origin.lowercased()) { return .allowed(origin: origin) }
        guard let host, Self.normalized(origin.lowercased()) == Self.normalized("\(scheme)://\(host.lowercased())") else {
            return .refused(
                403,
                "The origin '\(Self.shown(origin))' is not allowed. If its pages are meant to call this server, add it to the setting "
                    + "allowed-origins.")
        }
        return .allowed(origin: origin)
    }

    private func allows(host name: String) -> Bool {
        !name.contains(".") || name.hasSuffix(".localhost") || name == "host.docker.internal" || allowedHosts.contains(name)
            || name.hasPrefix("[") || Self.isIPv4(name)
    }

    /// A host without port, final dot and capital letters; nil when it is none.
    static func name(ofHost host: String) -> String? {
        var name = host.lowercased()[...]
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return nil }
            let port = name[name.index(after: end)...]
            guard port.isEmpty || isPort(port) else { return nil }
            let address = name[name.index(after: name.startIndex)..<end]
            guard !address.isEmpty,
                address.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { return nil }
            return String(name[...end])
        }
        if let colon = name.firstIndex(of: ":") {
            guard isPort(name[colon...]) else { return nil }
            name = name[..<colon]
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        let isName = name.utf8.allSatisfy { byte in
            isHexDigit(byte) || (UInt8(ascii: "g")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        return isName && !name.isEmpty ? String(name) : nil
    }

    /// Whether a setting names a host.
    public static func isHostName(_ text: String) -> Bool { name(ofHost: text) != nil && !text.contains(":") }

    /// Whether a setting names an origin: a scheme, a host and perhaps a port; or `null`, the origin of pages in files.
    public static func isOrigin(_ text: String) -> Bool {
        if text == "null" { return true }
        let parts = text.lowercased().split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && (parts[0] == "http" || parts[0] == "https") && name(ofHost: String(parts[1])) != nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.hasPrefix(":") && text.utf8.count <= 6
            && text.utf8.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// Four decimal numbers: the form into which browsers bring every other way to write an address.
    private static func isIPv4(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } && UInt8(part) != nil
            }
    }

    /// Without the scheme's usual port.
    private static func normalized(_ origin: String) -> Substring {
        if origin.hasPrefix("http://"), origin.hasSuffix(":80") { return origin.dropLast(3) }
        if origin.hasPrefix("https://"), origin.hasSuffix(":443") { return origin.dropLast(4) }
        return origin[...]
    }

    /// Methods that change nothing. A preflight is the browser's own question.
    private static func isSafe(_ method: RequestHead.Method) -> Bool { method == .get || method == .head || method == .options }

    /// What someone sent, short and without control characters.
    private static func shown(_ text: String) -> String { String(text.prefix(100).filter { !$0.isASCII || $0 >= " " }) }
}

extension BrowserRules {
    /// What a page of an allowed origin is told with every answer.
    static let exposedFields = "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"

    /// The header fields for a page of an allowed origin.
    static func fields(origin: String) -> [(name: String, value: String)] {
        [
            ("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", exposedFields), ("Vary", "Origin"),
        ]
    }

    /// The header fields of the answer to a browser that asks before it lets a page of an allowed origin call.
    static func preflightFields(origin: String, _ head: RequestHead) -> [(name: String, value: String)] {
        var fields = [(name: "Access-Control-Allow-Origin", value: origin)]
        if let names = head[.requestedHeaders] { fields.append(("Access-Control-Allow-Headers", names)) }
        if let method = head[.requestedMethod] { fields.append(("Access-Control-Allow-Methods", method)) }
        return fields + [("Access-Control-Max-Age", "172800"), ("Vary", "Origin")]
    }
}
