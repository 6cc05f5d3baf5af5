/// Temporary keys: made of a lasting one, told by nothing but what their holder shows.

/// Makes session tokens and opens them. A token says which key it was made of, and until when; the secret of the session follows from it, so that
/// nothing needs to be kept. It ends with its time, or with the key it was made of.
package struct SessionTokens: Sendable {
    /// What a token says.
    package struct Session: Sendable, Equatable {
        package var accessKeyID: String
        package var secret: String
        package var token: String
        /// The lasting key.
        package var parent: String
        /// Seconds since 1970-01-01 UTC.
        package var expires: Int64
    }

    /// How long a session may last, in seconds (STS API, GetSessionToken).
    package static let lifetimes: ClosedRange<Int64> = 900...129_600
    package static let usualLifetime: Int64 = 43_200

    private let key: [UInt8]

    /// - Parameter secret: the node's; another one opens no token of this one's.
    package init(secret: [UInt8]) { key = SHA256.code("millrace session tokens 1", key: secret) }

    /// - Parameter random: 16 bytes that nobody can foretell.
    package func session(of parent: String, expires: Int64, random: [UInt8]) -> Session {
        session("ASIA" + AccessKey.letters(random), parent, expires)
    }

    private func session(_ id: String, _ parent: String, _ expires: Int64) -> Session {
        let claim = "1 \(parent) \(id) \(expires)"
        let token = Array(claim.utf8) + SHA256.code("token \(claim)", key: key)
        return Session(
            accessKeyID: id, secret: Base64.encode(SHA256.code("secret \(claim)", key: key)), token: Base64.encode(token),
            parent: parent, expires: expires)
    }

    /// The session that a token was made for; nil for what no token here is.
    package func open(_ token: String) -> Session? {
        guard let bytes = Base64.decode(token), bytes.count > SHA256.byteCount else { return nil }
        let claim = String(decoding: bytes.dropLast(SHA256.byteCount), as: UTF8.self)
        guard SHA256.areEqual(SHA256.code("token \(claim)", key: key), Array(bytes.suffix(SHA256.byteCount))) else { return nil }
        let parts = claim.split(separator: " ")
        guard parts.count == 4, parts[0] == "1", let expires = Int64(parts[3]), expires >= 0 else { return nil }
        return session(String(parts[2]), String(parts[1]), expires)
    }
}
