/// Tag: a key and a value on an application.

import AWSWire

/// Tag.
struct TagRequest: WireReadable {
    var key: String?
    var value: String?

    init(_ fields: WireFields) throws(AWSError) {
        key = try fields.string("Key")
        value = try fields.string("Value")
    }

    static let rules: [Rule<TagRequest>] = [
        .member("key", \.key, .notNull, .minLength(1), .maxLength(128)), .member("value", \.value, .maxLength(256)),
    ]

    /// How many tags an application may have.
    static let limit = 50

    /// - Throws: `.tooManyTags`, `.invalidArgument`.
    static func check(_ tags: [TagRequest]) throws(AWSError) {
        guard tags.count <= limit else {
            throw AWSError(.tooManyTags, "Tags has \(tags.count) tags; an application may have at most \(limit).")
        }
        var keys: Set<String> = []
        for key in tags.map({ $0.key ?? "" }) where !keys.insert(key).inserted {
            throw AWSError(.invalidArgument, "Tags has the key '\(key)' twice; each key may stand once.")
        }
    }
}
