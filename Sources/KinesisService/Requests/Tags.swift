/// What tags may hold (Kinesis API, AddTagsToStream).

import AWSWire

enum Tags {
    /// How many a stream may have.
    static let limit = 50

    static func check(_ tags: [String: String]) throws(AWSError) {
        guard tags.count <= limit else {
            throw AWSError(.invalidArgument, "A stream cannot have more than \(limit) tags associated with it.")
        }
        guard tags.allSatisfy({ isPlain($0.key) && isPlain($0.value) }) else {
            throw AWSError(
                .invalidArgument,
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.")
        }
    }

    private static func isPlain(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            let properties = scalar.properties
            return properties.isAlphabetic || properties.numericType != nil || properties.isWhitespace
                || "_./=+-%@:".unicodeScalars.contains(scalar)
        }
    }
}
