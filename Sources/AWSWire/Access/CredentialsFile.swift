/// The file in which the keys are kept: JSON, read whole, written whole.

/// What a credentials file holds.
///
/// ```json
/// {"version": 1, "keys": [{"access_key_id": "AKIA...", "secret_access_key": "...", "user": "alice",
///   "created": "20261130T182149Z", "policies": [{"Version": "2012-10-17", "Statement": [...]}]}]}
/// ```
package struct CredentialsFile: Sendable, Equatable {
    package var keys: [AccessKey] = []

    private static let version: Int64 = 1

    package init() {}

    /// - Throws: what is wrong, with the member's name; a secret is never part of it.
    package init(_ text: [UInt8]) throws(MalformedPolicy) {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONValue(parsing: text)
        } catch {
            throw MalformedPolicy("not JSON: \(error)")
        }
        guard let version = root["version"]?.integer else { throw MalformedPolicy("version: is missing") }
        guard version == Self.version else {
            throw MalformedPolicy("version: \(version) is of another millrace; this one knows \(Self.version)")
        }
        guard let elements = root["keys"]?.array else { throw MalformedPolicy("keys: must be a list") }
        for (index, element) in elements.enumerated() {
            func text(_ name: String) throws(MalformedPolicy) -> String {
                guard let text = element[name]?.string else { throw MalformedPolicy("keys[\(index)].\(name): must be a text") }
                return text
            }
            let created = try text("created")
            guard let created = SignatureTime.seconds(created) else {
                throw MalformedPolicy("keys[\(index)].created: '\(created)' must be a time such as 20261130T182149Z")
            }
            let key = try AccessKey(
                id: try text("access_key_id"), secret: try text("secret_access_key"), user: try text("user"), created: created,
                policies: element["policies"]?.array ?? [])
            guard !keys.contains(where: { $0.id == key.id }) else {
                throw MalformedPolicy("keys[\(index)].access_key_id: '\(key.id)' stands twice")
            }
            keys.append(key)
        }
    }

    package var text: [UInt8] {
        let elements = keys.map { key -> JSONValue in
            [
                "access_key_id": .string(key.id), "secret_access_key": .string(key.secret), "user": .string(key.user),
                "created": .string(SignatureTime.text(key.created)), "policies": .array(key.policies.map(\.document.source)),
            ]
        }
        return (["version": .number("\(Self.version)"), "keys": .array(elements)] as JSONValue).serialized + Array("\n".utf8)
    }
}
