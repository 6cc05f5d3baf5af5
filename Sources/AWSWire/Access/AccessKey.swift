/// The keys that may call: who has them, and what they may do.

/// An access key of a user.
package struct AccessKey: Sendable, Hashable {
    /// Such as `AKIA...`: 16 to 128 letters and digits (IAM API, AccessKey).
    package var id: String
    package var secret: String
    /// Of several keys of one user each has its own policies.
    package var user: String
    /// Seconds since 1970-01-01 UTC.
    package var created: Int64
    package var policies: [NamedPolicy]

    package init(id: String, secret: String, user: String, created: Int64, policies: [JSONValue]) throws(MalformedPolicy) {
        guard (16...128).contains(id.utf8.count), id.utf8.allSatisfy({ Self.isWord($0) }) else {
            throw MalformedPolicy("access_key_id: '\(id)' must be 16 to 128 letters and digits")
        }
        guard (16...128).contains(secret.utf8.count) else {
            throw MalformedPolicy("secret_access_key: that of '\(id)' must have 16 to 128 characters")
        }
        guard Self.isUser(user) else {
            throw MalformedPolicy("user: '\(user)' must be 1 to 64 letters, digits and characters of _+=,.@-")
        }
        (self.id, self.secret, self.user, self.created) = (id, secret, user, created)
        var named: [NamedPolicy] = []
        for (index, policy) in policies.enumerated() {
            do throws(MalformedPolicy) {
                named.append(NamedPolicy(name: "policy \(index + 1) of user \(user)", try PolicyDocument(policy, .identity)))
            } catch {
                throw MalformedPolicy("policy \(index + 1) of user \(user): \(error)")
            }
        }
        self.policies = named
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Whether a text can be a user's name (IAM API, CreateUser).
    package static func isUser(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { isWord($0) || "_+=,.@-".utf8.contains($0) }
    }

    /// A key that nobody has had.
    /// - Parameter random: gives bytes that nobody can foretell.
    package static func generated(
        user: String, created: Int64, policies: [JSONValue], random: (_ count: Int) -> [UInt8]
    ) throws(MalformedPolicy) -> AccessKey {
        try AccessKey(
            id: "AKIA" + letters(random(16)), secret: String(Base64.encode(random(30))), user: user, created: created,
            policies: policies)
    }

    /// Base 32, of which each byte gives one letter.
    static func letters(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return String(bytes.map { letters[Int($0 & 31)] })
    }
}

extension AccessKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Without the secret, which no log line may hold.
    package var description: String { "AccessKey(\(id) of \(user))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["id": id, "user": user]) }
}
