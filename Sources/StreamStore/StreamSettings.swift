/// What the tags of a stream say to the store itself. Tags, because every AWS client can set them.

public import RecordBatch

/// How the store treats the records of one stream.
public struct StreamSettings: Hashable, Sendable {
    /// What batches that arrive uncompressed are compressed with: `.none`, `.zstd` or `.lz4`.
    public var compression: CompressionCodec
    /// The oldest records may go as long as so many bytes of the stream stay on disk, even before their retention time is over; nil sets no
    /// such bound. At least 1. What goes are whole segments, the oldest of all shards first.
    public var retentionBytes: Int64?

    /// - Parameter compression: `.none`, `.zstd` or `.lz4`.
    public init(compression: CompressionCodec = .none, retentionBytes: Int64? = nil) {
        self.compression = compression
        self.retentionBytes = retentionBytes
    }
}

// MARK: - As tags

extension StreamSettings {
    /// `none`, `zstd` or `lz4`.
    public static let compressionTag = "millrace:compression"
    /// A number of bytes in decimal digits.
    public static let retentionBytesTag = "millrace:retention-bytes"

    private static let codecs: [String: CompressionCodec] = ["none": .none, "zstd": .zstd, "lz4": .lz4]

    /// Reads the settings among the tags of a stream; other tags mean nothing to the store.
    /// - Throws: for a value that breaks its rule.
    public init(tags: [String: String]) throws(StreamSettingsError) {
        self.init()
        if let text = tags[Self.compressionTag] {
            guard let codec = Self.codecs[text] else {
                throw StreamSettingsError(tag: Self.compressionTag, value: text, rule: "it must be none, zstd or lz4")
            }
            compression = codec
        }
        if let text = tags[Self.retentionBytesTag] {
            guard let bytes = Self.bytes(text) else {
                throw StreamSettingsError(
                    tag: Self.retentionBytesTag, value: text,
                    rule: "it must be a whole number of bytes from 1 to \(Int64.max), in digits")
            }
            retentionBytes = bytes
        }
    }

    /// The same for tags that are stored already: a value that breaks its rule counts as not given.
    public init(storedTags tags: [String: String]) {
        self.init()
        for tag in [Self.compressionTag, Self.retentionBytesTag] {
            guard let value = tags[tag], let settings = try? StreamSettings(tags: [tag: value]) else { continue }
            if tag == Self.compressionTag { compression = settings.compression }
            if tag == Self.retentionBytesTag { retentionBytes = settings.retentionBytes }
        }
    }

    private static func bytes(_ text: String) -> Int64? {
        guard text.utf8.first.map({ (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }) ?? false else { return nil }
        return Int64(text)
    }
}

/// A tag's value that is no setting.
public struct StreamSettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    public var tag: String
    public var value: String
    /// What must hold, in words.
    public var rule: String

    public init(tag: String, value: String, rule: String) {
        self.tag = tag
        self.value = value
        self.rule = rule
    }

    public var description: String { "Tag \(tag) has the value '\(value)', but \(rule)." }
}

extension StreamDescription {
    /// What its tags say to the store.
    public var settings: StreamSettings { StreamSettings(storedTags: tags) }
}
