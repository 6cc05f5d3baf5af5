/// What tags may hold (Kinesis API, AddTagsToStream), and what some of them set here.

import AWSWire
import StreamStore

enum Tags {
    /// How many a stream may have.
    static let limit = 50

    /// Checks the tags of a new stream.
    static func check(_ tags: [String: String]) throws(AWSError) {
        guard tags.count <= limit else {
            throw AWSError(.invalidArgument, "A stream cannot have more than \(limit) tags associated with it.")
        }
        try checkTexts(Array(tags.keys) + tags.values)
        try checkReserved(tags.keys)
        try checkSettings(tags)
    }

    /// Checks the tags of a consumer, all of them together; none of them is a setting.
    static func check(ofConsumer tags: [String: String]) throws(AWSError) {
        guard tags.count <= limit else {
            throw AWSError(.invalidArgument, "A consumer cannot have more than \(limit) tags associated with it.")
        }
        try checkTexts(Array(tags.keys) + tags.values)
        try checkReserved(tags.keys)
    }

    /// Checks the keys of tags that are to be removed from a consumer.
    static func check(removingFromConsumer keys: [String]) throws(AWSError) { try checkTexts(keys) }

    /// Checks the tags that are to be added to a stream.
    static func check(adding tags: [String: String], to stream: String, _ kinesis: Kinesis) throws(AWSError) {
        let texts = Array(tags.keys) + tags.values
        try checkTexts(texts)
        try checkReserved(tags.keys)
        try checkPercent(texts, "Failed to add tags to stream \(stream)", kinesis)
        try checkSettings(tags)
    }

    /// Checks the keys of tags that are to be removed from a stream.
    static func check(removing keys: [String], from stream: String, _ kinesis: Kinesis) throws(AWSError) {
        try checkTexts(keys)
        try checkPercent(keys, "Failed to remove tags from stream \(stream)", kinesis)
    }

    /// Why tags cannot be added: there would be too many.
    static func tooMany(_ stream: String, _ kinesis: Kinesis) -> AWSError {
        AWSError(
            .invalidArgument,
            "Failed to add tags to stream \(stream) under account \(kinesis.settings.accountID) because a given stream cannot have more than "
                + "\(limit) tags associated with it.")
    }

    private static func checkTexts(_ texts: [String]) throws(AWSError) {
        guard texts.allSatisfy(isPlain) else {
            throw AWSError(
                .invalidArgument,
                "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.")
        }
    }

    /// Keys that AWS keeps for its own tags.
    private static func checkReserved(_ keys: some Sequence<String>) throws(AWSError) {
        guard let key = keys.first(where: { $0.prefix(4).lowercased() == "aws:" }) else { return }
        throw AWSError(.invalidArgument, "Tag key \(key) is not valid: keys that begin with aws: are reserved for system use.")
    }

    /// AWS names the percent sign among the valid characters and refuses it all the same.
    private static func checkPercent(_ texts: [String], _ failure: String, _ kinesis: Kinesis) throws(AWSError) {
        guard !texts.contains(where: { $0.utf8.contains(UInt8(ascii: "%")) }) else {
            throw AWSError(
                .invalidArgument,
                "\(failure) under account \(kinesis.settings.accountID) because some tags contained illegal characters. The allowed "
                    + "characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@',':'.")
        }
    }

    /// Tags that the store goes by must say something that it can do; all others are only kept.
    private static func checkSettings(_ tags: [String: String]) throws(AWSError) {
        do throws(StreamSettingsError) {
            _ = try StreamSettings(tags: tags)
        } catch {
            throw AWSError(.invalidArgument, error.description)
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

extension Kinesis {
    /// Adds tags to a stream, or gives those it has another value.
    func add(tags new: [String: String], toStream name: String) async throws(AWSError) {
        try Tags.check(adding: new, to: name, self)
        let isChanged: Bool
        do throws(StoreError) {
            isChanged = try await store.changeTags(StreamKey(name)) { tags in
                let all = tags.merging(new) { $1 }
                guard all.count <= Tags.limit else { return false }
                tags = all
                return true
            }
        } catch {
            throw awsError(error)
        }
        guard isChanged else { throw Tags.tooMany(name, self) }
    }

    /// Removes tags of a stream; keys that it does not have change nothing.
    func remove(tags keys: [String], fromStream name: String) async throws(AWSError) {
        try Tags.check(removing: keys, from: name, self)
        do throws(StoreError) {
            _ = try await store.changeTags(StreamKey(name)) { tags in
                let before = tags.count
                for key in keys { tags[key] = nil }
                return tags.count < before
            }
        } catch {
            throw awsError(error)
        }
    }
}

extension WireWriter {
    /// Tags by key (Kinesis API, TagList).
    mutating func tags(_ tags: some Sequence<(key: String, value: String)>) {
        list("Tags", tags) { writer, tag in
            writer.object { writer in
                writer.field("Key", tag.key)
                writer.field("Value", tag.value)
            }
        }
    }
}
