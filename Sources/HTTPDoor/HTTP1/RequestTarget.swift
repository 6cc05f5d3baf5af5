/// The forms of a request's target (RFC 9112, section 3.2): all become a path, and a Host.

import AWSWire

/// A target is a path with perhaps a query. One that names scheme and host too, as a client sends it that takes this server for a proxy, is
/// served like the path alone; its host stands in the place of the field Host, which the rules for web pages look at. `*` is for OPTIONS only.
enum RequestTarget {
    /// Where the parts of a target of the absolute form lie in it.
    private struct Absolute {
        var authority: Range<Int>
        /// Empty, or beginning with a slash or a question mark.
        var path: Range<Int>
    }

    /// Brings the target of a head into the form of a path.
    static func settle(_ head: inout RequestHead, isSecured: Bool) throws(HTTPFault) {
        if isPath(head) { return }
        let target = [UInt8](head.target.utf8)
        let parts = try absolute(target, isSecured: isSecured)
        let path = target[parts.path]
        let slash: [UInt8] = path.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        (slash + path).withUnsafeBytes { path in target[parts.authority].withUnsafeBytes { head.retarget(path, host: $0) } }
    }

    /// Whether the target is a path, or `*` where that may stand.
    static func isPath(_ head: RequestHead) -> Bool {
        head.withTargetBytes { $0.first == UInt8(ascii: "/") || head.method == .options && $0.equals("*") }
    }

    private static func absolute(_ target: [UInt8], isSecured: Bool) throws(HTTPFault) -> Absolute {
        guard let schemeEnd = (0..<min(target.count, 16)).first(where: { target[$0...].starts(with: "://".utf8) }) else {
            throw HTTPFault(400, "The target of the request is neither a path nor an address.")
        }
        switch String(decoding: target[..<schemeEnd], as: UTF8.self).lowercased() {
        case isSecured ? "https" : "http": break
        case "http": throw HTTPFault(421, "An http address is asked for over a connection that is secured.")
        // What was meant to be secret must not be answered in the open (RFC 9110, section 7.4).
        case "https": throw HTTPFault(421, "An https address is asked for over a connection that is not secured.")
        default: throw HTTPFault(400, "The target of the request is an address of another scheme than http.")
        }
        let start = schemeEnd + 3
        let isEnd = { (byte: UInt8) in byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") }
        let end = target[start...].firstIndex(where: isEnd) ?? target.count
        guard start < end, !target[start..<end].contains(UInt8(ascii: "@")), end == target.count || target[end] != UInt8(ascii: "#")
        else { throw HTTPFault(400, "The address in the request's first line has no host, or more than a host and a port.") }
        return Absolute(authority: start..<end, path: end..<target.count)
    }
}
