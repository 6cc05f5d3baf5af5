/// Settings of a stream among its tags.

import RecordBatch
import StreamStore
import Testing

@Suite struct StreamSettingsTests {
    @Test("settings are read from their tags; without them nothing is set, whatever other tags there are")
    func reading() throws {
        #expect(try StreamSettings(tags: [:]) == StreamSettings())
        #expect(try StreamSettings(tags: ["team": "a", "millrace:colour": "blue", "compression": "zstd"]) == StreamSettings())
        let tags = ["millrace:compression": "zstd", "millrace:retention-bytes": "9223372036854775807", "team": "a"]
        let settings = StreamSettings(compression: .zstd, retentionBytes: .max)
        #expect(try StreamSettings(tags: tags) == settings)
        #expect(StreamSettings(storedTags: tags) == settings)
        #expect(try StreamSettings(tags: ["millrace:compression": "lz4"]) == StreamSettings(compression: .lz4))
        #expect(try StreamSettings(tags: ["millrace:compression": "none"]) == StreamSettings())
        #expect(try StreamSettings(tags: ["millrace:retention-bytes": "1"]) == StreamSettings(retentionBytes: 1))
    }

    @Test(
        "a value that breaks its rule is refused by tag, value and rule",
        arguments: [
            ("millrace:compression", ["", "gzip", "snappy", "ZSTD", " zstd", "3"], "it must be none, zstd or lz4"),
            (
                "millrace:retention-bytes", ["", "0", "-1", "+1", "1e9", "1.0", "01", " 1", "1 GB", "9223372036854775808", "１"],
                "it must be a whole number of bytes from 1 to 9223372036854775807, in digits"
            ),
        ])
    func refusals(tag: String, values: [String], rule: String) {
        for value in values {
            #expect(throws: StreamSettingsError(tag: tag, value: value, rule: rule)) { try StreamSettings(tags: [tag: value]) }
            // Once stored it sets nothing, and does not take the other setting with it.
            let other =
                tag == StreamSettings.compressionTag
                ? [StreamSettings.retentionBytesTag: "7"] : [StreamSettings.compressionTag: "lz4"]
            let stored = StreamSettings(storedTags: [tag: value].merging(other) { $1 })
            #expect(stored == (try? StreamSettings(tags: other)))
        }
        #expect(
            "\(StreamSettingsError(tag: "millrace:compression", value: "gzip", rule: "it must be none, zstd or lz4"))"
                == "Tag millrace:compression has the value 'gzip', but it must be none, zstd or lz4.")
    }
}
