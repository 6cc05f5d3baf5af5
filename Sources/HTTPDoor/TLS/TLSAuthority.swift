/// Certificates for a node that was given none: an authority of its own, and what that vouches for.

internal import CTLS

/// A certificate and its key, both PEM.
public struct TLSPair: Sendable, Equatable {
    public var certificate: [UInt8]
    /// For nobody else's eyes.
    public var key: [UInt8]

    public init(certificate: [UInt8], key: [UInt8]) {
        self.certificate = certificate
        self.key = key
    }
}

/// Makes certificates with keys on the curve P-256. A client that trusts the authority's trusts all that it vouches for.
public enum TLSAuthority {
    /// A new authority; nil when memory or random bits are short.
    /// - Parameters:
    ///   - name: what certificate stores show.
    ///   - now: seconds since 1970 UTC.
    ///   - days: how long it holds.
    public static func make(name: String, now: Int64, days: Int32) -> TLSPair? {
        var made = CTLS_pair()
        guard CTLS_make_authority(name, now, days, &made) == 1 else { return nil }
        return TLSPair(taking: made)
    }

    /// A server's certificate; nil when the authority's are not what they should be, or a name is none.
    /// - Parameter names: what clients call the server, `DNS:localhost` or `IP:127.0.0.1` each.
    public static func issue(_ authority: TLSPair, names: [String], now: Int64, days: Int32) -> TLSPair? {
        var made = CTLS_pair()
        let result = authority.certificate.withUnsafeBytes { certificate in
            authority.key.withUnsafeBytes { key in
                CTLS_make_leaf(
                    certificate.baseAddress, certificate.count, key.baseAddress, key.count, names.joined(separator: ","), now, days,
                    &made)
            }
        }
        guard result == 1 else { return nil }
        return TLSPair(taking: made)
    }

    /// Whether a server's certificate, in PEM, holds all names.
    public static func covers(_ certificate: [UInt8], names: [String]) -> Bool {
        certificate.withUnsafeBytes { bytes in names.allSatisfy { CTLS_has_name(bytes.baseAddress, bytes.count, $0) == 1 } }
    }
}

extension TLSPair {
    fileprivate init(taking pair: CTLS_pair) {
        func bytes(_ text: CTLS_text) -> [UInt8] { [UInt8](UnsafeRawBufferPointer(start: text.text, count: text.count)) }
        self.init(certificate: bytes(pair.certificate), key: bytes(pair.key))
        CTLS_text_free(pair.certificate)
        CTLS_text_free(pair.key)
    }
}
